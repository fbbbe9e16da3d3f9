"""The load balancer of role load_balancer, read back with boto3; each test goes on where the one before it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_account import Clients, Role, by_key

GROUP, BALANCER, TARGETS = "Create the target group", "Create the load balancer", "Register the instances"
POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"


@pytest.fixture(scope="module")
def elb(aws: Clients) -> Any:
    """Return a client of the load balancers."""
    return aws("elbv2")


@pytest.fixture(scope="module")
def ids(folder: Path) -> dict[str, Any]:
    """Return what prepare.yml has made or found."""
    return dict(json.loads((folder / "ids.json").read_text()))


@pytest.fixture
def balancer(elb: Any, name: str) -> dict[str, Any]:
    """Return the load balancer with its attributes and, by port, its listeners."""
    (balancer,) = elb.describe_load_balancers(Names=[name])["LoadBalancers"]
    arn = balancer["LoadBalancerArn"]
    attributes = by_key(elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"])
    return dict(balancer) | {"attributes": attributes, "listeners": listeners(elb, arn)}


@pytest.fixture
def group(elb: Any, name: str) -> dict[str, Any]:
    """Return the target group with its attributes."""
    (group,) = elb.describe_target_groups(Names=[name])["TargetGroups"]
    answer = elb.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])["Attributes"]
    return dict(group) | {"attributes": by_key(answer)}


def listeners(elb: Any, arn: str) -> dict[int, dict[str, Any]]:
    """Return a load balancer's listeners by port."""
    return {listener["Port"]: listener for listener in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]}


def serving(elb: Any, arn: str) -> list[tuple[str, int]]:
    """Return the targets of a group."""
    answer = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return [(health["Target"]["Id"], health["Target"]["Port"]) for health in answer]


def tags_of(elb: Any, *arns: str) -> list[dict[str, str]]:
    """Return the tags of resources."""
    return [by_key(one["Tags"]) for one in elb.describe_tags(ResourceArns=list(arns))["TagDescriptions"]]


def agree(run: Callable[..., Any], **variables: Any) -> list[str]:
    """Check, then run, and return what both have named."""
    check, real = run(check=True, **variables), run(**variables)
    assert check.ok, check.message
    assert real.ok, real.message
    assert check.changes == real.changes
    return list(real.changes)


def test_it_faces_the_internet_in_two_zones_for_an_hour_of_silence(balancer: dict[str, Any], ids: Any) -> None:
    assert (balancer["Type"], balancer["Scheme"]) == ("application", "internet-facing")
    assert sorted(zone["SubnetId"] for zone in balancer["AvailabilityZones"]) == ids["subnets"]
    assert balancer["SecurityGroups"] == [ids["group"]]
    assert balancer["attributes"]["idle_timeout.timeout_seconds"] == "3600"
    assert balancer["attributes"]["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert balancer["attributes"]["deletion_protection.enabled"] == "false"


def test_port_80_leads_to_the_target_group(balancer: dict[str, Any], group: dict[str, Any]) -> None:
    assert list(balancer["listeners"]) == [80]
    (action,) = balancer["listeners"][80]["DefaultActions"]
    assert (action["Type"], action["TargetGroupArn"]) == ("forward", group["TargetGroupArn"])


def test_the_target_group_asks_the_instance_for_readiness(elb: Any, group: dict[str, Any], ids: Any) -> None:
    assert (group["Protocol"], group["TargetType"], group["VpcId"]) == ("HTTP", "instance", ids["vpc"])
    assert (group["HealthCheckPath"], group["Matcher"]["HttpCode"]) == ("/haproxy/ready", "200")
    assert group["attributes"]["deregistration_delay.timeout_seconds"] == "30"
    assert serving(elb, group["TargetGroupArn"]) == [(ids["instance"], 8000)]


def test_both_are_tagged(elb: Any, balancer: dict[str, Any], group: dict[str, Any], tags: dict[str, str]) -> None:
    assert tags_of(elb, balancer["LoadBalancerArn"], group["TargetGroupArn"]) == [tags, tags]


def test_settings_follow_the_variables(role: Role, elb: Any, name: str, ids: Any, request: Any) -> None:
    changed = {
        "load_balancer_health_path": "/healthy",
        "load_balancer_drain_timeout": 60,
        "load_balancer_idle_timeout": 4000,
        "load_balancer_sticky": True,
        "load_balancer_sticky_seconds": 600,
        "load_balancer_target_port": 9000,
        "load_balancer_deletion_protection": True,
    }
    assert agree(role.converge, **changed) == [BALANCER, GROUP, TARGETS]
    balancer, group = request.getfixturevalue("balancer"), request.getfixturevalue("group")
    assert balancer["attributes"]["idle_timeout.timeout_seconds"] == "4000"
    assert balancer["attributes"]["deletion_protection.enabled"] == "true"
    assert group["HealthCheckPath"] == "/healthy"
    expected = {"stickiness.enabled": "true", "stickiness.type": "lb_cookie"}
    expected |= {"stickiness.lb_cookie.duration_seconds": "600", "deregistration_delay.timeout_seconds": "60"}
    assert group["attributes"].items() >= expected.items()
    assert serving(elb, group["TargetGroupArn"]) == [(ids["instance"], 9000)]


def test_a_protected_one_keeps_all_its_parts(role: Role, elb: Any, balancer: dict[str, Any]) -> None:
    refused = role.delete()
    assert not refused.ok
    assert "is protected from deletion" in refused.message
    assert "Set load_balancer_deletion_protection to false" in refused.message
    assert list(listeners(elb, balancer["LoadBalancerArn"])) == [80]


def test_what_was_changed_by_hand_is_repaired(
    role: Role, aws: Clients, elb: Any, balancer: dict[str, Any], group: dict[str, Any], ids: Any, tags: dict[str, str]
) -> None:
    arns = balancer["LoadBalancerArn"], group["TargetGroupArn"]
    (run,) = aws("ec2").run_instances(ImageId="ami-0deb1a20000000002", MinCount=1, MaxCount=1)["Instances"]
    elb.delete_listener(ListenerArn=balancer["listeners"][80]["ListenerArn"])
    elb.add_tags(ResourceArns=arns, Tags=[{"Key": "by", "Value": "hand"}])
    elb.remove_tags(ResourceArns=arns, TagKeys=["mcp:collection"])
    elb.deregister_targets(TargetGroupArn=arns[1], Targets=[{"Id": ids["instance"], "Port": 9000}])
    elb.register_targets(TargetGroupArn=arns[1], Targets=[{"Id": run["InstanceId"], "Port": 8000}])
    assert agree(role.converge) == [BALANCER, GROUP, TARGETS]
    assert list(listeners(elb, arns[0])) == [80]
    assert tags_of(elb, *arns) == [tags, tags]
    assert serving(elb, arns[1]) == [(ids["instance"], 8000)]
    attributes = by_key(elb.describe_target_group_attributes(TargetGroupArn=arns[1])["Attributes"])
    assert attributes["stickiness.enabled"] == "false"


def test_a_certificate_brings_tls_and_a_redirect_to_it(
    role: Role, aws: Clients, elb: Any, balancer: dict[str, Any], group: dict[str, Any]
) -> None:
    certificate = aws("acm").request_certificate(DomainName="mcp.example.com")["CertificateArn"]
    assert agree(role.converge, load_balancer_certificate_arn=certificate) == [BALANCER]
    found = listeners(elb, balancer["LoadBalancerArn"])
    assert sorted(found) == [80, 443]
    (redirect,), (forward,) = found[80]["DefaultActions"], found[443]["DefaultActions"]
    assert redirect["RedirectConfig"].items() >= {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}.items()
    assert forward["TargetGroupArn"] == group["TargetGroupArn"]
    assert (found[443]["Protocol"], found[443]["SslPolicy"]) == ("HTTPS", POLICY)
    assert found[443]["Certificates"] == [{"CertificateArn": certificate}]
    finished = role.converge(check=True, load_balancer_certificate_arn=certificate)
    assert (finished.ok, finished.changes) == (True, [])


def test_an_empty_account_is_announced_as_it_is_then_made(role: Role, elb: Any, ids: Any) -> None:
    fresh = {"load_balancer_name": "mcp-test-fresh"}
    unknown = {"load_balancer_vpc_id": "", "load_balancer_subnet_ids": [], "load_balancer_group_ids": [""]}
    check = role.converge(check=True, load_balancer_instance_ids=[""], **unknown, **fresh)
    assert check.ok, check.message
    with pytest.raises(elb.exceptions.TargetGroupNotFoundException):
        elb.describe_target_groups(Names=["mcp-test-fresh"])
    real = role.converge(**fresh)
    assert check.changes == real.changes == [BALANCER, GROUP, TARGETS]


def test_half_of_one_is_deleted_too(role: Role, elb: Any) -> None:
    (balancer,) = elb.describe_load_balancers(Names=["mcp-test-fresh"])["LoadBalancers"]
    elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    half = role.delete(load_balancer_name="mcp-test-fresh")
    assert (half.ok, half.changes) == (True, ["Delete the target group"])


def test_what_belongs_to_somebody_else_is_left_alone(role: Role, elb: Any, ids: Any) -> None:
    theirs = {"Name": "theirs", "Tags": [{"Key": "mcp:name", "Value": "another"}]}
    elb.create_load_balancer(Subnets=ids["subnets"], SecurityGroups=[ids["group"]], **theirs)
    elb.create_target_group(Protocol="HTTP", Port=80, VpcId=ids["vpc"], **theirs)
    refused = role.converge(load_balancer_name="theirs")
    assert not refused.ok
    assert "The load balancer `theirs` belongs to `another`" in refused.message
    deleted = role.delete(load_balancer_name="theirs")
    assert (deleted.ok, deleted.changes) == (True, [])
    assert elb.describe_load_balancers(Names=["theirs"])["LoadBalancers"]
    assert elb.describe_target_groups(Names=["theirs"])["TargetGroups"]


def test_deleted_it_is_gone(role: Role, elb: Any, name: str) -> None:
    assert agree(role.delete) == ["Delete the load balancer", "Delete the target group"]
    assert [one["LoadBalancerName"] for one in elb.describe_load_balancers()["LoadBalancers"]] == ["theirs"]
    assert [one["TargetGroupName"] for one in elb.describe_target_groups()["TargetGroups"]] == ["theirs"]
    again = role.delete()
    assert (again.ok, again.changes) == (True, [])
