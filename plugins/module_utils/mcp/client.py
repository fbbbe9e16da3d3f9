"""Probes of an MCP server through its door: plain HTTP, MCP over Streamable HTTP, MCP over WebSocket.

Each probe is a method that returns what it measured; `run` turns whatever goes wrong into `{"error": ...}`.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ansible_collections.mcp.aws.plugins.module_utils.mcp import load as burst

try:
    import httpx2
    import websockets

    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    MISSING = ""
except ImportError as error:
    MISSING = error.name or str(error)

HANDSHAKE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "mcp.aws.mcp_probe", "version": "1"},
}
GATEWAY = frozenset({502, 503, 504})  # what a proxy says of a server that is not there
WRITTEN = frozenset({"write", "read", "delete"})  # probes of what this run wrote
# What the server has to be said to have, for a probe to have a question; the role health takes each from stack_.
SAID = {
    "health": ("health_path",),
    "ready": ("ready_path",),
    "unauthorized": ("mcp_path", "token"),
    "mcp": ("mcp_path",),
    "websocket": ("websocket_path",),
}


class ProbeError(Exception):
    """What a probe found; the message says all."""


class Probes:
    """The probes of one door.

    :param params: options of the module `mcp_probe`.
    :param check_mode: write nothing.
    """

    def __init__(self, params: Mapping[str, Any], check_mode: bool = False) -> None:
        self.params = params
        self.check_mode = check_mode
        self.url = params["url"].rstrip("/")
        self.timeout = float(params["timeout"])
        self.authorization = {"Authorization": f"Bearer {params['token']}"} if params["token"] else {}

    async def run(self, names: Iterable[str]) -> dict[str, Any]:
        """Probe one after another; none keeps the next from running."""
        measured: dict[str, Any] = {}
        for name in names:
            if self.check_mode and name in WRITTEN:
                measured[name] = {"skipped": "check mode writes nothing"}
                continue
            if unsaid := [option for option in SAID.get(name, ()) if not self.params.get(option)]:
                measured[name] = {"skipped": f"not measured: the server is said to have none (stack_{unsaid[0]})"}
                continue
            start = time.monotonic()
            try:
                async with asyncio.timeout(self._patience(name)):
                    measured[name] = await getattr(self, name)()
            except Exception as error:  # whatever a broken server does is a measurement
                after = time.monotonic() - start
                measured[name] = {"error": f"{explain(error)} (after {after:.1f} s)"}
        return measured

    def _patience(self, name: str) -> float:
        """Seconds that a probe may take; a burst as long as all its requests in a row of workers."""
        rounds = self.params["requests"] / max(1, self.params["concurrency"]) if name == "burst" else 1
        return self.timeout * min(max(rounds, 1), 6)

    async def tcp(self) -> dict[str, Any]:
        """Connect to ports at the public address."""
        address = self.params["address"]
        if not address:
            raise ProbeError("no public address is known")
        opened: dict[str, float | str] = {}
        for port in self.params["ports"]:
            start = time.monotonic()
            try:
                _reader, writer = await asyncio.open_connection(address, port)
                writer.close()
                opened[str(port)] = time.monotonic() - start
            except OSError as error:
                opened[str(port)] = error.strerror or str(error)
        return {"address": address, "ports": opened}

    async def health(self) -> dict[str, Any]:
        return await self._get(self.params["health_path"])

    async def ready(self) -> dict[str, Any]:
        return await self._get(self.params["ready_path"])

    async def answers(self) -> dict[str, Any]:
        """Ask whatever shows that the server is there: a page, else the MCP path, where any status does."""
        page = self.params["ready_path"] or self.params["health_path"]
        if page:
            return await self._get(page)
        answer = await self._get(self.params["mcp_path"] or "/", {"Accept": "application/json"})
        return answer | {"any": answer["status"] not in GATEWAY}

    async def unauthorized(self) -> dict[str, Any]:
        """Ask the MCP endpoint without a token."""
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        accept = {"Accept": "application/json, text/event-stream"}
        async with self._http() as http:
            answer = await http.post(self.url + self.params["mcp_path"], json=message, headers=accept)
        return {"status": answer.status_code}

    async def trace(self) -> dict[str, Any]:
        """Ask for a page that does not exist and bears the key in its name, so that the log must mention it."""
        return await self._get(f"/{self.params['key']}")

    async def mcp(self) -> dict[str, Any]:
        """Open an MCP session with the official client and list the tools."""
        start = time.monotonic()
        async with self._session() as client:
            tools = (await client.list_tools()).tools
            server = client.server_info
            return {
                "protocol": client.protocol_version,
                "server": f"{server.name} {server.version}" if server else "unnamed",
                "tools": sorted(tool.name for tool in tools),
                "seconds": time.monotonic() - start,
            }

    async def websocket(self) -> dict[str, Any]:
        """Shake hands over WebSocket, and exchange MCP messages where the server takes that subprotocol."""
        scheme, netloc, *_rest = urlsplit(self.url)
        url = urlunsplit((scheme.replace("http", "ws", 1), netloc, self.params["websocket_path"], "", ""))
        wanted = websockets.Subprotocol(self.params["websocket_subprotocol"] or "mcp")
        start = time.monotonic()
        async with websockets.connect(url, subprotocols=[wanted], additional_headers=self.authorization) as socket:
            if socket.subprotocol != "mcp":
                return {"subprotocol": socket.subprotocol, "seconds": time.monotonic() - start}

            async def ask(number: int, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
                await socket.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
                while True:
                    answer = json.loads(await socket.recv())
                    if answer.get("id") == number:
                        if "error" in answer:
                            raise ProbeError(f"{method}: {answer['error'].get('message')}")
                        return dict(answer["result"])

            hello = await ask(1, "initialize", HANDSHAKE)
            await socket.send(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            tools = (await ask(2, "tools/list", {}))["tools"]
            return {
                "subprotocol": socket.subprotocol,
                "protocol": hello["protocolVersion"],
                "tools": sorted(tool["name"] for tool in tools),
                "seconds": time.monotonic() - start,
            }

    async def call(self) -> dict[str, Any]:
        return await self._tool("call")

    async def write(self) -> dict[str, Any]:
        return await self._tool("write")

    async def read(self) -> dict[str, Any]:
        """Read twice what was written: the first answer may come from the database, the second from the cache."""
        first, second = await self._tool("read"), await self._tool("read")
        if "skipped" in first:
            return first
        field = self.params["cached_field"]
        return {
            "matches": all(self.params["value"] in answer["text"] for answer in (first, second)),
            "cached": [answer["structured"].get(field) for answer in (first, second)] if field else None,
            "seconds": second["seconds"],
        }

    async def delete(self) -> dict[str, Any]:
        return await self._tool("delete")

    async def burst(self) -> dict[str, Any]:
        """Send many requests at a time, in turn to the page and to MCP, of what the server has."""
        purpose = "read" if self.params["read_tool"] else "call"
        tool = "" if self.check_mode else self.params[f"{purpose}_tool"]
        path = self.params["health_path"] or self.params["ready_path"]
        arguments = burst.fill(self.params[f"{purpose}_arguments"], self._words())
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(self._http())
            client: Any = await stack.enter_async_context(self._session()) if self.params["mcp_path"] else None

            async def page() -> None:
                (await http.get(self.url + path)).raise_for_status()

            async def call() -> None:
                if not tool:
                    await client.list_tools(cache_mode="bypass")
                elif (result := await client.call_tool(tool, arguments)).is_error:
                    raise ProbeError(f"{tool}: {_text(result)}")

            kinds = [page] * bool(path) + [call] * bool(client)
            if not kinds:
                return {"skipped": "not measured: the server is said to have no page and no MCP over HTTP"}
            samples = await burst.fire(kinds, self.params["requests"], self.params["concurrency"], explain)
        return burst.summarize(samples)

    def _words(self) -> dict[str, str]:
        return {"key": self.params["key"], "value": self.params["value"]}

    @asynccontextmanager
    async def _http(self, **options: Any) -> AsyncIterator[Any]:
        async with httpx2.AsyncClient(timeout=self.timeout, **options) as http:
            yield http

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Any]:
        url = self.url + self.params["mcp_path"]
        refusals: list[int] = []

        async def note(answer: Any) -> None:
            if answer.is_error:
                refusals.append(answer.status_code)

        try:
            async with (
                self._http(headers=self.authorization, event_hooks={"response": [note]}) as http,
                Client(streamable_http_client(url, http_client=http), cache=None) as client,
            ):
                refusals.clear()  # those of the negotiation, which went well
                yield client
        except Exception as error:
            if refusals:  # the SDK's error does not say which status the server refused with
                raise ProbeError(f"HTTP {refusals[-1]} from {self.params['mcp_path']}: {explain(error)}") from error
            raise

    async def _get(self, path: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        start = time.monotonic()
        async with self._http(headers=headers) as http:
            answer = await http.get(self.url + path)
        return {"status": answer.status_code, "body": answer.text[:500], "seconds": time.monotonic() - start}

    async def _tool(self, purpose: str) -> dict[str, Any]:
        tool = self.params[f"{purpose}_tool"]
        if not tool:
            variable = "stack_smoke_test_tool" if purpose == "call" else f"health_{purpose}_tool"
            return {"skipped": f"not measured: no tool of the server is named for it ({variable})"}
        start = time.monotonic()
        async with self._session() as client:
            result = await client.call_tool(tool, burst.fill(self.params[f"{purpose}_arguments"], self._words()))
        if result.is_error:
            raise ProbeError(f"{tool}: {_text(result)}")
        structured = result.structured_content or {}
        return {"tool": tool, "text": _text(result), "structured": structured, "seconds": time.monotonic() - start}


def _text(result: Any) -> str:
    return " ".join(getattr(block, "text", "") for block in result.content)


def explain(error: BaseException) -> str:
    """Say in a few words what went wrong, out of the innermost exception."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ProbeError):
        return str(error)
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status:
        return f"HTTP {status}"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
