"""Every protocol version over HTTP and WebSocket: JSON or an event stream, progress, cancellation, listening."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import psycopg
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.subscriptions import ResourcesListChanged, ResourceUpdated
from mcp.shared.exceptions import MCPError
from mcp_memory.cache import Cache
from mcp_memory.changes import Changes
from mcp_memory.memory import SharedMemory
from mcp_memory.store import Store
from mcp_memory.streams import wants_progress
from mcp_types import TextResourceContents
from services import TOKEN, RunningServer
from test_websocket import websocket_client
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
HEADERS = AUTHORIZED | {"Accept": "application/json, text/event-stream"}
OLD = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
NEW = "2026-07-28"
META = {"io.modelcontextprotocol/protocolVersion": NEW, "io.modelcontextprotocol/clientCapabilities": {}}


@contextlib.asynccontextmanager
async def client_of(server: RunningServer, transport: str, mode: str) -> AsyncIterator[Client]:
    """The SDK's client."""
    async with httpx2.AsyncClient(headers=AUTHORIZED) as http:
        over_http = streamable_http_client(f"{server.url}/mcp", http_client=http)
        over = over_http if transport == "http" else websocket_client(server.websocket_url)
        async with Client(over, mode=mode) as client:
            yield client


def call(tool: str, version: str, progress: bool = False, **arguments: object) -> tuple[dict[str, Any], dict[str, str]]:
    """Body and headers of a tool call in a version."""
    meta: dict[str, object] = {"progressToken": "p"} if progress else {}
    headers = HEADERS | {"MCP-Protocol-Version": version}
    if version == NEW:
        meta |= META
        headers |= {"Mcp-Method": "tools/call", "Mcp-Name": tool}
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    return {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}, headers


@pytest.mark.parametrize("version", OLD)
def test_versions_with_a_handshake(server: RunningServer, version: str) -> None:
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}}
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    greeting = httpx2.post(f"{server.url}/mcp", json=hello, headers=HEADERS)
    assert greeting.headers["content-type"] == "application/json"
    assert "mcp-session-id" not in greeting.headers
    assert greeting.json()["result"]["protocolVersion"] == version
    body, headers = call("list_memories", version)
    assert (
        "total" in httpx2.post(f"{server.url}/mcp", json=body, headers=headers).json()["result"]["content"][0]["text"]
    )


def test_the_version_without_a_handshake(server: RunningServer) -> None:
    body, headers = call("list_memories", NEW)
    answer = httpx2.post(f"{server.url}/mcp", json=body, headers=headers)
    assert answer.json()["result"]["structuredContent"]["limit"] == 20
    refused = httpx2.post(f"{server.url}/mcp", json=body, headers=headers | {"MCP-Protocol-Version": "2099-01-01"})
    assert refused.status_code == 400
    # A client that takes only JSON gets it from every version.
    alone = httpx2.post(f"{server.url}/mcp", json=body, headers=headers | {"Accept": "application/json"})
    assert alone.json()["result"]["structuredContent"]["limit"] == 20


@pytest.mark.parametrize("version", [*OLD, NEW])
def test_who_asks_for_progress_gets_a_stream(server: RunningServer, key: str, version: str) -> None:
    many = [{"content": "text", "key": f"{key}/{number}"} for number in range(30)]
    body, headers = call("import_memories", version, progress=True, memories=many)
    answer = httpx2.post(f"{server.url}/mcp", json=body, headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert [(event["params"]["progress"], event["params"]["total"]) for event in events[:-1]] == [(25, 30), (30, 30)]
    assert events[-1]["result"]["structuredContent"] == {"created": 30, "replaced": 0}
    body["params"]["_meta"].pop("progressToken")
    assert httpx2.post(f"{server.url}/mcp", json=body, headers=headers).headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"params": {"_meta": {"progressToken": 0}}}, True),
        ({"params": {"_meta": {"progressToken": None}}}, False),
        ({"params": {"arguments": {"content": '"progressToken"'}}}, False),
        ({"params": {"arguments": {"progressToken": 1}}}, False),
        ({"params": ["progressToken"]}, False),
        (["progressToken"], False),
    ],
)
def test_who_asks_for_progress(body: object, wanted: bool) -> None:
    assert wants_progress(json.dumps(body).encode()) is wanted
    assert not wants_progress(json.dumps(body).encode()[:-1])


@pytest.mark.parametrize("transport", ["http", "websocket"])
@pytest.mark.parametrize("mode", ["legacy", NEW])
async def test_progress_reaches_the_official_client(server: RunningServer, key: str, transport: str, mode: str) -> None:
    steps: list[tuple[float, float | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        steps.append((progress, total))

    many = [{"content": "text", "key": f"{key}/{number:02}", "tags": [key]} for number in range(55)]
    async with client_of(server, transport, mode) as client:
        await client.call_tool("import_memories", {"memories": many}, progress_callback=note)
        exported = await client.call_tool("export_memories", {"tag": key}, progress_callback=note)
    assert steps == [(25, 55), (50, 55), (55, 55)] * 2
    assert [memory["key"] for memory in exported.structured_content["memories"]] == [one["key"] for one in many]


@pytest.mark.parametrize("mode", ["legacy", NEW])
async def test_memories_are_resources(server: RunningServer, key: str, mode: str) -> None:
    many = [{"content": f"text {number}", "key": f"{key}/{number:03}"} for number in range(110)]
    async with client_of(server, "http", mode) as client:
        await client.call_tool("import_memories", {"memories": many})
        (whole,) = (await client.read_resource(f"memory:{key}/001")).contents
        assert isinstance(whole, TextResourceContents)
        assert whole.text == "text 1"
        first = await client.list_resources()
        second = await client.list_resources(cursor=first.next_cursor)
        names = [entry.name for entry in first.resources + second.resources]
        assert sorted(names[:110]) == [one["key"] for one in many]
        for uri in (f"memory:{key}/none", "memory:with blank"):
            with pytest.raises(MCPError, match="Nothing is remembered under"):
                await client.read_resource(uri)
        with pytest.raises(MCPError, match="Invalid cursor"):
            await client.list_resources(cursor="made up")


@contextlib.asynccontextmanager
async def locked(database_url: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """Let every query wait, as long as the block lasts."""
    connection = await psycopg.AsyncConnection.connect(database_url)
    async with connection:
        await connection.execute("LOCK TABLE memories IN ACCESS EXCLUSIVE MODE")
        yield connection
        await connection.rollback()


async def waiting(connection: psycopg.AsyncConnection, expected: int) -> None:
    """Wait until so many queries of the server wait for the lock."""
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'memories'::regclass"
    async with asyncio.timeout(5):
        while await (await connection.execute(query)).fetchone() != (expected,):
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(("version", "progress"), [("2025-06-18", False), ("2025-06-18", True), (NEW, False)])
async def test_leaving_cancels_the_query(
    server: RunningServer, database_url: str, version: str, progress: bool
) -> None:
    body, headers = call("export_memories", version, progress)
    async with locked(database_url) as lock, httpx2.AsyncClient() as http:
        request = asyncio.create_task(http.post(f"{server.url}/mcp", json=body, headers=headers))
        await waiting(lock, 1)
        request.cancel()
        await waiting(lock, 0)
    async with httpx2.AsyncClient() as http:
        again = await http.post(f"{server.url}/mcp", json=body, headers=headers)
    assert again.is_success
    assert "traceback" not in server.log.read_text()


@pytest.mark.parametrize("version", ["2025-06-18", NEW])
async def test_cancelled_over_websocket(server: RunningServer, database_url: str, version: str) -> None:
    async def send(connection: ClientConnection, **message: object) -> None:
        await connection.send(json.dumps({"jsonrpc": "2.0", **message}))

    body, _ = call("list_memories", version)
    async with connect(server.websocket_url, subprotocols=[Subprotocol("mcp")], additional_headers=AUTHORIZED) as ws:
        if version != NEW:
            info = {"name": "test", "version": "0"}
            params = {"protocolVersion": version, "capabilities": {}, "clientInfo": info}
            await send(ws, id=1, method="initialize", params=params)
            await ws.recv()
        async with locked(database_url) as lock:
            await ws.send(json.dumps(body))
            await waiting(lock, 1)
            await ws.send(json.dumps(body))
            assert "id 7 waits for its answer already" in json.loads(await ws.recv())["error"]["message"]
            await send(ws, method="notifications/cancelled", params={"requestId": 7})
            await waiting(lock, 0)
        # What was cancelled is never answered, and its id is free again.
        await ws.send(json.dumps(body | {"id": 8}))
        assert json.loads(await ws.recv())["id"] == 8
        await ws.send(json.dumps(body))
        assert "result" in json.loads(await ws.recv())


@pytest.mark.parametrize("transport", ["http", "websocket"])
async def test_listening_to_what_other_processes_write(
    server: RunningServer, store: Store, cache: Cache, redis_url: str, key: str, transport: str
) -> None:
    changes = Changes(redis_url)
    async with (
        asyncio.timeout(10),
        client_of(server, transport, NEW) as client,
        changes.open(),
        client.listen(resources_list_changed=True, resource_subscriptions=[f"memory:{key}"]) as heard,
    ):
        await SharedMemory(store, cache, changes.announce).remember("from this process", key)
        assert await anext(heard) == ResourceUpdated(f"memory:{key}")
        assert await anext(heard) == ResourcesListChanged()
        await client.call_tool("forget", {"key": key})
        assert await anext(heard) == ResourceUpdated(f"memory:{key}")


async def test_many_changes_are_told_as_few(redis_url: str) -> None:
    changes, heard = Changes(redis_url), list[object]()
    changes.subscribe(heard.append)
    async with changes.open():
        for number in range(100):
            await changes.announce([str(number)])
        async with asyncio.timeout(5):
            while heard.count(ResourcesListChanged()) < 2:
                await asyncio.sleep(0.01)
    assert [event for event in heard if event != ResourcesListChanged()] == [
        ResourceUpdated(f"memory:{number}") for number in range(100)
    ]
    assert heard[-1] == ResourcesListChanged()
    assert heard.count(ResourcesListChanged()) <= 3
