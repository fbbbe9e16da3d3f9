"""Memories as MCP resources, `memory:<key>`: listed page by page, read, and listened to."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, ListResourcesResult, PaginatedRequestParams, Resource
from pydantic import TypeAdapter, ValidationError

from .changes import uri_of
from .errors import MemoryFault, UnknownKey, WrongCursor
from .limits import Key
from .memory import SharedMemory

PAGE = 100
MEDIA_TYPE = "text/plain"
KEY: TypeAdapter[str] = TypeAdapter(Key)


def add_template(server: MCPServer, memory: SharedMemory) -> None:
    """Let clients read a memory by its URI."""

    @server.resource("memory:{+key}", name="memory", title="A memory", mime_type=MEDIA_TYPE)
    async def read(key: str) -> str:
        """The text that is kept under this key."""
        try:
            return (await memory.recall(KEY.validate_python(key))).content
        except (UnknownKey, ValidationError):
            raise ResourceNotFoundError(f"Nothing is remembered under {key[:200]!r}.") from None
        except MemoryFault as fault:
            raise ResourceError(str(fault)) from fault


def add_list(server: Server[Any], memory: SharedMemory) -> None:
    """Let clients list all memories; the SDK's own list knows only what is there from the start."""

    async def handle(_: ServerRequestContext[Any, Any], params: PaginatedRequestParams) -> ListResourcesResult:
        try:
            page = await memory.list_memories(limit=PAGE, cursor=params.cursor or "")
        except WrongCursor as fault:
            raise MCPError(INVALID_PARAMS, str(fault)) from fault
        entries = [
            Resource(uri=uri_of(entry.key), name=entry.key, description=entry.preview, mime_type=MEDIA_TYPE)
            for entry in page.memories
        ]
        return ListResourcesResult(resources=entries, next_cursor=page.next_cursor)

    server.add_request_handler("resources/list", PaginatedRequestParams, handle)
