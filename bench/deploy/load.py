"""The constant load: requests at a fixed rate, and beside them streams that stay open; in a thread of its own."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import threading
import time
from typing import Any

import httpx
from ansible_collections.mcp.aws.plugins.module_utils.mcp.client import HANDSHAKE, explain

from bench.deploy.measured import Request, Stream
from bench.deploy.streams import KINDS, follow

PATIENCE = 15
# Eleven clients, of which the last four connect anew for each request. No factor in common with ten, so each asks all.
LIMITS = [httpx.Limits()] * 7 + [httpx.Limits(max_keepalive_connections=0)] * 4
# Every other request is the one whose answer names the version, so that a switch is seen to a tenth of a second.
STEPS = ("remember", "search", "recall", "search", "recall")
TOOLS: dict[str, dict[str, Any]] = {
    "remember": {"key": "bench-deploy", "content": "The quick brown fox is deployed.", "tags": ["bench"]},
    "recall": {"key": "bench-deploy"},
    "search": {"query": "quick fox", "limit": 5},
}


class Refused(Exception):
    """The server answered, but not with what was asked for."""


def messages() -> list[tuple[str, dict[str, Any]]]:
    """Return what the clients ask in turns."""
    hello = ("initialize", {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HANDSHAKE})
    asked = []
    for tool in STEPS:
        params = {"name": tool, "arguments": TOOLS[tool]}
        asked += [hello, (tool, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})]
    return asked


class Load:
    """Clients of one door, from `start` to `stop`, and what they met.

    :param rate: requests a second. They begin at their time, whether or not those before are answered.
    :param streams: how many of each kind of stream stay open.
    """

    def __init__(self, url: str, token: str, rate: float, streams: int = 0) -> None:
        self.url, self.rate, self.streams = url.rstrip("/"), rate, streams
        self.headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
        self.requests: list[Request] = []
        self.ended: list[Stream] = []
        self.opened = 0
        self.open: set[str] = set()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def start(self) -> None:
        """Begin."""
        self.thread.start()

    def stop(self) -> None:
        """End; the streams that are still open then did not end by themselves."""
        self.stopping.set()
        self.thread.join()

    def work(self) -> None:
        """Run the clients; they get the processor before what is measured, so that they do not measure each other."""
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -10)
        asyncio.run(self.run())

    async def run(self) -> None:
        """Send requests until the end, and keep the streams open."""
        async with contextlib.AsyncExitStack() as stack:
            made = [httpx.AsyncClient(headers=self.headers, timeout=PATIENCE, limits=each) for each in LIMITS]
            clients = [await stack.enter_async_context(client) for client in made]
            names = [(kind, f"{kind} {number}") for kind in KINDS for number in range(self.streams)]
            open_ones = [asyncio.create_task(self.stay(kind, name)) for kind, name in names]
            await self.send(clients)
            for task in open_ones:
                task.cancel()
            await asyncio.gather(*open_ones, return_exceptions=True)

    async def send(self, clients: list[httpx.AsyncClient]) -> None:
        """Send one request after another at the rate."""
        began, under_way = time.perf_counter(), set[asyncio.Task[None]]()
        asked = messages()
        for number in itertools.count():
            await asyncio.sleep(max(0.0, began + number / self.rate - time.perf_counter()))
            if self.stopping.is_set():
                break
            task = asyncio.create_task(self.ask(clients[number % len(clients)], *asked[number % len(asked)]))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)

    async def ask(self, client: httpx.AsyncClient, kind: str, message: dict[str, Any]) -> None:
        """Send one request and keep what came of it."""
        began, version, problem = time.perf_counter(), "", ""
        try:
            async with asyncio.timeout(PATIENCE):
                version = await self.answer(client, kind, message)
        except Exception as error:  # whatever a server does while it is replaced is a measurement
            problem = explain(error)
        self.requests.append(Request(began, time.perf_counter(), kind, version, problem))

    async def answer(self, client: httpx.AsyncClient, kind: str, message: dict[str, Any]) -> str:
        """Return the version that an answer names, if it does."""
        answer = await client.post(f"{self.url}/mcp", json=message)
        answer.raise_for_status()
        said = answer.json()
        if "result" not in said or said["result"].get("isError"):
            raise Refused(str(said)[:200])
        return str(said["result"]["serverInfo"]["version"]) if kind == "initialize" else ""

    async def stay(self, kind: str, name: str) -> None:
        """Keep a stream open: one that ends is opened again, as a client does."""
        while True:
            began, opened, how = time.perf_counter(), 0.0, ""
            try:
                async for _ in follow(kind, self.url, self.headers):
                    if not opened:
                        opened = time.perf_counter()
                        self.opened += 1
                        self.open.add(name)
                        self.requests.append(Request(began, opened, f"open {kind}"))
            except asyncio.CancelledError:
                raise
            except Exception as error:  # the same
                how = explain(error)
            ended = time.perf_counter()
            self.open.discard(name)
            if opened:
                self.ended.append(Stream(kind, opened, ended, how or "ended in order"))
            else:
                self.requests.append(Request(began, ended, f"open {kind}", problem=how or "ended before it began"))
            await asyncio.sleep(0.2)

    def settle(self, seconds: float) -> bool:
        """Wait until all streams are open; say whether they are."""
        deadline = time.monotonic() + seconds
        while len(self.open) < len(KINDS) * self.streams and time.monotonic() < deadline:
            time.sleep(0.1)
        return len(self.open) == len(KINDS) * self.streams
