"""Rules over what a client meets at the door."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.health import endpoint as checks_door
from ansible_collections.mcp.aws.plugins.module_utils.health.rules import examine

EXPECTED = {
    "response_limit_seconds": 2.0,
    "error_limit_percent": 1.0,
    "tools": ["recall", "remember"],
    "health_path": "/health",
    "ready_path": "",
    "websocket_subprotocol": "mcp",
    "unit": "mcp@blue.service",
    "project": "mcp-blue",
}
MCP = {"protocol": "2026-07-28", "server": "mcp-memory 0.1.0", "tools": ["recall", "remember"], "seconds": 0.02}
WEBSOCKET = {"subprotocol": "mcp", "protocol": "2025-06-18", "tools": ["recall", "remember"], "seconds": 0.03}
READ = {"matches": True, "cached": [False, True], "seconds": 0.01}
BURST = {
    "requests": 200, "failed": 0, "problems": {}, "seconds": 2.0, "p50": 0.012, "p95": 0.041, "max": 0.08,
}  # fmt: skip


def judge(part: str, value: dict[str, Any], **expected: Any) -> dict[str, dict[str, Any]]:
    expected = EXPECTED | expected
    rules = [*checks_door.rules(expected), *checks_door.after_rules(expected)]
    return {check["id"]: check for check in examine([rule for rule in rules if rule.part == part], {part: value})}


@pytest.mark.parametrize(
    ("part", "value", "check", "ok", "measured"),
    [
        ("tcp", {"address": "a", "ports": {"22": 0.003}}, "public_ip_reachable", True, "a: 22 3 ms"),
        (
            "tcp",
            {"address": "a", "ports": {"22": 0.003, "8000": "Connection refused"}},
            "public_ip_reachable",
            False,
            "8000",
        ),
        ("tcp", {"address": "a", "ports": {}}, "public_ip_reachable", False, "none"),
        ("health", {"status": 200, "body": "", "seconds": 0.004}, "http_health", True, "200 in 4 ms"),
        ("health", {"status": 502, "body": "gone", "seconds": 0.004}, "http_health", False, "502 in 4 ms gone"),
        ("ready", {"status": 503, "body": "redis", "seconds": 0.004}, "http_ready", False, "redis"),
        ("unauthorized", {"status": 401}, "authentication", True, "401"),
        ("unauthorized", {"status": 403}, "authentication", True, "403"),
        ("unauthorized", {"status": 200}, "authentication", False, "200"),
        ("unauthorized", {"status": 406}, "authentication", False, "406"),
        ("answers", {"status": 200, "seconds": 0.01}, "health_checks", True, "200 in 10 ms"),
        ("answers", {"status": 503, "seconds": 0.01}, "health_checks", False, "503 in 10 ms"),
        ("answers", {"status": 406, "any": True, "seconds": 0.01}, "health_checks", True, "406 in 10 ms"),
        ("answers", {"status": 503, "any": False, "seconds": 0.01}, "health_checks", False, "503"),
        ("call", {"tool": "ping", "seconds": 0.02}, "call", True, "ping in 20 ms"),
        ("mcp", MCP, "mcp", True, "mcp-memory 0.1.0, 2026-07-28, 2 tools, 20 ms"),
        ("mcp", {**MCP, "tools": ["recall"]}, "mcp", False, "lacks remember"),
        ("websocket", WEBSOCKET, "websocket", True, "mcp, 2025-06-18, 2 tools, 30 ms"),
        ("websocket", {"subprotocol": None, "seconds": 0.03}, "websocket", False, "101, no subprotocol, 30 ms"),
        ("websocket", {**WEBSOCKET, "tools": []}, "websocket", False, "0 tools"),
        ("write", {"tool": "remember", "seconds": 0.02}, "write", True, "remember in 20 ms"),
        ("write", {"tool": "remember", "seconds": 2.0}, "write", False, "2000 ms"),
        ("read", READ, "read", True, "twice the same, second from the cache"),
        ("read", {**READ, "cached": [False, False]}, "read", False, "second not from the cache"),
        ("read", {**READ, "cached": [None, None]}, "read", False, "second not from the cache"),
        ("read", {**READ, "cached": None}, "read", True, "twice the same"),
        ("read", {**READ, "matches": False}, "read", False, "something else"),
        ("read", {**READ, "matches": False}, "durable", False, "something else"),
        ("burst", BURST, "error_rate", True, "0.0 % (0 of 200)"),
        (
            "burst",
            {**BURST, "failed": 1, "problems": {"HTTP 500": 1}},
            "error_rate",
            True,
            "0.5 % (1 of 200): 1 x HTTP 500",
        ),
        ("burst", {**BURST, "failed": 2, "problems": {"HTTP 500": 2}}, "error_rate", False, "1.0 %"),
        ("burst", BURST, "http_response_time", True, "p50 12 ms, p95 41 ms, max 80 ms; 100/s"),
        ("burst", {**BURST, "p95": 2.0}, "http_response_time", False, "p95 2000 ms"),
        ("burst", {**BURST, "requests": 0}, "error_rate", False, "ZeroDivisionError"),
    ],
)
def test_judgement(part: str, value: dict[str, Any], check: str, ok: bool, measured: str) -> None:
    found = judge(part, value)[check]
    assert found["ok"] is ok
    assert measured in found["measured"]


@pytest.mark.parametrize(
    ("subprotocol", "value", "ok"),
    [
        ("", {"subprotocol": None, "seconds": 0.03}, True),
        ("", WEBSOCKET, True),
        ("", {**WEBSOCKET, "tools": ["recall"]}, False),
        ("chat", {"subprotocol": "chat", "seconds": 0.03}, True),
        ("chat", {"subprotocol": None, "seconds": 0.03}, False),
        ("chat", WEBSOCKET, False),
    ],
)
def test_a_websocket_speaks_what_the_server_is_said_to_speak(subprotocol: str, value: dict[str, Any], ok: bool) -> None:
    assert judge("websocket", value, websocket_subprotocol=subprotocol)["websocket"]["ok"] is ok


def test_pages_are_named_as_the_server_has_them() -> None:
    assert judge("health", {"status": 200})["http_health"]["title"] == "GET /health"
    assert judge("ready", {"skipped": "none"})["http_ready"]["title"] == "The ready page"
