"""A network beside what it should be: pure comparison of what EC2 tells with what is wanted."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network
from typing import Any

Found = Mapping[str, Any]
Listed = Mapping[str, list[Any]]
Rule = tuple[
    str, int | None, int | None, str, str | None
]  # protocol, first and last port, source or target, description
SOURCES = {
    "ip_ranges": "cidr_ip",
    "ipv6_ranges": "cidr_ipv6",
    "prefix_list_ids": "prefix_list_id",
    "user_id_group_pairs": "group_id",
}
OWNER = "mcp:name"
ANEW = "or tear the deployment down and make it anew."


def network_plan(found: Listed, tags: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what bears our tag and what does not, and beside it what should be when that is given.

    :param found: `vpcs`, `twins`, `gateways`, `subnets`, `groups`, `tables` and `endpoints`, each as EC2 describes it
        with its keys in snake case and its tags as a dictionary, and `zones` by their names. What is missing is empty.
    """
    network = Network(found, tags, wanted or {})
    whose = {"ours": network.ours(), "strangers": network.strangers()}
    return whose | (network.compare() if wanted else {})


def is_right(plan: Mapping[str, Any]) -> bool:
    """Return whether nothing is to be done."""
    parts = [*(plan[part] for part in ("vpc", "gateway", "table", "endpoint")), *plan["subnets"]]
    return not plan["conflicts"] and all(part["right"] for part in [*parts, *plan["groups"].values()])


class Network:
    """What was found, under short names, and what is wanted.

    Ours is what bears the tag `mcp:name`. A part that lost it is known by our VPC's gateway, a subnet's range, the
    route table's name and the endpoint's route table.
    """

    def __init__(self, found: Listed, tags: Mapping[str, Any], wanted: Mapping[str, Any]):
        self.settings = wanted
        self.tags = {key: str(value) for key, value in tags.items()}
        self.all_vpcs = found.get("vpcs", [])
        self.twins = found.get("twins", [])
        self.region_zones = found.get("zones", [])
        self.gateways = found.get("gateways", [])
        self.all_subnets = found.get("subnets", [])
        self.tables = found.get("tables", [])
        self.groups = [each for each in found.get("groups", []) if each["group_name"] != "default"]
        self.endpoints = [
            each for each in found.get("endpoints", []) if not str(each["state"]).lower().startswith("delet")
        ]

    def compare(self) -> dict[str, Any]:
        """Tell of each part its id, empty when there is none, its tags and whether it is right; and what cannot be."""
        gateway = self.gateway()
        subnets, zones = self.subnets()
        table = self.table(gateway["id"], [subnet["id"] for subnet in subnets])
        return {
            "vpc": self.vpc(),
            "gateway": gateway,
            "subnets": subnets,
            "zones": zones,
            "groups": {end: self.group(end, rules) for end, rules in self.settings["groups"].items()},
            "table": table,
            "endpoint": self.endpoint(table["id"]),
            "conflicts": self.conflicts(zones),
        }

    def named(self, *suffix: str) -> dict[str, str]:
        """Return the tags of the resource whose name is that of the network and a suffix."""
        return self.tags | {"Name": "-".join([self.settings["name"], *suffix])}

    def is_ours(self, each: Found) -> bool:
        """Return whether it bears our tag."""
        return bool(each["tags"].get(OWNER) == self.tags[OWNER])

    def vpc(self) -> dict[str, Any]:
        """Judge the VPC."""
        one, tags = first(self.all_vpcs), self.named()
        right = one.get("tags") == tags and one["enable_dns_support"] and one["enable_dns_hostnames"]
        return {"id": one.get("vpc_id", ""), "right": right, "tags": tags}

    def gateway(self) -> dict[str, Any]:
        """Judge the gateway: the one that is attached to our VPC, else one of ours that is attached to nothing."""
        vpcs = {vpc["vpc_id"] for vpc in self.all_vpcs}
        attached = [each for each in self.gateways if vpcs & {link["vpc_id"] for link in each["attachments"]}]
        one, tags = first(attached + [each for each in self.gateways if not each["attachments"]]), self.named()
        right = bool(attached) and one["tags"] == tags
        return {"id": one.get("internet_gateway_id", ""), "right": right, "tags": tags}

    def subnets(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Judge the subnets by their ranges, and choose zones for those that are not there yet."""
        there = {each["cidr_block"]: each for each in self.all_subnets}
        taken = {each["availability_zone"] for each in self.all_subnets}
        candidates = sorted(self.settings["candidates"] or self.region_zones)
        free = self.settings["zones"] or [zone for zone in candidates if zone not in taken]
        subnets: list[dict[str, Any]] = []
        for number, cidr in enumerate(self.settings["subnets"], start=1):
            one, tags = there.get(cidr, {}), self.named("public", str(number))
            used = {subnet["zone"] for subnet in subnets}
            zone = one.get("availability_zone") or next((zone for zone in free if zone not in used), "")
            public = one.get("map_public_ip_on_launch") or one.get("assign_ipv6_address_on_creation")
            right = one.get("tags") == tags and not public
            subnets.append({"id": one.get("subnet_id", ""), "right": right, "tags": tags, "cidr": cidr, "zone": zone})
        return subnets, [subnet["zone"] for subnet in subnets]

    def group(self, end: str, rules: Found) -> dict[str, Any]:
        """Judge the security group of that name."""
        tags = self.named(end)
        one = first(each for each in self.groups if each["group_name"] == tags["Name"])
        ids = {each["group_name"]: each["group_id"] for each in self.groups}
        right = (
            one.get("tags") == tags
            and found_rules(one["ip_permissions"]) == wanted_rules(rules["in"], ids)
            and found_rules(one["ip_permissions_egress"]) == wanted_rules(rules["out"], ids)
        )
        return {"id": one.get("group_id", ""), "right": right, "tags": tags}

    def table(self, gateway: str, subnets: list[str]) -> dict[str, Any]:
        """Judge the route table: the one that bears our tag, else the one of that name."""
        tags = self.named("public")
        by_name = [each for each in self.tables if each["tags"].get("Name") == tags["Name"]]
        one = first([each for each in self.tables if self.is_ours(each)] + by_name)
        linked = [link["subnet_id"] for link in one.get("associations", []) if link.get("subnet_id")]
        made = [route for route in one.get("routes", []) if route.get("origin") == "CreateRoute"]
        ranges = [route for route in made if route.get("destination_cidr_block")]
        routes = [(route["destination_cidr_block"], route.get("gateway_id")) for route in ranges]
        right = one.get("tags") == tags and sorted(linked) == sorted(subnets) and routes == [("0.0.0.0/0", gateway)]
        return {"id": one.get("route_table_id", ""), "right": right, "tags": tags, "linked": linked}

    def endpoint(self, table: str) -> dict[str, Any]:
        """Judge the S3 endpoint: the one that bears our tag, else the one of our route table.

        No module changes policy or route tables of an endpoint: `fits` tells whether they are as wanted.
        """
        service, tags = self.settings["service"], self.named("s3")
        of_s3 = [each for each in self.endpoints if each["service_name"] == service]
        by_table = [each for each in of_s3 if table in each["route_table_ids"]]
        one = first([each for each in of_s3 if self.is_ours(each)] + by_table)
        policy = json.loads(one.get("policy_document") or "{}")
        fits = bool(table) and one.get("route_table_ids") == [table] and policy == self.settings["policy"]
        right = fits and one["tags"] == tags
        return {"id": one.get("vpc_endpoint_id", ""), "fits": fits, "right": right, "tags": tags, "service": service}

    def conflicts(self, zones: list[str]) -> list[str]:
        """Say what cannot be set right."""
        return [*self._vpc_conflicts(), *self._subnet_conflicts(zones)]

    def _vpc_conflicts(self) -> Iterator[str]:
        name, cidr = self.settings["name"], self.settings["cidr"]
        vpcs = [vpc["vpc_id"] for vpc in self.all_vpcs]
        tag = f"{OWNER}={self.tags[OWNER]}"
        if len(vpcs) > 1:
            yield f"The VPCs {' and '.join(vpcs)} bear the tag {tag}. Take it from those of other deployments."
        if self.twins and not vpcs:
            yield (
                f"The VPC {self.twins[0]['vpc_id']} has the name {name} and the range {cidr}, but not the tag {tag}. "
                "Give it this tag if it is this deployment's, or choose another network_name or network_cidr."
            )
        if vpcs and self.all_vpcs[0]["cidr_block"] != cidr:
            yield (
                f"network_cidr is {cidr}, but the VPC {vpcs[0]} has {self.all_vpcs[0]['cidr_block']}, "
                f"and a VPC's range cannot be changed. Set network_cidr back, {ANEW}"
            )

    def _subnet_conflicts(self, zones: list[str]) -> Iterator[str]:
        cidrs, wanted_zones = list(self.settings["subnets"]), list(self.settings["zones"])
        ours = sorted(each["cidr_block"] for each in self.all_subnets if self.is_ours(each))
        if forgotten := [cidr for cidr in ours if cidr not in cidrs]:
            yield (
                f"network_subnet_cidrs is {', '.join(cidrs)}, but there are subnets of {', '.join(forgotten)}, "
                f"and a subnet's range cannot be changed. Set network_subnet_cidrs back, {ANEW}"
            )
        elif "" in zones:
            yield "There are no two zones for the subnets. Name two in network_zones."
        elif wanted_zones and zones != wanted_zones:
            yield (
                f"network_zones is {', '.join(wanted_zones)}, but the subnets lie in {', '.join(zones)}, "
                f"and a subnet cannot be moved. Set network_zones back, {ANEW}"
            )

    def ours(self) -> dict[str, list[Any]]:
        """Return what bears our tag; groups that name others first, and `tangled` those that do where several do."""
        naming = [each for each in self.groups if self.is_ours(each) and names_groups(each)]
        named = [each for each in self.groups if self.is_ours(each) and not names_groups(each)]
        return {
            "vpcs": [each["vpc_id"] for each in self.all_vpcs],
            "gateways": [each["internet_gateway_id"] for each in self.gateways],
            "subnets": [pick(each, "vpc_id", "cidr_block") for each in self.all_subnets if self.is_ours(each)],
            "tables": [each["route_table_id"] for each in self.tables if self.is_ours(each) and not is_main(each)],
            "endpoints": [each["vpc_endpoint_id"] for each in self.endpoints if self.is_ours(each)],
            "groups": [pick(each, "group_id", "group_name") for each in naming + named],
            "tangled": [
                pick(each, "group_id", "group_name", "description", "vpc_id") for each in naming if len(naming) > 1
            ],
        }

    def strangers(self) -> list[str]:
        """Return ids of what others put into the VPC; the main route table and the default group are its own."""
        return [
            *(each["group_id"] for each in self.groups if not self.is_ours(each)),
            *(each["subnet_id"] for each in self.all_subnets if not self.is_ours(each)),
            *(each["route_table_id"] for each in self.tables if not self.is_ours(each) and not is_main(each)),
            *(each["vpc_endpoint_id"] for each in self.endpoints if not self.is_ours(each)),
        ]


def first(some: Iterable[Any]) -> Any:
    """Return the first, an empty dictionary when there is none."""
    return next(iter(some), {})


def found_rules(permissions: Iterable[Found]) -> set[Rule]:
    """Return rules as AWS tells them."""
    return {
        (each["ip_protocol"], each.get("from_port"), each.get("to_port"), end, source.get("description"))
        for each in permissions
        for kind, key in SOURCES.items()
        for source in each.get(kind, [])
        for end in [source[key]]
    }


def wanted_rules(rules: Iterable[Found], ids: Mapping[str, str]) -> set[Rule]:
    """Return rules as the module takes them, the groups that they name by their ids."""
    return {
        ("-1", None, None, end, rule.get("rule_desc"))
        if rule["proto"] == "all"
        else (rule["proto"], int(port), int(port), end, rule.get("rule_desc"))
        for rule in rules
        for port in rule.get("ports", [0])
        for end in (
            *(str(ip_network(cidr)) for key in ("cidr_ip", "cidr_ipv6") for cidr in rule.get(key, [])),
            *(ids.get(name, "") for name in rule.get("group_name", [])),
        )
    }


def pick(each: Found, *keys: str) -> dict[str, Any]:
    """Return some of the keys."""
    return {key: each[key] for key in keys}


def is_main(table: Found) -> bool:
    """Return whether it is the VPC's own route table."""
    return any(link["main"] for link in table["associations"])


def names_groups(group: Found) -> bool:
    """Return whether rules of a security group name a group."""
    return any(rule["user_id_group_pairs"] for rule in [*group["ip_permissions"], *group["ip_permissions_egress"]])
