"""Figures for Prometheus from a running server of two processes, read with the library's own parser."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import json
import os
import signal

import pytest
from mcp_memory import __version__
from mcp_memory.metrics import DEAD_KEPT, folder, forget_dead
from services import HTTP, STRICT_TOKENS, RunningServer, scrape, value, wait_for
from websockets.sync.client import connect
from websockets.typing import Subprotocol

AUTHORIZED = {"Authorization": f"Bearer {STRICT_TOKENS['metrics']}"}
CALL = AUTHORIZED | {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


def call(server: RunningServer, tool: str, **arguments: object) -> None:
    params = {"name": tool, "arguments": arguments}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    assert HTTP.post(f"{server.url}/mcp", json=body, headers=CALL).status_code == 200


def test_requests_and_tools_of_all_processes(strict_server: RunningServer, key: str) -> None:
    before = scrape(strict_server)
    for _ in range(20):
        call(strict_server, "remember", content="text", key=key)
    call(strict_server, "recall", key=f"{key}-unknown")
    call(strict_server, f"made-up-{key}")
    HTTP.get(f"{strict_server.url}/made-up-{key}")
    HTTP.request("BREW", f"{strict_server.url}/mcp")
    HTTP.post(f"{strict_server.url}/mcp", headers={"Authorization": "Bearer wrong"})
    after = scrape(strict_server)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert grown("mcp_http_requests_total", method="POST", path="/mcp", status="200") == 22
    assert grown("mcp_http_requests_total", method="POST", path="/mcp", status="401") == 1
    assert grown("mcp_http_requests_total", method="GET", path="other", status="404") == 1
    assert grown("mcp_http_requests_total", method="other", path="/mcp", status="405") == 1
    assert grown("mcp_http_request_duration_seconds_bucket", method="POST", path="/mcp", le="+Inf") == 23
    assert 0 < grown("mcp_http_request_duration_seconds_sum", method="POST", path="/mcp") < 23
    assert grown("mcp_tool_calls_total", tool="remember", ok="true") == 20
    assert grown("mcp_tool_calls_total", tool="recall", ok="false") == 1
    assert grown("mcp_tool_calls_total", tool="other", ok="false") == 1
    assert grown("mcp_tool_duration_seconds_count", tool="remember") == 20
    assert grown("mcp_refused_total", reason="unauthorized") == 1
    assert value(after, "mcp_build_info", version=__version__) == 1
    # What callers make up stays out of the labels.
    assert not any(key in label for _, labels in after for _, label in labels)


def test_what_is_open(strict_server: RunningServer) -> None:
    def websockets() -> float:
        return value(scrape(strict_server), "mcp_open_websockets")

    with contextlib.ExitStack() as stack:
        for _ in range(4):
            connection = connect(
                strict_server.websocket_url, subprotocols=[Subprotocol("mcp")], additional_headers=AUTHORIZED
            )
            stack.enter_context(connection)
        wait_for(lambda: websockets() == 4)
    wait_for(lambda: websockets() == 0)
    listen = {"notifications": {"resourcesListChanged": True}}
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "0"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {**listen, "_meta": meta}}
    headers = CALL | {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen"}
    with HTTP.stream("POST", f"{strict_server.url}/mcp", content=json.dumps(body), headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream"), answer.read()
        wait_for(lambda: value(scrape(strict_server), "mcp_open_streams") == 1)
    wait_for(lambda: value(scrape(strict_server), "mcp_open_streams") == 0)


def test_a_process_that_died_has_nothing_open(strict_server: RunningServer) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            connection = connect(
                strict_server.websocket_url, subprotocols=[Subprotocol("mcp")], additional_headers=AUTHORIZED
            )
            stack.enter_context(connection)
        wait_for(lambda: value(scrape(strict_server), "mcp_open_websockets") == 8)
        before = value(scrape(strict_server), "mcp_http_requests_total", method="GET", path="/metrics", status="200")
        started = [event["pid"] for event in strict_server.events() if event["event"] == "worker started"]
        for pid in started:
            os.kill(int(str(pid)), signal.SIGKILL)
        wait_for(lambda: strict_server.log.read_text().count('"worker started"') == 4)
        wait_for(lambda: value(scrape(strict_server), "mcp_open_websockets") == 0)
        # What it has counted still counts.
        assert (
            value(scrape(strict_server), "mcp_http_requests_total", method="GET", path="/metrics", status="200")
            > before
        )


@pytest.mark.parametrize("headers", [{}, AUTHORIZED, {"Authorization": "Bearer wrong"}])
def test_not_for_everybody(strict_server: RunningServer, headers: dict[str, str]) -> None:
    assert HTTP.get(f"{strict_server.url}/metrics", headers=headers).status_code == 401


def test_off_unless_asked_for(server: RunningServer) -> None:
    assert HTTP.get(f"{server.url}/metrics", headers=AUTHORIZED).status_code == 404


def test_no_folder_to_write_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    with pytest.raises(SystemExit, match="METRICS_TOKEN needs a folder to write to"), folder():
        pass


def test_a_crash_loop_does_not_fill_the_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("dead")
    # No process has a number beyond 2^22.
    for number in range(20):
        for kind in ("counter", "gauge_livesum"):
            (place / f"{kind}_{2**23 + number}.db").touch()
    (place / f"counter_{os.getpid()}.db").touch()
    (place / f"gauge_livesum_{os.getpid()}.db").touch()
    forget_dead(place)
    left = sorted(file.name for file in place.iterdir())
    assert f"gauge_livesum_{os.getpid()}.db" in left
    assert len(left) == DEAD_KEPT + 2
