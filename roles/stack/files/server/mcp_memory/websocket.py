"""MCP over WebSocket: each text frame is one JSON-RPC message, subprotocol `mcp`."""

import asyncio
import contextlib
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectSendStream
from mcp.server.lowlevel import Server
from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from .limits import PENDING_PER_WEBSOCKET
from .stop import Stop

SUBPROTOCOL = "mcp"
UNSUPPORTED_DATA = 1003
SERVICE_RESTART = 1012

TOO_MANY = -32000
"""Among the codes that JSON-RPC leaves to servers."""


def decode(text: str) -> JSONRPCMessage | JSONRPCError:
    """Read one frame; what is no message becomes the error to send back."""
    try:
        return jsonrpc_message_adapter.validate_json(text, by_name=False)
    except ValidationError as error:
        no_json = any(detail["type"] == "json_invalid" for detail in error.errors())
        code, problem = (PARSE_ERROR, "is not JSON") if no_json else (INVALID_REQUEST, "is no JSON-RPC 2.0 message")
        return _error(None, code, f"The frame {problem}")


def encode(message: JSONRPCMessage) -> str:
    """Write one frame."""
    return message.model_dump_json(by_alias=True, exclude_unset=True)


class Pending:
    """The requests of one connection that wait for their answers."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._none = asyncio.Event()
        self._none.set()

    def admit(self, message: JSONRPCMessage) -> JSONRPCError | None:
        """Count what comes in; the error to send back when it must not be served."""
        if isinstance(message, JSONRPCRequest):
            if str(message.id) in self._ids:
                # Without the id: with it, this would pass for the answer that is still to come.
                said = f"A request with the id {str(message.id)[:64]} waits for its answer already"
                return _error(None, INVALID_REQUEST, said)
            if len(self._ids) >= PENDING_PER_WEBSOCKET:
                said = f"{PENDING_PER_WEBSOCKET} requests wait for their answers; send more when some have come"
                return _error(message.id, TOO_MANY, said)
            self._ids.add(str(message.id))
            self._none.clear()
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            # What was cancelled gets no answer.
            self._settle((message.params or {}).get("requestId"))
        return None

    def answered(self, message: JSONRPCMessage) -> None:
        """Count what goes out."""
        if isinstance(message, JSONRPCResponse | JSONRPCError):
            self._settle(message.id)

    async def none(self) -> None:
        """Wait until all are answered."""
        await self._none.wait()

    def _settle(self, identifier: object) -> None:
        self._ids.discard(str(identifier))
        if not self._ids:
            self._none.set()


def _error(identifier: str | int | None, code: int, message: str) -> JSONRPCError:
    return JSONRPCError(jsonrpc="2.0", id=identifier, error=ErrorData(code=code, message=message))


class McpOverWebSocket:
    """Serves WebSockets, up to `most` at a time."""

    def __init__(self, server: Server[Any], most: int, stop: Stop) -> None:
        self._server = server
        self._most = most
        self._stop = stop
        self.open = 0

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection until the client leaves or the process stops."""
        if SUBPROTOCOL not in websocket.scope["subprotocols"]:
            await _refuse(websocket, 400, "bad_request", f"Ask for the WebSocket subprotocol «{SUBPROTOCOL}».")
        elif self._stop.draining.is_set() or self.open >= self._most:
            await _refuse(websocket, 503, "unavailable", "Too many WebSockets are open. Try again later.")
        else:
            self.open += 1
            try:
                await websocket.accept(subprotocol=SUBPROTOCOL)
                await Connection(websocket, self._stop).run(self._server)
            finally:
                self.open -= 1


class Connection:
    """One WebSocket, from its acceptance to its end."""

    def __init__(self, websocket: WebSocket, stop: Stop) -> None:
        self._websocket = websocket
        self._stop = stop
        self._pending = Pending()
        self._to_server, self._from_client = anyio.create_memory_object_stream[SessionMessage | Exception]()
        self._to_client, self._from_server = anyio.create_memory_object_stream[SessionMessage]()

    async def run(self, server: Server[Any]) -> None:
        """Serve until one side ends it."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._receive, self._to_client.clone())
            tasks.start_soon(self._send)
            tasks.start_soon(self._leave, tasks.cancel_scope)
            await server.run(self._from_client, self._to_client, server.create_initialization_options())
            tasks.cancel_scope.cancel()

    async def _receive(self, to_client: MemoryObjectSendStream[SessionMessage]) -> None:
        async with self._to_server, to_client:
            while True:
                frame = await self._websocket.receive()
                if frame["type"] == "websocket.disconnect":
                    return
                if frame.get("text") is None:
                    await self._websocket.close(UNSUPPORTED_DATA, "Send text frames")
                    return
                message = decode(frame["text"])
                if self._stop.draining.is_set() and isinstance(message, JSONRPCRequest):
                    # Not begun, so the client can safely ask another process.
                    continue
                malformed = isinstance(message, JSONRPCError) and message.id is None
                refusal = message if malformed else self._pending.admit(message)
                if refusal is not None:
                    await to_client.send(SessionMessage(refusal))
                else:
                    await self._to_server.send(SessionMessage(message))

    async def _send(self) -> None:
        async with self._from_server:
            async for message in self._from_server:
                try:
                    await self._websocket.send_text(encode(message.message))
                except (WebSocketDisconnect, RuntimeError):
                    # The client left while its answer was under way.
                    return
                self._pending.answered(message.message)

    async def _leave(self, scope: anyio.CancelScope) -> None:
        await self._stop.draining.wait()
        await self._pending.none()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.close(SERVICE_RESTART, "The server stops")
        scope.cancel()


async def _refuse(websocket: WebSocket, status: int, error: str, message: str) -> None:
    headers = {"Retry-After": "5"} if status == 503 else None
    body = JSONResponse({"error": error, "message": message}, status_code=status, headers=headers)
    await websocket.send_denial_response(body)
