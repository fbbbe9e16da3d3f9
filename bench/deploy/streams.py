"""Streams that stay open: one that listens to changes of the memory, and a WebSocket that is used every second."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import websockets
from ansible_collections.mcp.aws.plugins.module_utils.mcp.client import HANDSHAKE

KINDS = ("event stream", "WebSocket")
# The load writes twice a second, and every write is an event: a stream that is silent for so long does not live.
SILENCE = 10
PROTOCOL = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": PROTOCOL,
    "io.modelcontextprotocol/clientInfo": HANDSHAKE["clientInfo"],
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Ended(Exception):
    """How a stream ended; the message says all."""


def follow(kind: str, url: str, headers: dict[str, str]) -> AsyncIterator[None]:
    """Open a stream; yield when it is open, and for all that comes. It ends in order, or raises."""
    return events(url, headers) if kind == "event stream" else websocket(url, headers)


async def events(url: str, headers: dict[str, str]) -> AsyncIterator[None]:
    """Listen to the list of memories, as MCP's clients do since 2026-07-28."""
    wanted = {"notifications": {"resourcesListChanged": True}, "_meta": META}
    message = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": wanted}
    mine = headers | {"MCP-Protocol-Version": PROTOCOL, "Mcp-Method": "subscriptions/listen"}
    async with (
        httpx.AsyncClient(headers=mine, timeout=SILENCE) as http,
        http.stream("POST", f"{url}/mcp", json=message) as answer,
    ):
        if answer.is_error:
            await answer.aread()
            raise Ended(f"HTTP {answer.status_code}: {answer.text[:200]}")
        async for line in answer.aiter_lines():
            if not line.startswith("data:"):
                continue
            said: dict[str, Any] = json.loads(line[5:])
            if "error" in said:
                raise Ended(str(said["error"])[:200])
            if "method" in said:
                yield


async def websocket(url: str, headers: dict[str, str]) -> AsyncIterator[None]:
    """Call over a WebSocket every second."""
    bearer = {"Authorization": headers["Authorization"]}
    async with websockets.connect(
        f"{url.replace('http', 'ws', 1)}/ws",
        subprotocols=[websockets.Subprotocol("mcp")],
        additional_headers=bearer,
    ) as socket:

        async def call(number: int, method: str, params: dict[str, Any]) -> None:
            await socket.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
            async with asyncio.timeout(SILENCE):
                while (answer := json.loads(await socket.recv())).get("id") != number:
                    pass
            if "result" not in answer:
                raise Ended(str(answer)[:200])

        try:
            await call(0, "initialize", HANDSHAKE)
            await socket.send(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            for number in itertools.count(1):
                yield
                await asyncio.sleep(1)
                await call(number, "ping", {})
        except websockets.ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else None
            raise Ended(f"closed with {code}" if code else "broken off without a closing frame") from closed
