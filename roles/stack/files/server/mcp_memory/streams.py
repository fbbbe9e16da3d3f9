"""MCP over HTTP, stateless, in every version: answered as JSON, or as an event stream where there is more to tell."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.server.streamable_http import check_accept_headers
from mcp.server.streamable_http_manager import RequestBodyLimitMiddleware, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from sse_starlette.sse import AppStatus
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from .limits import BODY_BYTES

CLIENT_LEFT = 499
"""For the log alone: there is nobody to read it."""


def wants_progress(body: bytes) -> bool:
    """Whether a request asks to be told about its progress."""
    # Most bodies do not have the word, and need not be read twice.
    if b'"progressToken"' not in body:
        return False
    try:
        return json.loads(body)["params"]["_meta"]["progressToken"] is not None
    except (ValueError, TypeError, KeyError, RecursionError):
        return False


def streams(request: Request, body: bytes) -> bool:
    """Whether the answer may be an event stream.

    Up to 2025-11-25 a stream starts at once, so only a request that asks for progress gets one. Later versions
    start it with the first notification, and until then the answer becomes JSON by itself.
    """
    if not all(check_accept_headers(request)):
        return False
    version = request.headers.get(MCP_PROTOCOL_VERSION_HEADER)
    handshake = version is None or version in HANDSHAKE_PROTOCOL_VERSIONS
    return wants_progress(body) if handshake else True


class McpOverHttp:
    """An ASGI application for POST requests. A client that leaves cancels what it asked for."""

    def __init__(self, server: Server[Any]) -> None:
        # On its own, sse-starlette would cut streams half a second after uvicorn begins to shut down.
        AppStatus.disable_automatic_graceful_drain()
        self._json = _manager(server, json_response=True)
        self._events = _manager(server, json_response=False)
        self._limited = RequestBodyLimitMiddleware(self._answer, BODY_BYTES)

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Serve until the block ends."""
        async with self._json.run(), self._events.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._limited(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The limit hands over the body in one piece, unless the client left before its end.
        whole = await receive()
        if whole["type"] != "http.request" or whole.get("more_body"):
            await Response(status_code=CLIENT_LEFT)(scope, receive, send)
        elif streams(Request(scope), whole["body"]):
            # The SDK itself sees when the reader of a stream leaves.
            await self._events.asgi_app(scope, _again(whole, receive), send)
        else:
            await self._answer_json(scope, whole, receive, send)

    async def _answer_json(self, scope: Scope, whole: Message, receive: Receive, send: Send) -> None:
        answering = False

        async def note(message: Message) -> None:
            nonlocal answering
            answering = True
            await send(message)

        async with anyio.create_task_group() as tasks:

            async def wait_for_leaving() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                # Also said when the answer is through, and then there is nothing left to cancel.
                if not answering:
                    tasks.cancel_scope.cancel()

            tasks.start_soon(wait_for_leaving)
            await self._json.asgi_app(scope, _again(whole, _never), note)
            tasks.cancel_scope.cancel()
        if not answering:
            await Response(status_code=CLIENT_LEFT)(scope, receive, send)


def _manager(server: Server[Any], json_response: bool) -> StreamableHTTPSessionManager:
    return StreamableHTTPSessionManager(
        app=server,
        json_response=json_response,
        stateless=True,
        max_request_body_size=BODY_BYTES,
        # The door looks at hosts, for both transports.
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )


def _again(whole: Message, then: Receive) -> Receive:
    messages = iter([whole])

    async def receive() -> Message:
        return next(messages, None) or await then()

    return receive


async def _never() -> Message:
    await anyio.sleep_forever()
    raise AssertionError
