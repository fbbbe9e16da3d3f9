"""Rules over AWS's answers: a sound deployment is green, and each thing that can be wrong with it is red."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.health import aws as checks_aws
from ansible_collections.mcp.aws.plugins.module_utils.health.rules import examine

Facts = dict[str, Any]
EXPECTED = {
    "instance_type": "t2.micro",
    "zones": 2,
    "admin_cidrs": ["203.0.113.7/32"],
    "client_cidrs": ["0.0.0.0/0"],
    "direct_client_cidrs": [],
    "service_port": 8000,
    "listener_port": 80,
}
ADMIN = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "203.0.113.7/32"}]}
SERVICE = {"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000, "UserIdGroupPairs": [{"GroupId": "sg-lb"}]}
CLIENTS = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
WORLD: Facts = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
SOUND: Facts = {
    "identity": {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/operator"},
    "network": {
        "vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.20.0.0/16", "State": "available"}],
        "subnets": [
            {"SubnetId": "subnet-1", "AvailabilityZone": "us-east-1a"},
            {"SubnetId": "subnet-2", "AvailabilityZone": "us-east-1b"},
        ],
        "route_tables": [
            {"Associations": [{"Main": True}], "Routes": [{"GatewayId": "local"}]},
            {
                "Associations": [{"SubnetId": "subnet-1"}, {"SubnetId": "subnet-2"}],
                "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}],
            },
        ],
    },
    "instances": [
        {
            "InstanceId": "i-1",
            "InstanceType": "t2.micro",
            "State": {"Name": "running"},
            "PublicIpAddress": "198.51.100.9",
            "KeyName": "mcp",
            "MetadataOptions": {"HttpTokens": "required"},
            "SecurityGroups": [{"GroupId": "sg-host"}],
        }
    ],
    "volumes": [{"Size": 16, "VolumeType": "gp3", "Encrypted": True}],
    "key_pairs": [{"KeyName": "mcp", "KeyFingerprint": "ab:cd"}],
    "groups": [
        {"GroupId": "sg-host", "IpPermissions": [ADMIN, SERVICE]},
        {"GroupId": "sg-lb", "IpPermissions": [CLIENTS]},
    ],
    "balancers": [
        {
            "State": {"Code": "active"},
            "SecurityGroups": ["sg-lb"],
            "Listeners": [{"Port": 80}],
            "TargetGroups": [{"Targets": [{"Target": {"Id": "i-1"}, "TargetHealth": {"State": "healthy"}}]}],
        }
    ],
    "buckets": [
        {
            "Name": "mcp",
            "Encryption": ["AES256"],
            "PublicAccessBlock": {
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        }
    ],
    "repositories": [{"repositoryName": "mcp"}],
    "log_groups": [{"logGroupName": "/mcp/mcp", "retentionInDays": 30}],
    "log_entry": {"group": "/mcp/mcp", "stream": "s", "seconds": 0.4},
}


def judge(facts: Facts, **expected: Any) -> dict[str, dict[str, Any]]:
    found = examine(checks_aws.rules({**EXPECTED, **expected}), checks_aws.complete(facts))
    return {check["id"]: check for check in found}


def test_a_sound_deployment_is_green() -> None:
    assert not [check for check in judge(SOUND).values() if not check["ok"]]


def put(path: str, value: Any) -> Callable[[Facts], None]:
    """Return a function that puts a value at a path like `instances.0.State.Name`."""

    def change(facts: Facts) -> None:
        *way, last = [int(word) if word.isdigit() else word for word in path.split(".")]
        place: Any = facts
        for word in way:
            place = place[word]
        place[last] = value

    return change


HOST_RULES = "groups.0.IpPermissions"


@pytest.mark.parametrize(
    ("change", "red", "measured"),
    [
        (put("identity", {"error": "ExpiredToken"}), {"credentials"}, "ExpiredToken"),
        (put("network.vpcs", []), {"vpc"}, "none; 2 public"),
        (put("network.vpcs.0.State", "pending"), {"vpc"}, "10.20.0.0/16"),
        (put("network.route_tables.1.Routes", []), {"vpc"}, "0 public subnets"),
        (put("network.route_tables.1.Associations", []), {"vpc"}, "0 public subnets"),
        (put("network.subnets.1.AvailabilityZone", "us-east-1a"), {"vpc"}, "in 1 zones"),
        (
            put(f"{HOST_RULES}.0.IpRanges", WORLD["IpRanges"]),
            {"security_groups"},
            "open too far: 22/tcp from 0.0.0.0/0",
        ),
        (put(HOST_RULES, [ADMIN]), {"security_groups"}, "missing: 8000/tcp from sg-lb"),
        (
            put(HOST_RULES, [ADMIN, SERVICE, {"IpProtocol": "-1", **WORLD}]),
            {"security_groups"},
            "all/any from 0.0.0.0/0",
        ),
        (
            put(HOST_RULES, [ADMIN, SERVICE, {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 6379, **WORLD}]),
            {"security_groups"},
            "5432-6379/tcp from 0.0.0.0/0",
        ),
        (
            put(HOST_RULES, [ADMIN, {**SERVICE, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]),
            {"security_groups"},
            "8000/tcp from ::/0",
        ),
        (put("groups.1.IpPermissions", []), {"security_groups"}, "missing: 80/tcp from 0.0.0.0/0"),
        (put("groups", {"error": "Denied"}), {"security_groups"}, "Denied"),
        (put("key_pairs", []), {"key_pair"}, "none"),
        (put("instances.0.State.Name", "stopped"), {"instance"}, "i-1, t2.micro, stopped"),
        (put("instances.0.InstanceType", "t3.large"), {"instance"}, "t3.large"),
        (put("instances.0.MetadataOptions.HttpTokens", "optional"), {"imds"}, "tokens optional"),
        (put("instances.0.PublicIpAddress", None), {"public_ip"}, "none"),
        (put("volumes.0.Encrypted", False), {"volumes"}, "not encrypted"),
        (put("volumes.0.VolumeType", "gp2"), {"volumes"}, "gp2"),
        (put("buckets", []), {"bucket"}, "none"),
        (put("buckets.0.Encryption", []), {"bucket"}, "not encrypted"),
        (put("buckets.0.PublicAccessBlock.BlockPublicPolicy", False), {"bucket"}, "may be public"),
        (put("repositories", []), {"repository"}, "none"),
        (put("log_groups.0.retentionInDays", None), {"log_group"}, "unlimited days"),
        (put("balancers.0.State.Code", "provisioning"), {"load_balancer"}, "provisioning"),
        (put("balancers.0.Listeners", []), {"load_balancer"}, "listens on none"),
        (put("balancers.0.TargetGroups", []), {"load_balancer_target"}, "i-1 not registered"),
        (
            put("balancers.0.TargetGroups.0.Targets.0.TargetHealth.State", "unhealthy"),
            {"load_balancer_target"},
            "i-1 unhealthy",
        ),
        (put("log_entry", {"group": None, "seconds": 20.1}), {"logs"}, "none within 20 s"),
    ],
)
def test_what_is_wrong_is_red(change: Callable[[Facts], None], red: set[str], measured: str) -> None:
    facts = copy.deepcopy(SOUND)
    change(facts)
    found = judge(facts)
    assert {name for name, check in found.items() if not check["ok"]} == red
    assert measured in found[red.pop()]["measured"]


def test_direct_clients_must_be_let_in() -> None:
    found = judge(SOUND, direct_client_cidrs=["192.0.2.0/24"])["security_groups"]
    assert (found["ok"], found["measured"]) == (False, "missing: 8000/tcp from 192.0.2.0/24")


def test_more_zones_than_are_wanted_are_enough() -> None:
    subnets = [{"SubnetId": zone, "AvailabilityZone": zone} for zone in ("a", "b", "c")]
    routes = [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}]
    tables = [{"Associations": [{"SubnetId": zone} for zone in ("a", "b", "c")], "Routes": routes}]
    part = {"vpcs": [{"CidrBlock": "10.0.0.0/16", "State": "available"}], "route_tables": tables, "subnets": subnets}
    judged = [checks_aws.network(part, wanted)[0] for wanted in (2, 3, 4)]
    assert judged == [True, True, False], checks_aws.network(part, 2)[1]
