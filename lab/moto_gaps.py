"""Where moto's load balancers answer other than AWS does: corrected for the lab and for the tests alike."""

from typing import Any

from moto.elbv2.models import FakeLoadBalancer, FakeTargetGroup

# What AWS tells of every application load balancer and target group, and moto only of those that were given it.
BALANCER = {
    "access_logs.s3.enabled": "false",
    "idle_timeout.timeout_seconds": "60",
    "routing.http.drop_invalid_header_fields.enabled": "false",
}
TARGET_GROUP = {
    "stickiness.lb_cookie.duration_seconds": "86400",
    "stickiness.app_cookie.cookie_name": "",
    "stickiness.app_cookie.duration_seconds": "86400",
}


def correct() -> None:
    """Change moto's classes; once for a process, before it serves."""
    balancer, group, deregister = FakeLoadBalancer.__init__, FakeTargetGroup.__init__, FakeTargetGroup.deregister

    def new_balancer(self: FakeLoadBalancer, *arguments: Any, **options: Any) -> None:
        balancer(self, *arguments, **options)
        self.attrs = BALANCER | self.attrs

    def new_group(self: FakeTargetGroup, *arguments: Any, **options: Any) -> None:
        group(self, *arguments, **options)
        self.attributes = TARGET_GROUP | self.attributes

    def deregister_port(self: FakeTargetGroup, targets: list[dict[str, Any]]) -> None:
        """A target is an instance and a port; moto looks at the instance alone."""
        registered = {(target["Id"], str(target["Port"])) for target in self.targets.values()}
        deregister(self, [one for one in targets if (one["Id"], str(one.get("Port", self.port))) in registered])

    FakeLoadBalancer.__init__ = new_balancer  # type: ignore[method-assign]
    FakeTargetGroup.__init__ = new_group  # type: ignore[method-assign]
    FakeTargetGroup.deregister = deregister_port  # type: ignore[method-assign]
