"""VPC, subnets, gateway, routes and security groups of role network, read back with boto3."""

from __future__ import annotations

from typing import Any

import pytest
from aws_account import Clients, by_key


@pytest.fixture(scope="module")
def ec2(aws: Clients) -> Any:
    """Return a client of EC2."""
    return aws("ec2")


@pytest.fixture(scope="module")
def vpc(ec2: Any, name: str) -> dict[str, Any]:
    """Return the VPC of the scenario."""
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [name]}])["Vpcs"]
    return dict(vpc)


@pytest.fixture(scope="module")
def inside(vpc: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a filter for what lies in the VPC."""
    return [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]


@pytest.fixture(scope="module")
def subnets(ec2: Any, inside: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the subnets in the order of their ranges."""
    return sorted(ec2.describe_subnets(Filters=inside)["Subnets"], key=lambda subnet: subnet["CidrBlock"])


def rules(ec2: Any, inside: list[dict[str, Any]], group: str) -> tuple[str, set[tuple[int, int, str]]]:
    """Return a group's id and its incoming rules as (first port, last port, source)."""
    (found,) = ec2.describe_security_groups(Filters=[*inside, {"Name": "group-name", "Values": [group]}])[
        "SecurityGroups"
    ]
    permissions = found["IpPermissions"]
    ranges = {(p["FromPort"], p["ToPort"], source["CidrIp"]) for p in permissions for source in p["IpRanges"]}
    groups = {(p["FromPort"], p["ToPort"], pair["GroupId"]) for p in permissions for pair in p["UserIdGroupPairs"]}
    return found["GroupId"], ranges | groups


def test_the_vpc_has_its_range_and_names_hosts(ec2: Any, vpc: dict[str, Any], name: str, tags: dict[str, str]) -> None:
    assert vpc["CidrBlock"] == "10.20.0.0/16"
    assert by_key(vpc["Tags"]) == tags | {"Name": name}
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        answer = ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=attribute)
        assert answer[attribute[0].upper() + attribute[1:]]["Value"] is True


def test_two_subnets_lie_in_two_zones(subnets: list[dict[str, Any]], name: str, tags: dict[str, str]) -> None:
    assert [subnet["CidrBlock"] for subnet in subnets] == ["10.20.1.0/24", "10.20.2.0/24"]
    assert [subnet["AvailabilityZone"] for subnet in subnets] == ["us-east-1a", "us-east-1b"]
    assert [by_key(subnet["Tags"]) for subnet in subnets] == [tags | {"Name": f"{name}-public-{i}"} for i in (1, 2)]


def test_both_subnets_reach_the_internet(
    ec2: Any, vpc: dict[str, Any], subnets: list[dict[str, Any]], name: str
) -> None:
    attached = [{"Name": "attachment.vpc-id", "Values": [vpc["VpcId"]]}]
    (gateway,) = ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]
    named = [{"Name": "tag:Name", "Values": [f"{name}-public"]}]
    (table,) = ec2.describe_route_tables(Filters=named)["RouteTables"]
    assert {link["SubnetId"] for link in table["Associations"]} == {subnet["SubnetId"] for subnet in subnets}
    routes = {route["DestinationCidrBlock"]: route["GatewayId"] for route in table["Routes"]}
    assert routes == {"10.20.0.0/16": "local", "0.0.0.0/0": gateway["InternetGatewayId"]}


def test_gateway_routes_and_groups_are_tagged(ec2: Any, vpc: dict[str, Any], name: str, tags: dict[str, str]) -> None:
    marked = [{"Name": "tag:mcp:name", "Values": [name]}]
    found = [
        *ec2.describe_internet_gateways(Filters=marked)["InternetGateways"],
        *ec2.describe_route_tables(Filters=marked)["RouteTables"],
        *ec2.describe_security_groups(Filters=marked)["SecurityGroups"],
    ]
    assert len(found) == 4
    assert all(by_key(resource["Tags"]).items() >= tags.items() for resource in found)


def test_groups_let_in_whom_they_should_and_nobody_else(ec2: Any, inside: list[dict[str, Any]], name: str) -> None:
    balancer, balancer_rules = rules(ec2, inside, f"{name}-load-balancer")
    _instance, instance_rules = rules(ec2, inside, f"{name}-instance")
    assert balancer_rules == {(80, 80, "0.0.0.0/0")}
    assert instance_rules == {
        (22, 22, "198.51.100.0/24"),
        (22, 22, "203.0.113.7/32"),
        (8000, 8000, "192.0.2.0/24"),
        (8000, 8000, balancer),
    }
