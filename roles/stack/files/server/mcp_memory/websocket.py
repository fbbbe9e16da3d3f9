"""MCP over WebSocket: each text frame is one JSON-RPC message, subprotocol `mcp`."""

from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.lowlevel import Server
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError, JSONRPCMessage, jsonrpc_message_adapter
from pydantic import ValidationError
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

SUBPROTOCOL = "mcp"
UNSUPPORTED_DATA = 1003


def decode(text: str) -> JSONRPCMessage | JSONRPCError:
    """Read one frame; what is no message becomes the error to send back."""
    try:
        return jsonrpc_message_adapter.validate_json(text, by_name=False)
    except ValidationError as error:
        no_json = any(detail["type"] == "json_invalid" for detail in error.errors())
        code, problem = (PARSE_ERROR, "is not JSON") if no_json else (INVALID_REQUEST, "is no JSON-RPC 2.0 message")
        return JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=code, message=f"The frame {problem}"))


def encode(message: JSONRPCMessage) -> str:
    """Write one frame."""
    return message.model_dump_json(by_alias=True, exclude_unset=True)


async def serve_websocket(websocket: WebSocket, server: Server[Any]) -> None:
    """Serve one connection until the client leaves."""
    if SUBPROTOCOL not in websocket.scope["subprotocols"]:
        refusal = {"error": "bad_request", "message": f"Ask for the WebSocket subprotocol «{SUBPROTOCOL}»."}
        await websocket.send_denial_response(JSONResponse(refusal, status_code=400))
        return
    await websocket.accept(subprotocol=SUBPROTOCOL)
    to_server, from_client = anyio.create_memory_object_stream[SessionMessage | Exception]()
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage]()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_receive, websocket, to_server, to_client.clone())
        tasks.start_soon(_send, websocket, from_server)
        await server.run(from_client, to_client, server.create_initialization_options())
        tasks.cancel_scope.cancel()


async def _receive(
    websocket: WebSocket,
    to_server: MemoryObjectSendStream[SessionMessage | Exception],
    to_client: MemoryObjectSendStream[SessionMessage],
) -> None:
    async with to_server, to_client:
        while True:
            frame = await websocket.receive()
            if frame["type"] == "websocket.disconnect":
                return
            if frame.get("text") is None:
                await websocket.close(UNSUPPORTED_DATA, "Send text frames")
                return
            message = decode(frame["text"])
            if isinstance(message, JSONRPCError) and message.id is None:
                await to_client.send(SessionMessage(message))
            else:
                await to_server.send(SessionMessage(message))


async def _send(websocket: WebSocket, from_server: MemoryObjectReceiveStream[SessionMessage]) -> None:
    async with from_server:
        async for message in from_server:
            try:
                await websocket.send_text(encode(message.message))
            except (WebSocketDisconnect, RuntimeError):
                # The client left while its answer was under way.
                return
