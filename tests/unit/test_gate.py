"""The gate against servers of many kinds: who passes, who does not, and what is said then."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils import gate, gate_mcp, gate_memory, gate_websocket
from ansible_collections.mcp.aws.plugins.module_utils.gate_http import Failure
from gate_server import TOKEN, serving

PARAMS: dict[str, Any] = {
    "host": "",
    "token": TOKEN,
    "health_path": "/health",
    "ready_path": "/ready",
    "mcp_path": "/mcp",
    "websocket_path": "/ws",
    "tools": ["echo", "last"],
    "tool": "echo",
    "arguments": {"text": "hello"},
    "seconds": 5,
    "samples": 2,
    "container": "mcp-green",
    "memory_percent": 90,
}
NO_MCP: dict[str, Any] = {"mcp_path": "", "websocket_path": "", "tools": [], "tool": ""}
LITTLE = gate_memory.Memory(used=100, limit=1000)


def passed(*kind: str, memory: gate_memory.Memory = LITTLE, **params: Any) -> dict[str, dict[str, Any]]:
    with serving(*kind) as (url, sessions):
        checks = gate.Gate({**PARAMS, "url": url, **params}, lambda _: memory).run()
        assert not sessions, "a session was left open"
    assert [check["id"] for check in checks] == list(gate.CHECKS)
    return {check["id"]: check for check in checks}


@pytest.mark.parametrize(
    ("kind", "params", "protocol"),
    [
        ((), {}, "2025-06-18"),
        (("events",), {}, "2025-06-18"),
        (("sessions",), {}, "2025-06-18"),
        (("events", "sessions", "redirects"), {}, "2025-06-18"),
        (("redirects",), {"host": "mcp.example.org"}, "2025-06-18"),
        (("stateless",), {}, "2026-07-28"),
        (("stateless", "events"), {}, "2026-07-28"),
        (("bare",), {}, "2025-06-18"),
        (("limits",), {}, "2025-06-18"),
        ((), {"ready_path": "", "health_path": ""}, "2025-06-18"),
        (("no websocket",), {"websocket_path": "", "tools": [], "tool": "", "container": ""}, "2025-06-18"),
    ],
)
def test_who_passes(kind: tuple[str, ...], params: dict[str, Any], protocol: str) -> None:
    checks = passed(*kind, **params)
    assert gate.message(list(checks.values())) == ""
    assert checks["mcp"]["measured"].startswith(f"protocol {protocol}, 4 tools in ")


FAILURES: dict[str, tuple[tuple[str, ...], dict[str, Any], str, str, str]] = {
    "not ready": (("sick",), {}, "ready time", "GET /ready was answered with 503", "stack_ready_path"),
    "drips": (
        ("drips",),
        {"seconds": 0.05, **NO_MCP},
        "ready time",
        "no whole answer within 0.05 s",
        "stack_smoke_test_seconds",
    ),
    "no token": (
        (),
        {"token": ""},
        "mcp tools call",
        "initialize was answered with 401 Unauthorized",
        "stack_smoke_test_token",
    ),
    "a web page": (
        ("page",),
        {},
        "mcp tools call",
        "no answer of MCP is in what came (200 OK, text/html)",
        "stack_mcp",
    ),
    "moved": (("moved",), {}, "mcp tools call", "308 Permanent Redirect to https://elsewhere.example/mcp", "stack_mcp"),
    "old and new": (
        ("refuses",),
        {},
        "mcp tools call websocket",
        "Method not found: initialize (-32601); without a handshake, at 2026-07-28: server/discover was",
        "stack_mcp_path",
    ),
    "another name": (
        ("particular",),
        {"host": "mcp.example.org"},
        "mcp tools call",
        "initialize was answered with 421",
        "stack_smoke_test_host",
    ),
    "nested": (("nested",), {}, "mcp tools call", "no answer of MCP is in what came (200 OK", "stack_mcp_path"),
    "astray": (("astray",), {}, "mcp tools call", "to `http://[broken/mcp`, which is no address", "stack_mcp_path"),
    "no last page": (("endless",), {}, "mcp tools call", "there is no last page", "stack_mcp_path"),
    "tool missing": (
        (),
        {"tools": ["echo", "gone"]},
        "tools",
        "gone not listed, only: ask, echo",
        "stack_smoke_test_tools",
    ),
    "no such tool": ((), {"tool": "gone"}, "call", "gone is not listed", "stack_smoke_test_tool and"),
    "tool fails": (("stateless",), {"tool": "fail"}, "call", "fail failed: boom", "stack_smoke_test_arguments"),
    "tool asks": ((), {"tool": "ask"}, "call", "ask asks its user", "stack_smoke_test_tool"),
    "no websocket": (("no websocket",), {}, "websocket", "answered with 404 Not Found: it was", "stack_websocket_path"),
    "wrong key": (("wrong key",), {}, "websocket", "Sec-WebSocket-Accept is `wrong`", "stack_websocket_path"),
    "subprotocol": (("chat",), {}, "websocket", "the subprotocol `chat`, which nobody", "stack_websocket_path"),
    "hangs up": (("hangs up",), {}, "websocket", "closed the WebSocket: 1008 go away", "stack_websocket_path"),
    "memory": ((), {"memory": gate_memory.Memory(950, 1000)}, "memory", "95 % (", "stack_memory"),
    "killed": ((), {"memory": gate_memory.Memory(1, 1000, True)}, "memory", "has killed", "stack_memory"),
}


@pytest.mark.parametrize(("kind", "params", "failed", "says", "variable"), FAILURES.values(), ids=FAILURES)
def test_who_does_not(kind: tuple[str, ...], params: dict[str, Any], failed: str, says: str, variable: str) -> None:
    checks = passed(*kind, **params)
    assert [name for name, check in checks.items() if not check["ok"]] == failed.split()
    first = checks[failed.split()[0]]
    assert says in first["measured"]
    assert variable in first["remedy"]
    assert ("without a handshake" in first["measured"]) is ("refuses" in kind), "a second question, without need"
    told = gate.message(list(checks.values()))
    assert f"check `{first['id']}`: {first['measured']}. Wanted: {first['limit']}." in told
    assert all(name in told for name in failed.split())


def test_what_it_said_is_kept_and_told() -> None:
    checks = passed("sick")
    assert checks["ready"]["answer"] == '{"postgresql": "does not answer"}'
    assert 'It said: {"postgresql": "does not answer"}' in gate.message(list(checks.values()))


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    checks = gate.Gate({**PARAMS, "url": f"http://127.0.0.1:{port}"}, lambda _: LITTLE).run()
    assert [check["ok"] for check in checks] == [False] * 6 + [True]
    assert checks[0]["measured"] == f"nobody listens at 127.0.0.1:{port}"


@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "127.0.0.1:8102", "http://127.0.0.1:8102/mcp"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="no address of a slot"):
        gate.Gate({**PARAMS, "url": url})


def test_a_path_may_hold_any_letter() -> None:
    assert passed(ready_path="/prêt?wie=größe")["ready"]["ok"]


def test_a_token_may_end_in_a_newline() -> None:
    assert passed(token=f"{TOKEN}\n")["mcp"]["ok"]


@pytest.mark.parametrize("token", ["two\nlines-of-secrets", "grüße-of-secrets", "a space-of-secrets"])
def test_a_token_that_no_header_can_carry_is_refused_and_does_not_show(token: str) -> None:
    with pytest.raises(ValueError, match="stack_smoke_test_token") as refusal:
        gate.Gate({**PARAMS, "url": "http://127.0.0.1:1", "token": token})
    assert "secrets" not in str(refusal.value)


def test_a_token_does_not_show() -> None:
    assert TOKEN not in repr(gate.Gate({**PARAMS, "url": "http://127.0.0.1:1"}).slot)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"id": 7, "result": {}}', True),
        ('{"id": 8, "result": {}}', False),
        ('[{"id": 8, "result": {}}, {"id": 7, "error": {}}]', True),
        ('{"jsonrpc": "2.0", "id": null, "error": {"code": -32700}}', True),
        ('{"error": "unauthorized"}', False),
        ('{"id": 7, "method": "ping"}', False),
        ('data: {"id": 7,\ndata: "result": {}}\n\n', True),
        ('data:{"id": 7, "result": {}}\r\n\r\n', True),
        ('event: message\nid: 3\ndata: {"method": "x"}\n\ndata: {"id": 7, "result": {}}\n\n', True),
        ("<html>7</html>", False),
        ("7", False),
        ("", False),
    ],
)
def test_the_answer_in_a_body(text: str, found: bool) -> None:
    assert (gate_mcp.reply(text, 7) is not None) is found


@pytest.mark.parametrize(
    ("text", "written"),
    [("echo", "echo"), ("Grüße", "=?base64?R3LDvMOfZQ==?="), (" a", "=?base64?IGE=?="), ("a\nb", "=?base64?YQpi?=")],
)
def test_header_value(text: str, written: str) -> None:
    assert gate_mcp.header_value(text) == written


def test_arguments_that_a_schema_wants_in_headers() -> None:
    deep = {"type": "object", "properties": {"on": {"x-mcp-header": "On"}}}
    schema = {"properties": {"n": {"x-mcp-header": "N"}, "deep": deep, "no": {}, "gone": {"x-mcp-header": "Gone"}}}
    found = gate_mcp.mirrored(schema, {"n": 3, "deep": {"on": True}, "no": "x"})
    assert found == {"Mcp-Param-N": "3", "Mcp-Param-On": "true"}


def test_accept_key_of_the_standard() -> None:
    assert gate_websocket.accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(("size", "head"), [(5, "8185"), (126, "81fe007e"), (65536, "81ff0000000000010000")])
def test_frame(size: int, head: str) -> None:
    written = gate_websocket.frame(0x1, b"a" * size, b"\0\1\2\3")
    assert written.hex().startswith(head + "00010203" + "61606362")
    assert len(written) == len(head) // 2 + 4 + size


@pytest.mark.parametrize(
    ("stats", "used"),
    [
        ({"active_file": 100, "inactive_file": 300, "shmem": 100, "slab_reclaimable": 50}, 550),  # cgroup 2
        ({"inactive_file": 1, "total_active_file": 100, "total_inactive_file": 300}, 600),  # cgroup 1
        ({}, 1000),
    ],
)
def test_page_cache_does_not_count(stats: dict[str, int], used: int) -> None:
    found = gate_memory.read({"memory_stats": {"usage": 1000, "limit": 2000, "stats": stats}}, {})
    assert (found.used, found.limit) == (used, 2000)


@pytest.mark.parametrize(
    ("state", "says"), [({"Running": False}, "it does not run"), ({"OOMKilled": True}, "the kernel killed it")]
)
def test_memory_of_what_does_not_run(state: dict[str, bool], says: str) -> None:
    with pytest.raises(Failure, match=says):
        gate_memory.read({"memory_stats": {}}, state)


def test_no_engine() -> None:
    with pytest.raises(Failure, match="the engine does not answer at /nowhere"):
        gate_memory.measure("mcp-green", "/nowhere")


@pytest.mark.parametrize(
    ("values", "found"), [([], 0.0), ([7.0], 7.0), ([3.0, 1.0], 3.0), ([float(n) for n in range(100, 0, -1)], 95.0)]
)
def test_percentile(values: list[float], found: float) -> None:
    assert gate.percentile(values, 95) == found


def test_check_mode_leaves_all_out() -> None:
    checks = gate.not_asked("check mode runs nothing new")
    assert gate.message(checks) == ""
    assert [check["id"] for check in checks] == list(gate.CHECKS)
