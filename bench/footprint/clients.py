"""Busy clients of a server: MCP calls over HTTP, calls that take an event stream as the answer, and WebSockets."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import websockets
from ansible_collections.mcp.aws.plugins.module_utils.mcp.client import HANDSHAKE, explain
from ansible_collections.mcp.aws.plugins.module_utils.mcp.load import Sample

TEXT = "The quick brown fox keeps what a lazy dog forgets. " * 80
PATIENCE = 30
Call = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Refused(Exception):
    """The server answered, but not with what was asked for."""


def calls(client: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the tools that a client uses, over and over: it writes, reads, searches, lists, and at last deletes."""
    for number in itertools.count():
        key = f"footprint-{client}-{number % 5}"
        yield "remember", {"key": key, "content": f"{TEXT} {client} {number}", "tags": ["footprint"]}
        yield "recall", {"key": key}
        yield "search", {"query": "lazy fox", "limit": 5}
        yield "list_memories", {"tag": "footprint", "limit": 20}
        if number % 5 == 4:
            yield "forget", {"key": key}


class Load:
    """Clients of one server, and what they met."""

    def __init__(self, url: str, token: str, pause: float) -> None:
        self.url, self.token, self.pause = url, token, pause
        self.samples: list[Sample] = []
        self.kinds: Counter[str] = Counter()
        self.streams = 0
        self.headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}

    @asynccontextmanager
    async def http(self) -> AsyncIterator[Call]:
        """Call with one request each, over one connection."""
        async with httpx.AsyncClient(headers=self.headers, timeout=PATIENCE) as http:

            async def call(message: dict[str, Any]) -> dict[str, Any]:
                answer = await http.post(f"{self.url}/mcp", json=message)
                answer.raise_for_status()
                return dict(answer.json())

            yield call

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[Call]:
        """Call as a client that reads the answer piece by piece; the server says whether it is a stream of events."""
        async with httpx.AsyncClient(headers=self.headers, timeout=PATIENCE) as http:

            async def call(message: dict[str, Any]) -> dict[str, Any]:
                async with http.stream("POST", f"{self.url}/mcp", json=message) as answer:
                    answer.raise_for_status()
                    events = answer.headers["Content-Type"].startswith("text/event-stream")
                    self.streams += events
                    lines = [line async for line in answer.aiter_lines()]
                data = [line[5:] for line in lines if line.startswith("data:")] if events else lines
                return dict(json.loads("".join(data)))

            yield call

    @asynccontextmanager
    async def websocket(self) -> AsyncIterator[Call]:
        """Call over one WebSocket that stays open."""
        url = f"{self.url.replace('http', 'ws', 1)}/ws"
        bearer = {"Authorization": self.headers["Authorization"]}
        async with websockets.connect(
            url, subprotocols=[websockets.Subprotocol("mcp")], additional_headers=bearer
        ) as socket:

            async def call(message: dict[str, Any]) -> dict[str, Any]:
                await socket.send(json.dumps(message))
                while (answer := json.loads(await socket.recv())).get("id") != message["id"]:
                    pass
                return dict(answer)

            await call({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": HANDSHAKE})
            await socket.send(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            yield call

    async def client(self, number: int, began: float, seconds: float) -> None:
        """Use the server until the time is over; a connection that breaks counts as a failure and is made anew."""
        name = ("http", "stream", "websocket")[number % 3]
        todo = enumerate(calls(number), 1)
        while time.perf_counter() - began < seconds:
            start = time.perf_counter()
            try:
                async with asyncio.timeout(seconds + PATIENCE), getattr(self, name)() as call:
                    while time.perf_counter() - began < seconds:
                        identifier, (tool, arguments) = next(todo)
                        params = {"name": tool, "arguments": arguments}
                        message = {"jsonrpc": "2.0", "id": identifier, "method": "tools/call", "params": params}
                        start = time.perf_counter()
                        await self.ask(call, message)
                        self.note(name, began, start)
                        await asyncio.sleep(self.pause)
            except Exception as error:  # whatever a busy server does is a measurement
                self.note(name, began, start, explain(error))
                await asyncio.sleep(0.2)

    @staticmethod
    async def ask(call: Call, message: dict[str, Any]) -> None:
        """Call a tool, and take nothing but its result."""
        async with asyncio.timeout(PATIENCE):
            answer = await call(message)
        if "result" not in answer or answer["result"].get("isError"):
            raise Refused(str(answer)[:200])

    def note(self, name: str, began: float, start: float, problem: str = "") -> None:
        """Keep what a call came to."""
        end = time.perf_counter()
        self.samples.append(Sample(end - began, end - start, problem))
        self.kinds[name] += 1

    async def run(self, clients: int, seconds: float) -> None:
        """Let all clients work."""
        began = time.perf_counter()
        await asyncio.gather(*(self.client(number, began, seconds) for number in range(clients)))

    async def tidy(self, clients: int) -> None:
        """Delete what the clients wrote."""
        async with self.http() as call:
            for client, number in itertools.product(range(clients), range(5)):
                params = {"name": "forget", "arguments": {"key": f"footprint-{client}-{number}"}}
                await call({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
