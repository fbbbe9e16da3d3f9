"""From facts to green or red: what every rule has in common."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.filter.checks import SOURCES, checks
from ansible_collections.mcp.aws.plugins.module_utils.health.rules import Rule, combine, examine, facts_of, one_line

EXPECTED = {
    "instance_type": "t2.micro",
    "zones": 2,
    "admin_cidrs": ["203.0.113.7/32"],
    "client_cidrs": ["0.0.0.0/0"],
    "direct_client_cidrs": [],
    "service_port": 8000,
    "listener_port": 80,
    "unit": "mcp@blue.service",
    "project": "mcp-blue",
    "postgresql_major": 12,
    "redis_major": 7,
    "disk_limit_percent": 85,
    "memory_available_min_mb": 100,
    "cpu_limit_percent": 90,
    "tools": ["remember", "recall"],
    "health_path": "/health",
    "ready_path": "/ready",
    "websocket_subprotocol": "mcp",
    "environment_given": True,
    "error_limit_percent": 1.0,
    "response_limit_seconds": 2.0,
    "restart_limit_seconds": 30,
}
IDS = [(source, rule.id) for source, (rules, _complete) in SOURCES.items() for rule in rules(EXPECTED)]


def rule(judge: Callable[[Any], tuple[bool, str]]) -> Rule:
    return Rule("system", "x", "X", "part", "limit", "hint", judge)


@pytest.mark.parametrize(
    ("facts", "ok", "measured"),
    [
        ({"part": 3}, True, "3"),
        ({"part": 9}, False, "9"),
        ({}, False, "not measured"),
        ({"part": {"error": "no\nanswer"}}, False, "no answer"),
        ({"part": "many"}, False, "unexpected answer: TypeError("),
    ],
)
def test_only_a_measurement_is_green(facts: dict[str, Any], ok: bool, measured: str) -> None:
    (check,) = examine([rule(lambda part: (part < 5, str(part)))], facts)
    assert (check["ok"], check["measured"][: len(measured)]) == (ok, measured)


def test_skipped_is_neither_green_nor_red() -> None:
    (check,) = examine([rule(lambda part: (True, ""))], {"part": {"skipped": "check mode"}}, "host")
    assert "ok" not in check
    assert (check["skipped"], check["host"]) == ("check mode", "host")


@pytest.mark.parametrize(
    ("result", "facts"),
    [
        ({"measured": {"a": 1}}, {"a": 1}),
        ({"unreachable": True, "msg": "no route"}, {"a": {"error": "unreachable: no route"}}),
        ({"unreachable": True, "msg": "Data ... over ssh: refused"}, {"a": {"error": "unreachable: refused"}}),
        ({"failed": False, "msg": "no module"}, {"a": {"error": "failed: no module"}}),
        ({}, {"a": {"error": "failed: no answer"}}),
        ({"skipped": True}, {"a": {"skipped": "switched off by a variable"}}),
    ],
)
def test_facts_of_a_task(result: dict[str, Any], facts: dict[str, Any]) -> None:
    assert facts_of(result, ["a"]) == facts


@pytest.mark.parametrize(
    ("facts", "together"),
    [
        ({"a": [1], "b": [2]}, {"a": [1], "b": [2]}),
        ({"a": [1]}, {"error": "not measured"}),
        ({"a": {"error": "why"}, "b": {"skipped": "x"}}, {"error": "why"}),
    ],
)
def test_combine(facts: dict[str, Any], together: dict[str, Any]) -> None:
    assert combine(facts, "a", "b") == together


def test_one_line() -> None:
    assert one_line("a\n  b") == "a b"
    assert len(one_line("x" * 999)) == 200


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "result",
    [
        {},
        {"unreachable": True, "msg": "no route to host"},
        {"measured": {}},
        {"measured": {"units": 7, "instances": None}},
    ],
)
def test_no_check_is_green_without_a_measurement(source: str, result: dict[str, Any]) -> None:
    found = checks({source: result}, EXPECTED, "host")
    assert found
    assert not [check["id"] for check in found if check["ok"]]


@pytest.mark.parametrize("source", SOURCES)
def test_no_check_is_green_on_empty_answers(source: str) -> None:
    """What an API answers when there is nothing must not pass for success, save where nothing is what is wanted."""
    parts = {rule.part for rule in SOURCES[source][0](EXPECTED)} | {
        "instances",
        "balancers",
        "groups",
        "images",
        "serving",
        "slots",
        "release",
    }
    nothing: tuple[Any, ...] = ([], {})
    for empty in nothing:
        found = checks({source: {"measured": dict.fromkeys(parts, empty)}}, EXPECTED)
        assert {check["id"] for check in found if check["ok"]} <= {"failed_units"}


def test_ids_are_unique() -> None:
    assert len({name for _source, name in IDS}) == len(IDS)


def test_every_rule_says_where_to_look() -> None:
    rules = [rule for make, _complete in SOURCES.values() for rule in make(EXPECTED)]
    assert not [rule.id for rule in rules if len(rule.hint) < 15 or not rule.limit or len(rule.title) > 24]


def test_unknown_source() -> None:
    with pytest.raises(Exception, match="No rules for moon"):
        checks({"moon": {}}, EXPECTED)
