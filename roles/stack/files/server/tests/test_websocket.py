"""The running server over WebSocket: bare frames, and the SDK's client on top of them."""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.message import SessionMessage
from mcp_memory.websocket import decode, encode
from services import TOKEN, RunningServer
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
MCP = [Subprotocol("mcp")]


@contextlib.asynccontextmanager
async def websocket_client(url: str) -> AsyncIterator[Any]:
    """A transport for the SDK's client, which has none of its own."""
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage | Exception]()
    to_server, from_client = anyio.create_memory_object_stream[SessionMessage]()

    async def receive(connection: ClientConnection) -> None:
        async with to_client:
            async for frame in connection:
                await to_client.send(SessionMessage(decode(str(frame))))

    async def send(connection: ClientConnection) -> None:
        async for message in from_client:
            await connection.send(encode(message.message))

    async with (
        connect(url, subprotocols=MCP, additional_headers=AUTHORIZED) as connection,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(receive, connection)
        tasks.start_soon(send, connection)
        yield from_server, to_server
        tasks.cancel_scope.cancel()


async def exchange(connection: ClientConnection, method: str, **params: object) -> Any:
    await connection.send(json.dumps({"jsonrpc": "2.0", "id": method, "method": method, "params": params}))
    answer = json.loads(await connection.recv())
    assert answer["id"] == method
    return answer["result"]


async def test_bare_frames(server: RunningServer, key: str) -> None:
    async with connect(server.websocket_url, subprotocols=MCP, additional_headers=AUTHORIZED) as connection:
        assert connection.subprotocol == "mcp"
        greeting = await exchange(
            connection,
            "initialize",
            protocolVersion="2025-06-18",
            capabilities={},
            clientInfo={"name": "test", "version": "0"},
        )
        assert greeting["protocolVersion"] == "2025-06-18"
        assert greeting["serverInfo"]["name"] == "mcp-memory"
        await connection.send(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        await exchange(connection, "tools/call", name="remember", arguments={"content": "hidden text", "key": key})
        recalled = await exchange(connection, "tools/call", name="recall", arguments={"key": key})
        assert recalled["structuredContent"]["content"] == "hidden text"
    log = server.log.read_text()
    assert not any(word in log for word in ("hidden text", key, TOKEN))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_official_client(server: RunningServer, key: str, mode: str) -> None:
    async with Client(websocket_client(server.websocket_url), mode=mode) as client:
        assert len((await client.list_tools()).tools) == 7
        await client.call_tool("remember", {"content": "text", "key": key})
        recalled = await client.call_tool("recall", {"key": key})
        assert recalled.structured_content["content"] == "text"


async def test_bad_frames_do_not_end_the_connection(server: RunningServer) -> None:
    async with connect(server.websocket_url, subprotocols=MCP, additional_headers=AUTHORIZED) as connection:
        for frame, code in (("no json", -32700), ("[]", -32600)):
            await connection.send(frame)
            answer = json.loads(await connection.recv())
            assert (answer["id"], answer["error"]["code"]) == (None, code)
        assert await exchange(connection, "ping") == {}


@pytest.mark.parametrize(("frame", "code"), [(b"binary", 1003), ("x" * (1024 * 1024 + 1), 1009)])
async def test_frames_that_end_the_connection(server: RunningServer, frame: str | bytes, code: int) -> None:
    async with connect(server.websocket_url, subprotocols=MCP, additional_headers=AUTHORIZED) as connection:
        await connection.send(frame)
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code


@pytest.mark.parametrize(
    ("headers", "subprotocols", "status"),
    [
        ({}, MCP, 401),
        ({"Authorization": "Bearer wrong"}, MCP, 401),
        (AUTHORIZED | {"Origin": "http://evil.test"}, MCP, 403),
        (AUTHORIZED, None, 400),
        (AUTHORIZED, [Subprotocol("chat")], 400),
    ],
)
async def test_who_may_connect(
    server: RunningServer, headers: dict[str, str], subprotocols: list[Subprotocol] | None, status: int
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(server.websocket_url, subprotocols=subprotocols, additional_headers=headers):
            pass
    assert refused.value.response.status_code == status
    assert ("WWW-Authenticate" in refused.value.response.headers) == (status == 401)
