"""What is said of settings before anybody is asked."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.agreement import disagreements
from ansible_collections.mcp.aws.plugins.module_utils.agreement_slots import EVERYWHERE
from ansible_collections.mcp.aws.plugins.module_utils.settings import (
    checked,
    foundation,
    numbered,
    ownerless,
    two_regions,
)

GOOD: dict[str, Any] = {
    "mcp_name": "mcp",
    "mcp_region": "eu-central-1",
    "mcp_tags": {"mcp:name": "mcp"},
    "mcp_aws_connection": {"region": "eu-central-1"},
}


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({}, []),
        ({"mcp_name": ""}, ["mcp_name is not set to a text."]),
        ({"mcp_tags": "x"}, ["mcp_tags is not set to a dictionary."]),
        ({"mcp_name": 5, "mcp_region": None}, ["mcp_name is not set to a text.", "mcp_region is not set to a text."]),
        ({"mcp_tags": {"team": "x"}}, ["mcp_tags has no `mcp:name`"]),
        ({"mcp_aws_connection": {"acess_key": "x"}}, ["the unknown key `acess_key`: did you mean `access_key`?"]),
        ({"mcp_aws_connection": {"moon": 1}}, ["the unknown key `moon`: it takes access_key,"]),
    ],
)
def test_what_everything_follows_from(changes: dict[str, Any], sentences: list[str]) -> None:
    problems = foundation(GOOD | changes)
    assert len(problems) == len(sentences)
    for problem, sentence in zip(problems, sentences, strict=True):
        assert sentence in problem


def test_nothing_at_all_is_told_four_times_at_once() -> None:
    assert len(foundation({})) == 4


def test_a_connection_without_a_region_goes_where_the_deployment_is() -> None:
    assert two_regions(GOOD | {"mcp_aws_connection": {"profile": "x"}}) == []
    assert "goes to the region us-east-1, but mcp_region is eu-central-1" in str(
        two_regions(GOOD | {"mcp_aws_connection": {"region": "us-east-1"}})
    )


@pytest.mark.parametrize(
    ("value", "option", "taken", "wrong"),
    [
        ("80", {"type": "int"}, 80, None),
        ("abc", {"type": "int"}, "abc", "is `abc`, but takes a whole number."),
        (["10.0.0.0/8"], {"type": "list", "elements": "str"}, ["10.0.0.0/8"], None),
        ("10.0.0.0/8", {"type": "list", "elements": "str"}, "10.0.0.0/8", "takes a list of str."),
        (2, {"type": "int", "choices": [1, 3]}, 2, "is `2`, but takes one of 1, 3."),
        ([{"a": 1}], {"type": "list", "elements": "dict", "options": {"b": {}}}, [{"a": 1}], "takes something else"),
        ("key=AKIA", {"type": "dict"}, "key=AKIA", "x_y takes a dictionary."),
        ("abc", {"type": "int", "no_log": True, "required": True, "default": 1}, "abc", "x_y takes a whole number."),
    ],
)
def test_values_are_compared_with_the_argument_spec(
    value: Any, option: dict[str, Any], taken: Any, wrong: str | None
) -> None:
    found, problems = checked("x_y", value, option, "x")
    if wrong is None:
        assert (found, problems) == (taken, [])
    else:
        assert wrong in problems[0]
        assert problems[0].endswith("roles/x/README.md tells more.")


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("logs_tags", {"mcp:name": "acme"}, False),
        ("logs_tags", {"team": "x"}, True),
        ("logs_tags", "not a dictionary", False),
        ("redis_labels", {"team": "x"}, False),
    ],
)
def test_tags_without_an_owner(name: str, value: Any, wrong: bool) -> None:
    assert bool(ownerless(name, value)) == wrong


@pytest.mark.parametrize(
    ("settings", "sentences"),
    [
        ({"load_balancer_target_port": 8000, "network_service_port": 8000, "proxy_port": 8000}, []),
        (
            {"load_balancer_target_port": 8000, "proxy_port": 9000},
            ["differ: proxy_port 9000, load_balancer_target_port"],
        ),
        ({"load_balancer_target_port": 22}, ["load_balancer_target_port is 22, the port of SSH."]),
        (
            {"load_balancer_port": 80, "health_listener_port": 8080},
            ["differ: load_balancer_port 80, health_listener_port"],
        ),
        ({"load_balancer_port": 80, "network_client_ports": [80]}, []),
        ({"load_balancer_port": 8080, "network_client_ports": ["80"]}, ["Set it to [8080]."]),
        (
            {
                "load_balancer_port": 80,
                "network_client_ports": [80],
                "health_listener_port": 443,
                "load_balancer_certificate_arn": "arn:x",
            },
            ["listens on 80, 443, which clients could not reach. Set it to [80, 443]."],
        ),
        ({"redis_port": 70000, "redis_bind": ["x"]}, ["redis_port is 70000: a port is a number from 1 to 65535."]),
    ],
)
def test_ports(settings: dict[str, Any], sentences: list[str]) -> None:
    problems = disagreements(settings)
    assert len(problems) == len(sentences)
    for problem, sentence in zip(problems, sentences, strict=True):
        assert sentence in problem


def slot(name: str, port: int, subnet: str = "172.30.1.0/25") -> dict[str, Any]:
    return {"name": name, "address": "127.0.0.1", "port": port, "subnet": subnet}


BLUE, GREEN = slot("blue", 8101), slot("green", 8102, "172.30.1.128/25")


@pytest.mark.parametrize(
    ("filled", "others", "sentences"),
    [
        ([BLUE, GREEN], {}, []),
        (
            [BLUE, GREEN],
            {"proxy_slots": [GREEN, BLUE], "proxy_port": 8000},
            [],
        ),
        ([BLUE, GREEN], {"proxy_slots": [BLUE]}, ["blue 127.0.0.1:8101, green 127.0.0.1:8102; blue 127.0.0.1:8101."]),
        (
            [BLUE, GREEN],
            {"proxy_slots": [BLUE, slot("green", 8103)]},
            ["Give both the same names, addresses and ports."],
        ),
        ([BLUE, GREEN], {"proxy_port": 8102}, ["proxy_port and the port of a slot in stack_slots are both 8102"]),
        ([{**BLUE, "address": EVERYWHERE}, GREEN], {"proxy_slots": [BLUE, GREEN]}, []),
        ([BLUE], {}, ["stack_slots has fewer than two slots"]),
        ([BLUE, {**GREEN, "port": 8101}], {}, ["stack_slots has the port 8101 twice."]),
        ([BLUE, {**GREEN, "subnet": "172.30.1.64/26"}], {}, ["The ranges of the slots blue and green"]),
        ([BLUE, {**GREEN, "subnet": "172.30.1.1/25"}], {}, ["172.30.1.1/25 has host bits set. Write"]),
    ],
)
def test_slots(filled: list[dict[str, Any]], others: dict[str, Any], sentences: list[str]) -> None:
    problems = disagreements({"stack_slots": filled, **others})
    assert len(problems) == len(sentences)
    for problem, sentence in zip(problems, sentences, strict=True):
        assert sentence in problem


def test_problems_are_numbered_once_each_with_the_place_of_their_variables() -> None:
    places = {"x_port": "group_vars/all.yml:3", "x_name": "extra variable"}
    problems = ["x_port is 0.", "Nothing is right.", "x_port is 0.", "`x_name` (extra variable) is unknown."]
    assert numbered(problems, places).splitlines() == [
        "3 things stand in the way; nothing was changed.",
        "1. x_port is 0.",
        "   Written: x_port (group_vars/all.yml:3).",
        "2. Nothing is right.",
        "3. `x_name` (extra variable) is unknown.",
    ]
    assert numbered(["No."], {}).startswith("1 thing stands in the way")
