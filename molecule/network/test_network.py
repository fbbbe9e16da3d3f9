"""The network of role network, read back with boto3: made, changed by hand and by settings, deleted, made again."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from aws_account import Clients, Role, by_key

POLICY = {
    "Version": "2008-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}
ANYWHERE = ("-1", None, "0.0.0.0/0")
ROUTE, ENDPOINT = "Create the route table", "Create the S3 endpoint"
INSTANCE = "Create the security group of the instance"
BALANCER = "Create the security group of the load balancer"
EVERYTHING = sorted(
    [
        "Create the VPC",
        "Create the internet gateway",
        "Create the public subnets: 10.20.1.0/24",
        "Create the public subnets: 10.20.2.0/24",
        ENDPOINT,
        BALANCER,
        INSTANCE,
        ROUTE,
    ]
)
Found = dict[str, Any]


@pytest.fixture(scope="module")
def ec2(aws: Clients) -> Any:
    """Return a client of EC2."""
    return aws("ec2")


def of_vpc(vpc: str) -> list[dict[str, Any]]:
    """Return the filter for what lies in a VPC."""
    return [{"Name": "vpc-id", "Values": [vpc]}]


def find(ec2: Any, name: str) -> str:
    """Return the id of the one VPC that bears the tag."""
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "tag:mcp:name", "Values": [name]}])["Vpcs"]
    return str(vpc["VpcId"])


def rules(permissions: list[dict[str, Any]], names: dict[str, str]) -> set[tuple[str, int | None, str]]:
    """Return rules as protocol, port and source or target; groups by their names."""
    return {
        (rule["IpProtocol"], rule.get("FromPort"), end)
        for rule in permissions
        for end in (
            *(each["CidrIp"] for each in rule["IpRanges"]),
            *(each["CidrIpv6"] for each in rule["Ipv6Ranges"]),
            *(names[each["GroupId"]] for each in rule["UserIdGroupPairs"]),
        )
    }


def read(ec2: Any, name: str) -> Found:
    """Return all that there is in the VPC, without ids."""
    vpc = find(ec2, name)
    (described,) = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    dns = [ec2.describe_vpc_attribute(VpcId=vpc, Attribute=f"enableDns{what}") for what in ("Support", "Hostnames")]
    subnets = {each["SubnetId"]: each for each in ec2.describe_subnets(Filters=of_vpc(vpc))["Subnets"]}
    gateways = ec2.describe_internet_gateways(Filters=[{"Name": "tag:mcp:name", "Values": [name]}])["InternetGateways"]
    tables = ec2.describe_route_tables(Filters=of_vpc(vpc))["RouteTables"]
    groups = ec2.describe_security_groups(Filters=of_vpc(vpc))["SecurityGroups"]
    names = {group["GroupId"]: group["GroupName"] for group in groups}
    endpoints = ec2.describe_vpc_endpoints(Filters=of_vpc(vpc))["VpcEndpoints"]
    targets = {gateway["InternetGatewayId"]: "gateway" for gateway in gateways} | {"local": "local"}
    ours = [table for table in tables if not any(link["Main"] for link in table["Associations"])]
    tables_by_id = {table["RouteTableId"]: by_key(table["Tags"])["Name"] for table in ours}
    return {
        "vpc": (described["CidrBlock"], by_key(described["Tags"])),
        "dns": [dns[0]["EnableDnsSupport"]["Value"], dns[1]["EnableDnsHostnames"]["Value"]],
        "gateways": [
            ([link["VpcId"] == vpc for link in each["Attachments"]], by_key(each["Tags"])) for each in gateways
        ],
        "subnets": sorted(
            ((each["CidrBlock"], each["AvailabilityZone"], by_key(each["Tags"])) for each in subnets.values()), key=str
        ),
        "tables": [
            (
                {subnets[link["SubnetId"]]["CidrBlock"] for link in each["Associations"]},
                {
                    r["DestinationCidrBlock"]: targets[r["GatewayId"]]
                    for r in each["Routes"]
                    if "DestinationCidrBlock" in r
                },
                by_key(each["Tags"]),
            )
            for each in ours
        ],
        "groups": {
            each["GroupName"]: (
                rules(each["IpPermissions"], names),
                rules(each["IpPermissionsEgress"], names),
                by_key(each["Tags"]),
            )
            for each in groups
            if each["GroupName"] != "default"
        },
        "endpoints": [
            (
                each["ServiceName"],
                [tables_by_id[table] for table in each["RouteTableIds"]],
                json.loads(each["PolicyDocument"]),
                by_key(each["Tags"]),
            )
            for each in endpoints
            if each["State"] == "available"
        ],
    }


def wanted(name: str, tags: dict[str, str], ports: tuple[int, ...] = (80,)) -> Found:
    """Return what there should be."""
    admins = {("tcp", 22, "198.51.100.0/24"), ("tcp", 22, "203.0.113.7/32"), ("tcp", 22, "2001:db8::/32")}
    servers = {("tcp", 8000, "192.0.2.0/24"), ("tcp", 8000, f"{name}-load-balancer")}
    clients = {("tcp", port, "0.0.0.0/0") for port in ports}
    return {
        "vpc": ("10.20.0.0/16", tags | {"Name": name}),
        "dns": [True, True],
        "gateways": [([True], tags | {"Name": name})],
        "subnets": [
            ("10.20.1.0/24", "us-east-1a", tags | {"Name": f"{name}-public-1"}),
            ("10.20.2.0/24", "us-east-1b", tags | {"Name": f"{name}-public-2"}),
        ],
        "tables": [
            (
                {"10.20.1.0/24", "10.20.2.0/24"},
                {"10.20.0.0/16": "local", "0.0.0.0/0": "gateway"},
                tags | {"Name": f"{name}-public"},
            )
        ],
        "groups": {
            f"{name}-instance": (admins | servers, {ANYWHERE}, tags | {"Name": f"{name}-instance"}),
            f"{name}-load-balancer": (clients, {ANYWHERE}, tags | {"Name": f"{name}-load-balancer"}),
        },
        "endpoints": [("com.amazonaws.us-east-1.s3", [f"{name}-public"], POLICY, tags | {"Name": f"{name}-s3"})],
    }


@pytest.fixture(scope="module", autouse=True)
def rival(ec2: Any, name: str) -> Any:
    """Make a network of somebody else's with our name, range and group; return a look at it."""
    tags = [{"Key": "mcp:name", "Value": "rival"}, {"Key": "Name", "Value": name}]
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(VpcId=vpc, GroupName=f"{name}-instance", Description="theirs")["GroupId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.create_tags(Resources=[vpc, subnet, group, gateway], Tags=tags)
    return lambda: [
        ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"],
        ec2.describe_subnets(SubnetIds=[subnet])["Subnets"],
        ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"],
        ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"],
    ]


@pytest.fixture(scope="module")
def rivals(rival: Any) -> Any:
    """Return their network as it was before any test."""
    return rival()


def group_id(ec2: Any, name: str, which: str) -> str:
    """Return the id of one of our groups."""
    filters = [*of_vpc(find(ec2, name)), {"Name": "group-name", "Values": [f"{name}-{which}"]}]
    return str(ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"])


def tags_of(ec2: Any, resource: str) -> list[dict[str, str]]:
    """Return the tags of a resource."""
    return list(ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [resource]}])["Tags"])


def let_in(ec2: Any, group: str, **source: Any) -> None:
    """Add a rule by hand."""
    ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, **source}]
    )


def test_all_of_it_is_there(ec2: Any, name: str, tags: dict[str, str], rivals: Any) -> None:
    assert read(ec2, name) == wanted(name, tags)


def test_what_was_changed_by_hand_is_announced_and_set_right(
    ec2: Any, role: Role, name: str, tags: dict[str, str]
) -> None:
    vpc = find(ec2, name)
    subnets = {each["CidrBlock"]: each["SubnetId"] for each in ec2.describe_subnets(Filters=of_vpc(vpc))["Subnets"]}
    (endpoint,) = ec2.describe_vpc_endpoints(Filters=of_vpc(vpc))["VpcEndpoints"]
    (table,) = endpoint["RouteTableIds"]
    instance = group_id(ec2, name, "instance")
    ec2.create_tags(Resources=[vpc, table], Tags=[{"Key": "Name", "Value": "renamed"}, {"Key": "Owner", "Value": "me"}])
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
    ec2.delete_tags(Resources=[subnets["10.20.1.0/24"], instance], Tags=[{"Key": "mcp:name"}])
    ec2.modify_subnet_attribute(SubnetId=subnets["10.20.2.0/24"], MapPublicIpOnLaunch={"Value": True})
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint["VpcEndpointId"], RemoveRouteTableIds=[table])
    let_in(ec2, instance, IpRanges=[{"CidrIp": "0.0.0.0/0"}])
    ec2.revoke_security_group_egress(
        GroupId=instance, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )

    check = role.converge(check=True)
    assert check.ok, check.message
    assert check.changes == sorted(
        [
            "Create the VPC",
            "Create the public subnets: 10.20.1.0/24",
            "Create the public subnets: 10.20.2.0/24",
            "Delete an S3 endpoint of another policy or route table",
            ENDPOINT,
            INSTANCE,
            ROUTE,
        ]
    )
    assert role.converge().changes == check.changes
    by_hand = [each for each in (vpc, table) if by_key(tags_of(ec2, each)).pop("Owner") == "me"]
    assert by_hand == [vpc, table]
    ec2.delete_tags(Resources=by_hand, Tags=[{"Key": "Owner"}])
    assert read(ec2, name) == wanted(name, tags)


def test_what_was_deleted_by_hand_is_made_again_and_a_port_added(
    ec2: Any, role: Role, name: str, tags: dict[str, str]
) -> None:
    vpc = find(ec2, name)
    (gateway,) = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])[
        "InternetGateways"
    ]
    ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
    (second,) = ec2.describe_subnets(Filters=[*of_vpc(vpc), {"Name": "cidr-block", "Values": ["10.20.2.0/24"]}])[
        "Subnets"
    ]
    ec2.delete_subnet(SubnetId=second["SubnetId"])
    balancer = group_id(ec2, name, "load-balancer")
    (instance,) = ec2.describe_security_groups(GroupIds=[group_id(ec2, name, "instance")])["SecurityGroups"]
    naming = [{**rule, "IpRanges": []} for rule in instance["IpPermissions"] if rule["UserIdGroupPairs"]]
    ec2.revoke_security_group_ingress(GroupId=instance["GroupId"], IpPermissions=naming)
    ec2.delete_security_group(GroupId=balancer)

    check = role.converge(check=True, network_client_ports=[80, 443])
    assert check.ok, check.message
    assert check.changes == sorted(
        [
            "Create the internet gateway",
            "Create the public subnets: 10.20.2.0/24",
            BALANCER,
            INSTANCE,
            ROUTE,
        ]
    )
    assert role.converge(network_client_ports=[80, 443]).changes == check.changes
    assert read(ec2, name) == wanted(name, tags, ports=(80, 443))
    assert find(ec2, name) == vpc


def test_a_setting_alone_changes_what_it_is_about(role: Role) -> None:
    policy = POLICY | {
        "Statement": [*POLICY["Statement"], {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket"}]
    }
    check = role.converge(check=True, network_s3_endpoint_policy=policy)
    assert check.changes == [ENDPOINT, BALANCER, "Delete an S3 endpoint of another policy or route table"]


def test_what_cannot_be_changed_is_refused_all_at_once(ec2: Any, role: Role, name: str) -> None:
    before = read(ec2, name)
    outcome = role.converge(
        network_cidr="10.30.0.0/16",
        network_subnet_cidrs=["10.30.1.0/24", "10.30.2.0/24"],
        network_zones=["us-east-1c", "us-east-1d"],
    )
    assert not outcome.ok
    for sentence in (
        f"network_cidr is 10.30.0.0/16, but the VPC {find(ec2, name)} has 10.20.0.0/16, and a VPC's range cannot",
        "network_subnet_cidrs is 10.30.1.0/24, 10.30.2.0/24, but there are subnets of 10.20.1.0/24, 10.20.2.0/24",
    ):
        assert sentence in outcome.message
    assert outcome.changes == []
    assert read(ec2, name) == before


def test_a_vpc_with_things_of_others_is_not_begun_to_be_deleted(ec2: Any, role: Role, name: str) -> None:
    vpc = find(ec2, name)
    group = ec2.create_security_group(VpcId=vpc, GroupName="theirs", Description="theirs")["GroupId"]
    (subnet, *_) = ec2.describe_subnets(Filters=of_vpc(vpc))["Subnets"]
    port = ec2.create_network_interface(SubnetId=subnet["SubnetId"], Description="of a database")["NetworkInterface"]
    outcome = role.delete(network_delete_timeout=0)
    assert not outcome.ok
    assert f"{group}, {port['NetworkInterfaceId']} (of a database). Delete that" in outcome.message
    assert outcome.changes == []
    ec2.delete_security_group(GroupId=group)
    waited = role.delete(network_delete_timeout=0)
    assert f"more than this deployment's: {port['NetworkInterfaceId']} (of a database). Delete that" in waited.message
    assert waited.changes == []
    ec2.delete_network_interface(NetworkInterfaceId=port["NetworkInterfaceId"])


def test_delete_waits_for_what_goes_late_and_leaves_the_rest_of_the_account(
    ec2: Any, role: Role, name: str, rival: Any, rivals: Any
) -> None:
    vpc = find(ec2, name)
    let_in(ec2, group_id(ec2, name, "load-balancer"), UserIdGroupPairs=[{"GroupId": group_id(ec2, name, "instance")}])
    late = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpnGatewayId=late, VpcId=vpc)
    check = role.delete(check=True)
    assert check.ok, check.message
    kinds = [change.partition(":")[0] for change in check.changes]
    assert kinds == [
        "Delete the S3 endpoint",
        "Delete the VPC",
        "Delete the internet gateway",
        *["Delete the public subnets"] * 2,
        "Delete the route table",
        *["Delete the security groups"] * 2,
        *["Take the rules out of security groups that name each other"] * 2,
    ]
    blocked = role.delete(network_delete_timeout=0)
    assert "DependencyViolation" in blocked.message
    assert f"Something that does not bear the tag mcp:name={name} still uses it." in blocked.message

    timer = threading.Timer(8, lambda: ec2.detach_vpn_gateway(VpnGatewayId=late, VpcId=vpc))
    timer.start()
    outcome = role.delete(network_delete_timeout=60)
    timer.join()
    assert outcome.ok, outcome.message
    assert sorted(blocked.changes + outcome.changes) == check.changes
    assert role.delete().changes == []
    assert ec2.describe_vpcs(Filters=[{"Name": "tag:mcp:name", "Values": [name]}])["Vpcs"] == []
    assert (
        ec2.describe_internet_gateways(Filters=[{"Name": "tag:mcp:name", "Values": [name]}])["InternetGateways"] == []
    )
    assert rival() == rivals


def test_a_vpc_of_others_with_our_name_and_range_is_refused(ec2: Any, role: Role, name: str, rivals: Any) -> None:
    vpc = rivals[0][0]["VpcId"]
    outcome = role.converge()
    assert (
        f"The VPC {vpc} has the name {name} and the range 10.20.0.0/16, but not the tag mcp:name={name}."
        in outcome.message
    )
    assert outcome.changes == []
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "theirs"}])


def test_an_empty_account_gets_what_check_mode_announced(ec2: Any, role: Role, name: str, tags: dict[str, str]) -> None:
    check = role.converge(check=True)
    assert check.ok, check.message
    assert check.changes == EVERYTHING
    assert role.converge().changes == check.changes
    assert read(ec2, name) == wanted(name, tags)


def test_two_parts_are_repaired_at_once(ec2: Any, role: Role, name: str, tags: dict[str, str]) -> None:
    (endpoint,) = ec2.describe_vpc_endpoints(Filters=of_vpc(find(ec2, name)))["VpcEndpoints"]
    ec2.create_tags(Resources=[endpoint["VpcEndpointId"]], Tags=[{"Key": "Name", "Value": "renamed"}])
    let_in(ec2, group_id(ec2, name, "instance"), IpRanges=[{"CidrIp": "0.0.0.0/0"}])
    assert role.converge(check=True).changes == role.converge().changes == [ENDPOINT, INSTANCE]
    assert role.converge().changes == []
    assert read(ec2, name) == wanted(name, tags)
