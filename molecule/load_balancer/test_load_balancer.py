"""The load balancer of role load_balancer, read back with boto3."""

from __future__ import annotations

from typing import Any

import pytest
from aws_account import Clients, by_key


@pytest.fixture(scope="module")
def elb(aws: Clients) -> Any:
    """Return a client of the load balancers."""
    return aws("elbv2")


@pytest.fixture(scope="module")
def balancer(elb: Any, name: str) -> dict[str, Any]:
    """Return the load balancer."""
    (balancer,) = elb.describe_load_balancers(Names=[name])["LoadBalancers"]
    return dict(balancer)


@pytest.fixture(scope="module")
def group(elb: Any, name: str) -> dict[str, Any]:
    """Return the target group."""
    (group,) = elb.describe_target_groups(Names=[name])["TargetGroups"]
    return dict(group)


def test_it_faces_the_internet_in_two_zones(aws: Clients, balancer: dict[str, Any], name: str) -> None:
    assert balancer["Type"] == "application"
    assert balancer["Scheme"] == "internet-facing"
    assert {zone["ZoneName"] for zone in balancer["AvailabilityZones"]} == {"us-east-1a", "us-east-1b"}
    (found,) = aws("ec2").describe_security_groups(GroupIds=balancer["SecurityGroups"])["SecurityGroups"]
    assert found["GroupName"] == f"{name}-load-balancer"


def test_port_80_leads_to_the_target_group(elb: Any, balancer: dict[str, Any], group: dict[str, Any]) -> None:
    (listener,) = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    assert (listener["Protocol"], listener["Port"]) == ("HTTP", 80)
    (action,) = listener["DefaultActions"]
    assert action["Type"] == "forward"
    assert group["TargetGroupArn"] in str(action)


def test_the_target_group_asks_for_readiness(elb: Any, group: dict[str, Any]) -> None:
    assert (group["Protocol"], group["Port"], group["TargetType"]) == ("HTTP", 8000, "instance")
    assert group["HealthCheckPath"] == "/ready"
    assert group["Matcher"]["HttpCode"] == "200"
    answer = elb.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])["Attributes"]
    assert by_key(answer)["deregistration_delay.timeout_seconds"] == "30"


def test_the_instance_is_registered(aws: Clients, elb: Any, group: dict[str, Any]) -> None:
    (reservation,) = aws("ec2").describe_instances()["Reservations"]
    (health,) = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
    assert health["Target"] == {"Id": reservation["Instances"][0]["InstanceId"], "Port": 8000}


def test_both_are_tagged(elb: Any, balancer: dict[str, Any], group: dict[str, Any], tags: dict[str, str]) -> None:
    arns = [balancer["LoadBalancerArn"], group["TargetGroupArn"]]
    answer = elb.describe_tags(ResourceArns=arns)["TagDescriptions"]
    assert [by_key(described["Tags"]) for described in answer] == [tags, tags]
