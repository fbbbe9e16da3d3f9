"""The end of a process with everything open, and several processes on one port."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from pathlib import Path

import httpx2
import pytest
from mcp_memory.limits import PENDING_PER_WEBSOCKET
from mcp_memory.websocket import Pending
from mcp_types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse
from services import RunningServer, running_server
from test_streams import AUTHORIZED, HEADERS, NEW, call, client_of, locked, waiting
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

MCP = [Subprotocol("mcp")]


async def test_nobody_is_cut_off(tmp_path: Path, database_url: str, redis_url: str) -> None:
    settings = {"STOP_GRACE": "1", "STOP_TIMEOUT": "10", "MAX_WEBSOCKETS": "1", "MAX_STREAMS": "1"}
    with running_server(tmp_path, database_url, redis_url, **settings) as server:
        server.wait_for("/ready")
        slow, headers = call("list_memories", NEW)
        async with (
            client_of(server, "http", NEW) as listener,
            listener.listen(resources_list_changed=True) as heard,
            connect(server.websocket_url, subprotocols=MCP, additional_headers=AUTHORIZED) as websocket,
            httpx2.AsyncClient(headers=headers) as http,
            locked(database_url) as lock,
        ):
            with pytest.raises(InvalidStatus, match="503"):
                await connect(server.websocket_url, subprotocols=MCP, additional_headers=AUTHORIZED)
            with pytest.raises(Exception, match="Subscription limit reached"):
                async with listener.listen(resources_list_changed=True):
                    pass
            over_http = asyncio.create_task(http.post(f"{server.url}/mcp", json=slow))
            streamed, more = call("export_memories", "2025-06-18", progress=True)
            over_stream = asyncio.create_task(http.post(f"{server.url}/mcp", json=streamed, headers=more))
            await websocket.send(json.dumps(slow))
            await waiting(lock, 3)

            start = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            while "connection" not in (await http.get(f"{server.url}/health")).headers:
                await asyncio.sleep(0.01)
            ready = await http.get(f"{server.url}/ready")
            assert (ready.status_code, ready.json()) == (503, {"status": "stopping"})
            ping = await http.post(
                f"{server.url}/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"}, headers=more
            )
            assert (ping.status_code, ping.headers["connection"]) == (200, "close")
            assert time.monotonic() < start + 1
            # The end of the loop is the SDK's word for a stream that the server ended in order.
            assert [event async for event in heard] == []
            with pytest.raises(httpx2.ConnectError):
                await http.get(f"{server.url}/ready")
            await lock.rollback()
            assert "total" in (await over_http).text
            assert '"result"' in (await over_stream).text.splitlines()[-2]
            assert "result" in json.loads(await websocket.recv())
            with pytest.raises(ConnectionClosed) as closed:
                await websocket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
            assert await asyncio.to_thread(server.process.wait, 5) == 0
        assert "traceback" not in server.log.read_text()


async def test_what_does_not_end_is_cut_in_time_in_all_workers(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    settings = {"STOP_GRACE": "0", "STOP_TIMEOUT": "3", "WORKERS": "2"}
    with running_server(tmp_path, database_url, redis_url, **settings) as server:
        server.wait_for("/ready")
        body, headers = call("list_memories", NEW)
        async with httpx2.AsyncClient(headers=headers) as http, locked(database_url) as lock:
            request = asyncio.create_task(http.post(f"{server.url}/mcp", json=body))
            await waiting(lock, 1)
            start = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            # Refused at once: whoever were let in now would wait for nobody.
            async with asyncio.timeout(1):
                with contextlib.suppress(httpx2.TransportError):
                    while await http.get(f"{server.url}/health"):
                        pass
            assert (await request).status_code == 500
            await waiting(lock, 0)
            assert await asyncio.to_thread(server.process.wait, 5) == 0
            assert time.monotonic() < start + 3
        assert [event["status"] for event in server.events() if event["event"] == "worker ended"] == [0, 0]


def workers_of(server: RunningServer) -> set[int]:
    """The processes that the first one has begun and not lost."""
    pids = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return {int(pid) for pid in pids}


def test_a_worker_that_dies_and_a_first_process_that_dies(tmp_path: Path, database_url: str, redis_url: str) -> None:
    with running_server(tmp_path, database_url, redis_url, WORKERS="2") as server:
        server.wait_for("/ready")
        first = workers_of(server)
        assert len(first) == 2
        victim = min(first)
        os.kill(victim, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while len(now := workers_of(server) - {victim}) < 2 and time.monotonic() < deadline:
            # One less is no outage.
            assert httpx2.post(f"{server.url}/mcp", json=PING, headers=HEADERS).is_success
            time.sleep(0.05)
        assert len(now) == 2
        assert len(now & first) == 1
        ended = [event["status"] for event in server.events() if event["event"] == "worker ended"]
        assert ended == [-signal.SIGKILL]
        # Nobody is left to end them, so they see to it themselves.
        server.process.kill()
        while any(Path(f"/proc/{pid}").exists() for pid in now):
            assert time.monotonic() < deadline + 5
            time.sleep(0.05)


PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def test_pending_requests_are_counted() -> None:
    def request(identifier: str | int) -> JSONRPCRequest:
        return JSONRPCRequest(jsonrpc="2.0", id=identifier, method="ping")

    pending = Pending()
    assert [pending.admit(request(number)) for number in range(PENDING_PER_WEBSOCKET)] == [None] * PENDING_PER_WEBSOCKET
    refused = pending.admit(request("one more"))
    assert isinstance(refused, JSONRPCError)
    assert (refused.id, refused.error.code) == ("one more", -32000)
    # An answer, be it an error, makes room; so does what the client no longer wants.
    pending.answered(JSONRPCResponse(jsonrpc="2.0", id=0, result={}))
    assert pending.admit(request("a")) is None
    cancelled = JSONRPCNotification(jsonrpc="2.0", method="notifications/cancelled", params={"requestId": "a"})
    assert pending.admit(cancelled) is None
    assert pending.admit(request(0)) is None
    assert isinstance(pending.admit(request(0)), JSONRPCError)
