"""An exchange of MCP, as a client opens it: by the handshake, or without one by protocol 2026-07-28."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.client import HTTPResponse
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

from ansible_collections.mcp.aws.plugins.module_utils.gate_http import MOST_BYTES, Answer, Failure, Slot, whole

HANDSHAKE, STATELESS = "2025-11-25", "2026-07-28"
CLIENT = {"name": "mcp.aws.mcp_gate", "version": "1"}
META = "io.modelcontextprotocol/"
MOST_PAGES = 100
# What a server that knows no handshake may answer to one, beside an error of JSON-RPC.
PERHAPS_STATELESS = (400, 404, 405, 406)

Message = dict[str, Any]


class Transport(Protocol):
    """What carries messages: HTTP or a WebSocket."""

    def request(self, message: Message, headers: Mapping[str, str]) -> Message:
        """Return the result of a request."""

    def notify(self, message: Message, headers: Mapping[str, str]) -> None:
        """Send what wants no answer."""


class Dialogue:
    """What is asked of a server, in the protocol that it speaks."""

    def __init__(self, transport: Transport) -> None:
        self.protocol = ""
        self.tools: dict[str, Message] = {}
        self._transport, self._number = transport, 0

    def open(self) -> None:
        """Find the protocol out."""
        try:
            hello = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": CLIENT}
            self.protocol = str(self._ask("initialize", hello).get("protocolVersion") or "")
            if not self.protocol:
                raise Failure("initialize: the answer names no protocolVersion")
        except Failure as first:
            if not first.rpc and first.status not in PERHAPS_STATELESS:
                raise
            self._discover(first)
        else:
            self._transport.notify({"jsonrpc": "2.0", "method": "notifications/initialized"}, self._headers("", {}))

    def _discover(self, first: Failure) -> None:
        self.protocol = STATELESS
        try:
            versions = self._ask("server/discover", {}).get("supportedVersions")
        except Failure as second:
            if not second.rpc:
                raise first from None
            words = f"{first}; without a handshake, at {STATELESS}: {second}"
            raise Failure(words, first.answer, first.status) from second
        if not isinstance(versions, list) or STATELESS not in versions:
            raise Failure(f"{first}; server/discover offers {versions}, not {STATELESS}", first.answer, first.status)

    def list_tools(self) -> list[str]:
        """Return the names of all tools, page by page."""
        found: dict[str, Message] = {}
        cursor: str | None = None
        seen: set[str] = set()
        for _page in range(MOST_PAGES):
            result = self._ask("tools/list", {"cursor": cursor} if cursor else {})
            try:
                found.update((str(tool["name"]), tool) for tool in result["tools"])
            except (KeyError, TypeError) as error:
                raise Failure("tools/list: the answer is no list of tools", json.dumps(result)) from error
            cursor = result.get("nextCursor")
            if not cursor:
                self.tools = found
                return sorted(found)
            if cursor in seen:
                break
            seen.add(cursor)
        raise Failure(f"tools/list: there is no last page, the cursor `{cursor}` leads on and on")

    def call(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """Call a tool that was listed; return what it said."""
        result = self._ask("tools/call", {"name": tool, "arguments": dict(arguments)})
        content = result.get("content")
        blocks = content if isinstance(content, list) else []
        said = " ".join(str(block.get("text", "")) for block in blocks if isinstance(block, dict)).strip()
        if result.get("isError"):
            raise Failure(f"{tool} failed: {said or 'it says no more'}", json.dumps(result))
        if result.get("resultType") == "input_required":
            raise Failure(f"{tool} asks its user for more, so it cannot be called here", json.dumps(result))
        return said

    def _ask(self, method: str, params: Message) -> Message:
        self._number += 1
        if self.protocol == STATELESS:
            meta = {"protocolVersion": STATELESS, "clientInfo": CLIENT, "clientCapabilities": {}}
            params = {**params, "_meta": {META + name: value for name, value in meta.items()}}
        message = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        return self._transport.request(message, self._headers(method, params))

    def _headers(self, method: str, params: Message) -> dict[str, str]:
        headers = {"MCP-Protocol-Version": self.protocol} if self.protocol else {}
        if self.protocol == STATELESS:
            headers["Mcp-Method"] = method
            if method == "tools/call":
                schema = self.tools.get(params["name"], {}).get("inputSchema", {})
                headers["Mcp-Name"] = header_value(params["name"])
                headers.update(mirrored(schema, params["arguments"]))
        return headers


class Http:
    """MCP over Streamable HTTP: answers as JSON or as an event stream, with or without a session."""

    def __init__(self, slot: Slot, path: str) -> None:
        self._slot, self._path, self._session = slot, path, ""

    def request(self, message: Message, headers: Mapping[str, str]) -> Message:
        """Return the result of a request; follow a redirect as clients do, on the same host alone."""
        method, number = str(message["method"]), int(message["id"])
        for _hop in range(3):
            answer = self._post(message, headers, number)
            if answer.status not in (307, 308):
                break
            self._path = self._same_host(answer)
        self._session = answer.headers.get("mcp-session-id", self._session)
        found = reply(answer.text, number)
        if not 200 <= answer.status < 300:
            rpc = found is not None and "error" in found
            told = f": {_told(found)}" if found and rpc else ""
            where = f", which sends it to {answer.headers['location']}" if "location" in answer.headers else ""
            words = f"{method} was answered with {answer.line}{told}{where}"
            raise Failure(words, answer.text, answer.status, rpc=rpc)
        if found is None:
            kind = answer.headers.get("content-type", "no content type")
            words = f"{method}: no answer of MCP is in what came ({answer.line}, {kind})"
            raise Failure(words, answer.text)
        return result(method, found)

    def notify(self, message: Message, headers: Mapping[str, str]) -> None:
        """Send what wants no answer."""
        self._post(message, headers, 0)

    def close(self) -> None:
        """Leave no session behind; a server need not know how."""
        if self._session:
            with suppress(Failure):
                self._slot.ask("DELETE", self._path, {"Mcp-Session-Id": self._session})

    def _post(self, message: Message, headers: Mapping[str, str], number: int) -> Answer:
        always = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        session = {"Mcp-Session-Id": self._session} if self._session else {}
        body = json.dumps(message).encode()
        read = lambda response: until(response, number)  # noqa: E731 (a partial would need the same words)
        try:
            return self._slot.ask("POST", self._path, {**always, **headers, **session}, body, read)
        except Failure as failure:
            raise Failure(f"{message['method']}: {failure}", failure.answer, failure.status, failure.late) from failure

    def _same_host(self, answer: Answer) -> str:
        location = answer.headers.get("location", "")
        try:
            place = urlsplit(urljoin(self._slot.url + self._path, location))
        except ValueError as error:
            words = f"{self._path} was answered with {answer.line} to `{location}`, which is no address"
            raise Failure(words, answer.text, answer.status) from error
        if place.scheme != "http" or place.netloc not in (self._slot.netloc, self._slot.host):
            words = f"{self._path} was answered with {answer.line} to {place.geturl()}, where no client follows"
            raise Failure(words, answer.text, answer.status)
        return place.path + (f"?{place.query}" if place.query else "")


def until(response: HTTPResponse, number: int) -> str:
    """Read a body; of an event stream no more than up to the answer, as the server may keep it open."""
    if not response.getheader("Content-Type", "").startswith("text/event-stream"):
        return whole(response)
    read = bytearray()
    event = 0
    while len(read) < MOST_BYTES and (line := response.readline(MOST_BYTES)):
        read += line
        if not line.strip():
            if reply(read[event:].decode(errors="replace"), number) is not None:
                break
            event = len(read)
    return read.decode(errors="replace")


def reply(text: str, number: int) -> Message | None:
    """Return the answer to request `number` out of a body: JSON, a batch of it, or events."""
    for message in _messages(text):
        if not isinstance(message, dict):
            continue
        if message.get("id") == number and ("result" in message or "error" in message):
            return message
        # A request that could not be read has no number, and its answer none either.
        if message.get("id") is None and "error" in message and "jsonrpc" in message:
            return message
    return None


def _messages(text: str) -> Iterator[Any]:
    with suppress(ValueError, RecursionError):
        whole_text = json.loads(text)
        yield from whole_text if isinstance(whole_text, list) else [whole_text]
        return
    for event in text.replace("\r\n", "\n").split("\n\n"):
        lines = [line[5:].removeprefix(" ") for line in event.split("\n") if line.startswith("data:")]
        with suppress(ValueError, RecursionError):
            yield json.loads("\n".join(lines))


def result(method: str, message: Message) -> Message:
    """Return what an answer of JSON-RPC holds; an error becomes a `Failure`."""
    if "error" in message:
        raise Failure(f"{method} was answered with the error {_told(message)}", json.dumps(message), rpc=True)
    if not isinstance(message["result"], dict):
        raise Failure(f"{method}: the result is no object", json.dumps(message))
    return dict(message["result"])


def _told(message: Message) -> str:
    error = message["error"]
    return f"{error.get('message')} ({error.get('code')})" if isinstance(error, dict) else str(error)


def header_value(text: str) -> str:
    """Write a text as a header of protocol 2026-07-28: what a header cannot carry goes as base64."""
    plain = all(" " <= letter <= "~" for letter in text) and text == text.strip() and not text.startswith("=?base64?")
    return text if plain else f"=?base64?{base64.b64encode(text.encode()).decode()}?="


def mirrored(schema: Any, arguments: Any) -> dict[str, str]:
    """Return the headers that repeat arguments, where the schema of the tool asks for them."""
    headers: dict[str, str] = {}
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or not isinstance(arguments, Mapping):
        return headers
    for name, inner in properties.items():
        value = arguments.get(name)
        if value is None or not isinstance(inner, dict):
            continue
        headers.update(mirrored(inner, value))
        if isinstance(inner.get("x-mcp-header"), str) and isinstance(value, str | int | float):
            text = str(value).lower() if isinstance(value, bool) else str(value)
            headers[f"Mcp-Param-{inner['x-mcp-header']}"] = header_value(text)
    return headers
