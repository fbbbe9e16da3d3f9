"""Filter plugin: say in sentences what is wrong with the settings of a network."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_interface, ip_network
from itertools import combinations
from typing import Any

DOCUMENTATION = r"""
name: cidrs
short_description: Say what is wrong with the settings of a network
version_added: 0.2.0
description:
  - Judges ranges, zones, ports and tags together, so that all problems are told at once. Asks nobody.
  - The keys are the variables of the role P(mcp.aws.network#role), which the sentences name.
options:
  _input:
    description: Variables and their values.
    type: dict
    required: true
author:
  - The mcp.aws maintainers
"""

EXAMPLES = r"""
problems: "{{ settings | mcp.aws.cidrs }}"
settings: {network_cidr: 10.20.0.0/16, network_subnet_cidrs: [10.20.1.0/24, 10.30.2.0/24]}
"""

RETURN = r"""
_value:
  description: Sentences with what to do, none when all is well.
  type: list
  elements: str
"""

Network = IPv4Network | IPv6Network
RANGES = ("network_subnet_cidrs", "network_admin_cidrs", "network_client_cidrs", "network_direct_client_cidrs")
LISTS = (*RANGES, "network_zones", "network_zone_candidates", "network_client_ports")
LARGEST, SMALLEST = 16, {"network_cidr": 28, "network_subnet_cidrs": 27}  # a load balancer wants a subnet of /27
EXAMPLE = "203.0.113.7/32"


def cidrs(settings: Mapping[str, Any]) -> list[str]:
    """Return what is wrong; a variable that is missing is not judged."""
    texts = {name: [settings[name]] for name in LISTS if isinstance(settings.get(name), str)}
    given = {**settings, **texts}
    return [
        *(f"{name} is the text `{value}`: write a list, [{value}]." for name, (value,) in texts.items()),
        *_malformed("network_cidr", [given["network_cidr"]] if "network_cidr" in given else []),
        *(sentence for name in RANGES for sentence in _malformed(name, given.get(name, []))),
        *_admins(given),
        *_ranges(given),
        *_zones(given.get("network_zones", []), given.get("network_zone_candidates", [])),
        *_ports(given),
        *_tags(given),
    ]


def _network(value: Any) -> Network | None:
    """Return the range that a text spells out, None when it does not."""
    try:
        return ip_network(str(value)) if "/" in str(value) else None
    except ValueError:
        return None


def _networks(values: Iterable[Any]) -> list[Network]:
    """Return the ranges that are well-formed."""
    return [network for network in map(_network, values) if network]


def _malformed(name: str, values: Iterable[Any]) -> Iterator[str]:
    """Say how to write the ranges that are not well-formed."""
    for value in (value for value in values if _network(value) is None):
        try:
            address = ip_interface(str(value))
        except ValueError:
            yield f"{name} has `{value}`, which is no range of addresses such as {EXAMPLE}. Correct it."
            continue
        alone = f"{address.ip}/{address.max_prefixlen}"
        if "/" in str(value):
            yield f"{name} has `{value}`, which begins within a range. Write {address.network}, or {alone} for a host."
        else:
            yield f"{name} has `{value}`, an address without a prefix. Write {alone}."


def _admins(given: Mapping[str, Any]) -> Iterator[str]:
    """Judge who may log in."""
    if not given.get("network_admin_cidrs", ["not judged"]):
        yield (
            "network_admin_cidrs is not set, so nobody could reach the server over SSH, Ansible least of all. Give the "
            f"addresses that administrators come from in the inventory's group_vars/all, for example [{EXAMPLE}]."
        )
    networks = _networks(given.get("network_admin_cidrs", []))
    if _everywhere(networks) and given.get("network_admin_from_anywhere") is not True:
        yield (
            f"network_admin_cidrs is {', '.join(map(str, networks))}: this opens port 22 to the whole internet. "
            f"Name the addresses that administrators come from, for example {EXAMPLE}, or say it twice, with "
            "network_admin_from_anywhere: true."
        )


def _everywhere(networks: Sequence[Network]) -> bool:
    """Return whether ranges, also halves of it together, are the whole internet of IPv4 or IPv6."""
    fours = collapse_addresses(network for network in networks if isinstance(network, IPv4Network))
    sixes = collapse_addresses(network for network in networks if isinstance(network, IPv6Network))
    return IPv4Network("0.0.0.0/0") in fours or IPv6Network("::/0") in sixes


def _ranges(given: Mapping[str, Any]) -> Iterator[str]:
    """Judge the range of the VPC and those of its subnets."""
    vpc = _network(given.get("network_cidr"))
    subnets = _networks(given.get("network_subnet_cidrs", []))
    for name, networks in (("network_cidr", [vpc] if vpc else []), ("network_subnet_cidrs", subnets)):
        for network in networks:
            if network.version != 4 or not LARGEST <= network.prefixlen <= SMALLEST[name]:
                yield f"{name} has {network}. Give a range of IPv4 between /{LARGEST} and /{SMALLEST[name]}."
    for subnet in subnets:
        if vpc and not (subnet[0] in vpc and subnet[-1] in vpc):
            yield f"network_subnet_cidrs has {subnet}, which is not inside network_cidr ({vpc}). Correct one of them."
    for one, other in combinations(subnets, 2):
        if one.overlaps(other):
            yield f"{one} and {other} in network_subnet_cidrs overlap. Give ranges that do not."
    if "network_subnet_cidrs" in given and len(given["network_subnet_cidrs"]) != 2:
        count = len(given["network_subnet_cidrs"])
        yield f"network_subnet_cidrs has {count} of the two ranges that a load balancer wants. Give two."


def _zones(zones: Sequence[str], candidates: Sequence[str]) -> Iterator[str]:
    """Judge where the subnets go."""
    if zones and (len(zones) != 2 or len(set(zones)) != 2):
        yield f"network_zones is {', '.join(zones)}: a load balancer wants two zones. Name two, or none for any."
    if not zones and len(set(candidates)) == 1:
        yield f"network_zone_candidates has {candidates[0]} alone, but a load balancer wants two zones. Name another."


def _ports(given: Mapping[str, Any]) -> Iterator[str]:
    """Judge the ports that the groups open."""
    service, clients = given.get("network_service_port", 8000), given.get("network_client_ports", [80])
    named = [("network_service_port", service), *(("network_client_ports", port) for port in clients)]
    for name, port in named:
        if not str(port).isdecimal() or not 0 < int(port) < 65536:
            yield f"{name} has `{port}`, which is no port. Give a number from 1 to 65535."
    if str(service) == "22":
        yield "network_service_port is 22, which is for SSH. Give the server another port."
    if not clients:
        yield "network_client_ports is empty, so nobody could use the load balancer. Give [80], or [80, 443]."


def _tags(given: Mapping[str, Any]) -> Iterator[str]:
    """Judge whether everything can be found again."""
    if "network_tags" in given and not given["network_tags"].get("mcp:name"):
        yield "network_tags has no mcp:name, the tag by which everything is found again. Give it one."


class FilterModule:
    """Names the filter."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"cidrs": cidrs}
