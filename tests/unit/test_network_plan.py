"""What the role network makes of what it finds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.network_plan import is_right, network_plan

TAGS = {"mcp:name": "acme", "mcp:collection": "mcp.aws"}
POLICY = {"Version": "2008-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
WANTED: dict[str, Any] = {
    "name": "acme",
    "cidr": "10.20.0.0/16",
    "subnets": ["10.20.1.0/24", "10.20.2.0/24"],
    "zones": [],
    "candidates": ["r-1c", "r-1b", "r-1a"],
    "service": "com.amazonaws.r-1.s3",
    "policy": POLICY,
    "groups": {
        "instance": {
            "in": [
                {
                    "proto": "tcp",
                    "ports": [22],
                    "cidr_ip": ["198.51.100.0/24"],
                    "cidr_ipv6": ["2001:DB8::/32"],
                    "rule_desc": "a",
                },
                {"proto": "tcp", "ports": ["8000"], "group_name": ["acme-load-balancer"], "rule_desc": "b"},
            ],
            "out": [{"proto": "all", "cidr_ip": ["0.0.0.0/0"]}],
        },
        "load-balancer": {
            "in": [{"proto": "tcp", "ports": [80, 443], "cidr_ip": ["0.0.0.0/0"], "rule_desc": "c"}],
            "out": [{"proto": "all", "cidr_ip": ["0.0.0.0/0"]}],
        },
    },
}
Found = dict[str, Any]


def plan_of(found: Found, **other: Any) -> dict[str, Any]:
    """Return the plan for what is wanted, but for what is given."""
    return network_plan(found, TAGS, WANTED | other)


def permission(port: int, *ranges: str, group: str = "", text: str | None = None) -> dict[str, Any]:
    """Return a rule as EC2 tells it."""
    more = {"description": text} if text else {}
    return {
        "ip_protocol": "tcp" if port else "-1",
        **({"from_port": port, "to_port": port} if port else {}),
        "ip_ranges": [{"cidr_ip": each, **more} for each in ranges if ":" not in each],
        "ipv6_ranges": [{"cidr_ipv6": each, **more} for each in ranges if ":" in each],
        "prefix_list_ids": [],
        "user_id_group_pairs": [{"group_id": group, "user_id": "1", **more}] if group else [],
    }


def group(number: int, end: str, *rules: dict[str, Any], tags: dict[str, str] = TAGS) -> dict[str, Any]:
    """Return a security group."""
    return {
        "group_id": f"sg-{number}",
        "group_name": f"acme-{end}",
        "description": end,
        "vpc_id": "vpc-1",
        "ip_permissions": [*rules],
        "ip_permissions_egress": [permission(0, "0.0.0.0/0")],
        "tags": {**tags, "Name": f"acme-{end}"},
    }


def subnet(number: int, cidr: str, zone: str, tags: dict[str, str] = TAGS) -> dict[str, Any]:
    """Return a subnet."""
    return {
        "subnet_id": f"subnet-{number}",
        "vpc_id": "vpc-1",
        "cidr_block": cidr,
        "availability_zone": zone,
        "map_public_ip_on_launch": False,
        "assign_ipv6_address_on_creation": False,
        "tags": {**tags, "Name": f"acme-public-{number}"},
    }


def table(name: str, *subnets: str, main: bool = False, tags: dict[str, str] = TAGS) -> dict[str, Any]:
    """Return a route table with a route to the gateway."""
    return {
        "route_table_id": f"rtb-{name}",
        "tags": {**tags, "Name": f"acme-{name}"},
        "associations": [{"main": False, "subnet_id": each} for each in subnets] + ([{"main": True}] if main else []),
        "routes": [
            {"origin": "CreateRouteTable", "destination_cidr_block": "10.20.0.0/16", "gateway_id": "local"},
            {"origin": "CreateRoute", "destination_prefix_list_id": "pl-1", "gateway_id": "vpce-1"},
            {"origin": "CreateRoute", "destination_cidr_block": "0.0.0.0/0", "gateway_id": "igw-1"},
        ],
    }


def whole() -> Found:
    """Return a network as it should be."""
    vpc = {"vpc_id": "vpc-1", "cidr_block": "10.20.0.0/16", "enable_dns_support": True, "enable_dns_hostnames": True}
    endpoint = {
        "vpc_endpoint_id": "vpce-1",
        "service_name": "com.amazonaws.r-1.s3",
        "state": "available",
        "route_table_ids": ["rtb-public"],
        "policy_document": json.dumps(POLICY),
        "tags": TAGS | {"Name": "acme-s3"},
    }
    gateway = {
        "internet_gateway_id": "igw-1",
        "attachments": [{"vpc_id": "vpc-1"}],
        "tags": TAGS | {"Name": "acme"},
    }
    clients = [permission(port, "0.0.0.0/0", text="c") for port in (80, 443)]
    admins = permission(22, "198.51.100.0/24", "2001:db8::/32", text="a")
    return {
        "vpcs": [vpc | {"tags": TAGS | {"Name": "acme"}}],
        "gateways": [gateway],
        "subnets": [subnet(1, "10.20.1.0/24", "r-1a"), subnet(2, "10.20.2.0/24", "r-1b")],
        "tables": [table("main", main=True, tags={}), table("public", "subnet-2", "subnet-1")],
        "endpoints": [endpoint],
        "groups": [
            {"group_name": "default", "group_id": "sg-0", "tags": {}},
            group(2, "load-balancer", *clients),
            group(1, "instance", admins, permission(8000, group="sg-2", text="b")),
        ],
    }


def wrong(plan: dict[str, Any]) -> set[str]:
    """Return the parts that are not right."""
    parts = {name: plan[name] for name in ("vpc", "gateway", "table", "endpoint")} | plan["groups"]
    parts |= {each["cidr"]: each for each in plan["subnets"]}
    return {name for name, part in parts.items() if not part["right"]}


def test_a_whole_network_is_right() -> None:
    plan = plan_of(whole())
    assert wrong(plan) == set()
    assert is_right(plan)
    assert plan["conflicts"] == plan["strangers"] == []
    assert [each["id"] for each in plan["subnets"]] == ["subnet-1", "subnet-2"]
    assert plan["zones"] == ["r-1a", "r-1b"]
    assert plan["endpoint"]["fits"] is True


def test_nothing_is_wrong_everywhere_and_has_no_ids() -> None:
    plan = plan_of({"vpcs": [], "gateways": []})
    assert len(wrong(plan)) == 8
    assert [plan[part]["id"] for part in ("vpc", "gateway", "table", "endpoint")] == [""] * 4
    assert plan["zones"] == ["r-1a", "r-1b"]
    assert not any(plan["ours"].values())


Spoil = Callable[[Found], Any]
SPOILED: dict[str, tuple[Spoil, set[str]]] = {
    "a tag more": (lambda f: f["vpcs"][0]["tags"].update(Owner="me"), {"vpc"}),
    "no host names": (lambda f: f["vpcs"][0].update(enable_dns_hostnames=False), {"vpc"}),
    "a gateway apart": (lambda f: f["gateways"][0].update(attachments=[]), {"gateway"}),
    "no gateway": (lambda f: f["gateways"].clear(), {"gateway", "table"}),
    "public addresses": (lambda f: f["subnets"][1].update(map_public_ip_on_launch=True), {"10.20.2.0/24"}),
    "no owner of a subnet": (lambda f: f["subnets"][0]["tags"].pop("mcp:name"), {"10.20.1.0/24"}),
    "no subnet": (lambda f: f["subnets"].pop(), {"10.20.2.0/24", "table"}),
    "no route": (lambda f: f["tables"][1]["routes"].pop(), {"table"}),
    "a route more": (
        lambda f: f["tables"][1]["routes"].append(
            {"origin": "CreateRoute", "destination_cidr_block": "192.0.2.0/24", "gateway_id": "igw-1"}
        ),
        {"table"},
    ),
    "no owner of the routes": (lambda f: f["tables"][1]["tags"].pop("mcp:name"), {"table"}),
    "no table": (lambda f: f["tables"].pop(), {"table", "endpoint"}),
    "an endpoint of no table": (lambda f: f["endpoints"][0].update(route_table_ids=[]), {"endpoint"}),
    "an endpoint on its way": (lambda f: f["endpoints"][0].update(state="Deleting"), {"endpoint"}),
    "an open port": (
        lambda f: f["groups"][2]["ip_permissions"].append(permission(22, "0.0.0.0/0")),
        {"instance"},
    ),
    "no way out": (lambda f: f["groups"][1]["ip_permissions_egress"].clear(), {"load-balancer"}),
    "no group to name": (lambda f: f["groups"].pop(1), {"load-balancer", "instance"}),
}


@pytest.mark.parametrize("case", SPOILED)
def test_only_what_differs_is_wrong(case: str) -> None:
    found, (spoil, parts) = whole(), SPOILED[case]
    spoil(found)
    plan = plan_of(found)
    assert wrong(plan) == parts
    assert not is_right(plan)
    assert plan["conflicts"] == []


def test_an_endpoint_that_lost_its_tag_is_known_by_the_route_table_and_of_another_policy_does_not_fit() -> None:
    found = whole()
    found["endpoints"][0]["tags"] = {}
    plan = plan_of(found)["endpoint"]
    assert (plan["id"], plan["fits"], plan["right"]) == ("vpce-1", True, False)
    plan = plan_of(found, policy=POLICY | {"Version": "2012-10-17"})["endpoint"]
    assert (plan["id"], plan["fits"], plan["right"]) == ("vpce-1", False, False)


@pytest.mark.parametrize(
    ("settings", "zones"),
    [({}, ["r-1b", "r-1a"]), ({"candidates": []}, ["r-1b", "z-2"]), ({"zones": ["r-1b", "r-1c"]}, ["r-1b", "r-1c"])],
)
def test_a_missing_subnet_goes_to_another_zone_than_the_one_that_is_there(settings: Found, zones: list[str]) -> None:
    found = whole() | {"zones": ["z-2", "r-1b"]}
    found["subnets"] = [subnet(1, "10.20.1.0/24", "r-1b")]
    assert plan_of(found, **settings)["zones"] == zones


CONFLICTS: dict[str, tuple[Spoil, Found, str]] = {
    "another range": (
        lambda f: None,
        {"cidr": "10.30.0.0/16"},
        "network_cidr is 10.30.0.0/16, but the VPC vpc-1 has 10.20.0.0/16",
    ),
    "other subnets": (
        lambda f: None,
        {"subnets": ["10.20.1.0/24", "10.20.9.0/24"]},
        "network_subnet_cidrs is 10.20.1.0/24, 10.20.9.0/24, but there are subnets of 10.20.2.0/24",
    ),
    "other zones": (
        lambda f: None,
        {"zones": ["r-1a", "r-1c"]},
        "network_zones is r-1a, r-1c, but the subnets lie in r-1a, r-1b",
    ),
    "two VPCs": (lambda f: f["vpcs"].append({"vpc_id": "vpc-2"}), {}, "The VPCs vpc-1 and vpc-2 bear the tag"),
    "somebody else's VPC": (
        lambda f: f.update(vpcs=[], twins=[{"vpc_id": "vpc-9"}]),
        {},
        "The VPC vpc-9 has the name acme and the range 10.20.0.0/16, but not the tag mcp:name=acme.",
    ),
    "one zone": (
        lambda f: f["subnets"].clear(),
        {"candidates": [], "zones": []},
        "There are no two zones for the subnets.",
    ),
}


@pytest.mark.parametrize("case", CONFLICTS)
def test_what_cannot_be_set_right_is_said(case: str) -> None:
    found, (spoil, settings, sentence) = whole(), CONFLICTS[case]
    spoil(found)
    plan = plan_of(found, **settings)
    (conflict,) = plan["conflicts"]
    assert sentence in conflict
    assert not is_right(plan)


def test_delete_takes_ours_and_names_what_is_not() -> None:
    found = whole()
    theirs = {"mcp:name": "rival"}
    found["groups"].append(group(7, "other", tags=theirs))
    found["subnets"].append(subnet(7, "10.20.7.0/24", "r-1a", tags={}))
    found["tables"].append(table("other", tags=theirs))
    plan = network_plan(found, TAGS, None)
    assert plan.keys() == {"ours", "strangers"}
    assert plan["strangers"] == ["sg-7", "subnet-7", "rtb-other"]
    ours = plan["ours"]
    assert [each["group_id"] for each in ours["groups"]] == ["sg-1", "sg-2"]
    assert [each["cidr_block"] for each in ours["subnets"]] == ["10.20.1.0/24", "10.20.2.0/24"]
    assert (ours["vpcs"], ours["gateways"], ours["tables"]) == (["vpc-1"], ["igw-1"], ["rtb-public"])
    assert (ours["endpoints"], ours["tangled"]) == (["vpce-1"], [])


def test_groups_that_name_each_other_are_tangled() -> None:
    found = whole()
    found["groups"][1]["ip_permissions_egress"].append(permission(8000, group="sg-1"))
    tangled = network_plan(found, TAGS, None)["ours"]["tangled"]
    assert [each["group_id"] for each in tangled] == ["sg-2", "sg-1"]
    assert tangled[0] == {
        "group_id": "sg-2",
        "group_name": "acme-load-balancer",
        "description": "load-balancer",
        "vpc_id": "vpc-1",
    }
