"""Where moto answers other than AWS does: corrected for the lab and for the tests alike."""

import copy
import json
import os
import uuid
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.ec2.models.elastic_block_store import Volume
from moto.ec2.models.vpcs import VPCBackend
from moto.elbv2.models import FakeLoadBalancer, FakeTargetGroup
from moto.iam.access_control import IAMPolicy
from moto.logs.models import LogsBackend
from moto.s3.models import FakeBucket, S3Backend
from moto.sns.models import SNSBackend

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
    os.environ["MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS"] = "false"  # a bucket of another account answers AccessDenied
    complete_attributes()
    tell_ports_apart()
    tag_dashboards()
    forget_tags()
    await_consent()
    weigh_bucket_policies()
    name_lifecycle_rules()
    forget_endpoints()
    name_snapshots()


def complete_attributes() -> None:
    """Give new balancers and target groups all their attributes."""
    balancer, group = FakeLoadBalancer.__init__, FakeTargetGroup.__init__

    def new_balancer(self: FakeLoadBalancer, *arguments: Any, **options: Any) -> None:
        balancer(self, *arguments, **options)
        self.attrs = BALANCER | self.attrs

    def new_group(self: FakeTargetGroup, *arguments: Any, **options: Any) -> None:
        group(self, *arguments, **options)
        self.attributes = TARGET_GROUP | self.attributes

    FakeLoadBalancer.__init__ = new_balancer  # type: ignore[method-assign]
    FakeTargetGroup.__init__ = new_group  # type: ignore[method-assign]


def tell_ports_apart() -> None:
    """A target is an instance and a port; moto deregisters an instance whatever the port."""
    deregister = FakeTargetGroup.deregister

    def deregister_port(self: FakeTargetGroup, targets: list[dict[str, Any]]) -> None:
        registered = {(target["Id"], str(target["Port"])) for target in self.targets.values()}
        deregister(self, [one for one in targets if (one["Id"], str(one.get("Port", self.port))) in registered])

    FakeTargetGroup.deregister = deregister_port  # type: ignore[method-assign]


def tag_dashboards() -> None:
    """Dashboards bear tags: those of the request that makes them, and those that come later."""
    put, tag = CloudWatchResponse.put_dashboard, CloudWatchBackend.tag_resource

    def put_with_tags(self: CloudWatchResponse) -> Any:
        backend, name = self.cloudwatch_backend, self._get_param("DashboardName")
        new, answer = name not in backend.dashboards, put(self)
        if new:
            backend.tagger.tag_resource(backend.dashboards[name].arn, self._get_param("Tags", []))
        return answer

    def tag_any(self: CloudWatchBackend, arn: str, tags: dict[str, str]) -> None:
        if arn not in {dashboard.arn for dashboard in self.dashboards.values()}:
            return tag(self, arn, tags)
        return self.tagger.tag_resource(arn, self.tagger.convert_dict_to_tags_input(tags))

    CloudWatchResponse.put_dashboard = put_with_tags  # type: ignore[method-assign]
    CloudWatchBackend.tag_resource = tag_any  # type: ignore[method-assign]


def await_consent() -> None:
    """An address is not subscribed before its owner has consented, and until then has no ARN to unsubscribe."""
    listed = SNSBackend.list_subscriptions_by_topic

    def list_pending(self: SNSBackend, topic_arn: str, next_token: str | None = None) -> Any:
        subscriptions, token = listed(self, topic_arn, next_token)
        shown = [copy.copy(subscription) for subscription in subscriptions]
        for subscription in shown:
            if subscription.protocol.startswith("email") and not subscription.confirmed:
                subscription.arn = "PendingConfirmation"
        return shown, token

    SNSBackend.list_subscriptions_by_topic = list_pending  # type: ignore[method-assign]


def forget_tags() -> None:
    """What is deleted takes its tags along; moto gives them to the next of that name."""
    drop_alarms, drop_dashboards = CloudWatchBackend.delete_alarms, CloudWatchBackend.delete_dashboards

    def delete_alarms(self: CloudWatchBackend, alarm_names: list[str]) -> None:
        for alarm in self.get_alarms_by_alarm_names(alarm_names):
            self.tagger.delete_all_tags_for_resource(alarm.alarm_arn)
        drop_alarms(self, alarm_names)

    def delete_dashboards(self: CloudWatchBackend, dashboards: list[str]) -> str | None:
        for name in self.dashboards.keys() & set(dashboards):
            self.tagger.delete_all_tags_for_resource(self.dashboards[name].arn)
        return drop_dashboards(self, dashboards)

    drop_group, drop_bucket = LogsBackend.delete_log_group, S3Backend.delete_bucket

    def delete_log_group(self: LogsBackend, log_group_name: str) -> None:
        for group in [self.groups[log_group_name]] if log_group_name in self.groups else []:
            self.tagger.delete_all_tags_for_resource(group.arn)
        drop_group(self, log_group_name)

    def delete_bucket(self: S3Backend, bucket_name: str) -> FakeBucket | None:
        arn, gone = self.get_bucket(bucket_name).arn, drop_bucket(self, bucket_name)
        if gone:
            self.tagger.delete_all_tags_for_resource(arn)
        return gone

    LogsBackend.delete_log_group = delete_log_group  # type: ignore[method-assign]
    S3Backend.delete_bucket = delete_bucket  # type: ignore[method-assign]
    CloudWatchBackend.delete_alarms = delete_alarms  # type: ignore[method-assign]
    CloudWatchBackend.delete_dashboards = delete_dashboards  # type: ignore[method-assign]


def weigh_bucket_policies() -> None:
    """A statement counts where its condition is met; moto takes an unmet one for a denial.

    Requests over loopback stand for those over TLS, so that the ones about other transport say nothing here.
    """

    def get_permission(self: FakeBucket, action: str, resource: str) -> Any:
        document = json.loads(self.policy or '{"Statement": []}')
        listed = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
        document["Statement"] = [each for each in listed if "aws:SecureTransport" not in str(each.get("Condition"))]
        return IAMPolicy(json.dumps(document)).is_action_permitted(action, resource)

    FakeBucket.get_permission = get_permission  # type: ignore[method-assign]


def name_lifecycle_rules() -> None:
    """A rule of a bucket's lifecycle that came without a name has got one."""
    set_lifecycle = FakeBucket.set_lifecycle

    def set_with_names(self: FakeBucket, rules: list[dict[str, Any]]) -> None:
        set_lifecycle(self, [{"ID": uuid.uuid4().hex} | rule for rule in rules])

    FakeBucket.set_lifecycle = set_with_names  # type: ignore[method-assign]


def forget_endpoints() -> None:
    """A deleted endpoint is soon described no more, and holds no route table."""
    delete = VPCBackend.delete_vpc_endpoints

    def delete_and_forget(self: Any, vpce_ids: list[str] | None = None) -> None:
        delete(self, vpce_ids)
        for name in vpce_ids or []:
            self.vpc_end_points.pop(name, None)

    VPCBackend.delete_vpc_endpoints = delete_and_forget  # type: ignore[method-assign]


def name_snapshots() -> None:
    """A volume made of no snapshot is described with an empty name of one; moto leaves the name out."""
    volume = Volume.__init__

    def new_volume(self: Volume, *arguments: Any, **options: Any) -> None:
        volume(self, *arguments, **options)
        self.snapshot_id = self.snapshot_id or ""

    Volume.__init__ = new_volume  # type: ignore[method-assign]
