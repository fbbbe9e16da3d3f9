"""What the role network refuses in its settings: its template of problems, rendered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.unit.role_values import trust

ROLE = Path(__file__).parents[2] / "roles" / "network"

GOOD: dict[str, Any] = {
    "network_cidr": "10.20.0.0/16",
    "network_subnet_cidrs": ["10.20.1.0/24", "10.20.2.0/24"],
    "network_zones": [],
    "network_zone_candidates": ["us-east-1a", "us-east-1b", "us-east-1c"],
    "network_admin_cidrs": ["198.51.100.0/24", "2001:db8::/32"],
    "network_admin_from_anywhere": False,
    "network_client_cidrs": ["0.0.0.0/0", "::/0"],
    "network_direct_client_cidrs": [],
    "network_service_port": 8000,
    "network_client_ports": [80, "443"],
    "network_tags": {"mcp:name": "acme"},
}
ANYWHERE = "opens port 22 to the whole internet"
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing wrong": ({}, []),
    "nobody logs in": ({"network_admin_cidrs": []}, ["network_admin_cidrs is not set"]),
    "everybody logs in": ({"network_admin_cidrs": ["198.51.100.0/24", "0.0.0.0/0"]}, [ANYWHERE]),
    "everybody of IPv6": ({"network_admin_cidrs": ["::/0"]}, [ANYWHERE]),
    "everybody by halves": ({"network_admin_cidrs": ["0.0.0.0/1", "128.0.0.0/1"]}, [ANYWHERE]),
    "everybody, said twice": ({"network_admin_cidrs": ["0.0.0.0/0"], "network_admin_from_anywhere": True}, []),
    "said once, the other way": ({"network_admin_from_anywhere": True}, []),
    "no prefix": ({"network_admin_cidrs": ["203.0.113.7"]}, ["without a prefix. Write 203.0.113.7/32."]),
    "bits of the host": (
        {"network_client_cidrs": ["203.0.113.7/24"]},
        ["`203.0.113.7/24`, which begins within a range. Write 203.0.113.0/24, or 203.0.113.7/32 for a host."],
    ),
    "no address": ({"network_direct_client_cidrs": ["office"]}, ["has `office`, which is no range"]),
    "no number for a prefix": (
        {"network_admin_cidrs": ["203.0.113.7/+32", "::/", 7]},
        ["`203.0.113.7/+32`", "`::/`", "`7`"],
    ),
    "impossible prefix": ({"network_cidr": "10.20.0.0/33"}, ["network_cidr has `10.20.0.0/33`, which is no range"]),
    "a text for a list": ({"network_admin_cidrs": "203.0.113.7"}, ["without a prefix. Write 203.0.113.7/32."]),
    "parts of everything": ({"network_admin_cidrs": ["0.0.0.0/1", "0.0.0.0/2", "128.0.0.0/2"]}, []),
    "too large a VPC": (
        {"network_cidr": "10.0.0.0/8"},
        ["network_cidr has 10.0.0.0/8. Give a range of IPv4 between /16 and /28."],
    ),
    "too small a subnet": (
        {"network_subnet_cidrs": ["10.20.1.0/28", "10.20.2.0/24"]},
        ["network_subnet_cidrs has 10.20.1.0/28. Give a range of IPv4 between /16 and /27."],
    ),
    "a subnet elsewhere": (
        {"network_subnet_cidrs": ["10.20.1.0/24", "10.30.2.0/24"]},
        ["10.30.2.0/24, which is not inside network_cidr (10.20.0.0/16)"],
    ),
    "subnets of IPv6": (
        {"network_subnet_cidrs": ["10.20.1.0/24", "2001:db8::/64"]},
        ["2001:db8::/64. Give a range of IPv4"],
    ),
    "subnets that overlap": (
        {"network_subnet_cidrs": ["10.20.0.0/20", "10.20.1.0/24"]},
        ["10.20.0.0/20 and 10.20.1.0/24 in network_subnet_cidrs overlap"],
    ),
    "one subnet": ({"network_subnet_cidrs": ["10.20.1.0/24"]}, ["has 1 of the two ranges"]),
    "one zone": ({"network_zones": ["us-east-1a"]}, ["network_zones is us-east-1a: a load balancer wants two"]),
    "a zone twice": ({"network_zones": ["us-east-1a", "us-east-1a"]}, ["Name two, or none"]),
    "one candidate": ({"network_zone_candidates": ["us-east-1a"]}, ["network_zone_candidates has us-east-1a alone"]),
    "no port": ({"network_client_ports": [0, "http"]}, ["has `0`, which is no port", "has `http`, which is no port"]),
    "the port of SSH": ({"network_service_port": 22}, ["network_service_port is 22, which is for SSH"]),
    "no door": ({"network_client_ports": []}, ["nobody could use the load balancer"]),
    "no owner": ({"network_tags": {"team": "blue"}}, ["network_tags has no mcp:name"]),
    "all at once": (
        {"network_cidr": "10.20.0.0", "network_admin_cidrs": ["x", "0.0.0.0/0"], "network_zones": ["us-east-1a"]},
        ["network_cidr has `10.20.0.0`", "network_admin_cidrs has `x`", ANYWHERE, "network_zones is us-east-1a"],
    ),
}


VARIABLES: dict[str, Any] = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())


def problems_of(settings: dict[str, Any]) -> list[str]:
    """Return what the role says of settings."""
    ranges = {"__network_ranges": trust(VARIABLES["__network_ranges"])}
    template = trust_as_template((ROLE / "templates" / "problems.yml.j2").read_text())
    return list(yaml.safe_load(str(Templar(DataLoader(), settings | ranges).template(template) or "[]")) or [])


@pytest.mark.parametrize("case", CASES)
def test_problems(case: str) -> None:
    settings, sentences = CASES[case]
    problems = problems_of(GOOD | settings)
    assert len(problems) == len(sentences), problems
    for problem, sentence in zip(problems, sentences, strict=True):
        assert sentence in problem
