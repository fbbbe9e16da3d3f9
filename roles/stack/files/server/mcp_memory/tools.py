"""The MCP server: seven tools over the shared memory, and the memories as resources."""

import logging
import time
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.subscriptions import ListenHandler
from mcp_types import CallToolResult, InputRequiredResult, SubscriptionsListenRequestParams, ToolAnnotations
from pydantic import ValidationError

from . import __version__, metrics
from .errors import MemoryFault
from .limits import (
    Content,
    Cursor,
    Drafts,
    ExportLimit,
    Key,
    Limit,
    Offset,
    OptionalKey,
    OptionalTag,
    Query,
    Tags,
)
from .logs import milliseconds_since, say
from .memory import SharedMemory
from .models import Exported, Forgotten, Found, Imported, Listing, Recalled, Remembered
from .resources import add_list, add_template

INSTRUCTIONS = """\
A memory that all agents share and that outlives their sessions.
Remember facts, decisions and results under a key that others can guess; search before you ask or work anew.\
"""

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
# Remembering without a key twice makes two memories; forgetting twice is forgetting once.
REPLACES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False)
DELETES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)


class MemoryServer(MCPServer):
    """Logs each tool call, and tells the caller in plain words what was wrong."""

    @property
    def lowlevel(self) -> Server[Any]:
        """What the transports serve."""
        return self._lowlevel_server

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context | None = None
    ) -> CallToolResult | InputRequiredResult:
        start, ok = time.perf_counter(), False
        try:
            await self._refuse_unknown(name, arguments)
            result = await super().call_tool(name, arguments, context)
            ok = True
            return result
        except ToolError as error:
            explained = explain(error.__cause__)
            if explained:
                raise ToolError(explained) from error.__cause__
            raise
        finally:
            level = logging.INFO if ok else logging.WARNING
            say("tool", level, tool=name[:64], ok=ok, duration_ms=milliseconds_since(start))
            known = self._tool_manager.get_tool(name) is not None
            metrics.tool_called(name if known else metrics.OTHER, ok, time.perf_counter() - start)

    async def _refuse_unknown(self, name: str, arguments: dict[str, Any]) -> None:
        """A misspelt argument must not pass in silence; the SDK would drop it."""
        for tool in await self.list_tools():
            known = tool.input_schema["properties"]
            unknown = sorted(arguments.keys() - known) if tool.name == name else []
            if unknown:
                raise ToolError(f"Invalid arguments. {name} has no {', '.join(unknown)}; it has {', '.join(known)}")


def explain(cause: BaseException | None) -> str:
    """What to tell the caller, or nothing when the cause is not meant for it."""
    if isinstance(cause, ValidationError):
        problems = (f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in cause.errors())
        return "Invalid arguments. " + "; ".join(problems)
    return str(cause) if isinstance(cause, MemoryFault) else ""


def create_server(memory: SharedMemory, listen: ListenHandler | None = None) -> MemoryServer:
    """Build the server with its tools; `listen` serves `subscriptions/listen`."""
    server = MemoryServer(
        "mcp-memory",
        title="Shared memory",
        version=__version__,
        instructions=INSTRUCTIONS,
        subscriptions=False,
    )

    @server.tool(title="Remember", annotations=REPLACES)
    async def remember(content: Content, key: OptionalKey = "", tags: Tags = ()) -> Remembered:
        """Keep a text under a key. A memory that has this key already is replaced, its tags too."""
        return await memory.remember(content, key, tags)

    @server.tool(title="Recall", annotations=READS)
    async def recall(key: Key) -> Recalled:
        """Read the memory that has this key."""
        return await memory.recall(key)

    @server.tool(title="Search", annotations=READS)
    async def search(query: Query, limit: Limit = 10, tags: Tags = ()) -> Found:
        """Find memories by their words, best first, with the passages that matched; tags: all must be there."""
        return await memory.search(query, limit, tags)

    @server.tool(title="Forget", annotations=DELETES)
    async def forget(key: Key) -> Forgotten:
        """Delete the memory that has this key. Forgetting what is not there succeeds."""
        return await memory.forget(key)

    @server.tool(title="List memories", annotations=READS)
    async def list_memories(
        tag: OptionalTag = "", limit: Limit = 20, offset: Offset = 0, cursor: Cursor = ""
    ) -> Listing:
        """List memories, the latest first, page by page. With cursor no page repeats what another one had."""
        return await memory.list_memories(tag, limit, offset, cursor)

    @server.tool(title="Export memories", annotations=READS)
    async def export_memories(
        context: Context, tag: OptionalTag = "", limit: ExportLimit = 100, cursor: Cursor = ""
    ) -> Exported:
        """Read many memories whole, in the order of their keys. Reports its progress."""
        return await memory.export(context.report_progress, tag, limit, cursor)

    @server.tool(title="Import memories", annotations=REPLACES)
    async def import_memories(context: Context, memories: Drafts) -> Imported:
        """Remember many at once, in steps of 25. Reports its progress; when stopped, whole steps are kept."""
        return await memory.import_all(context.report_progress, memories)

    add_template(server, memory)
    add_list(server.lowlevel, memory)
    if listen:
        server.lowlevel.add_request_handler("subscriptions/listen", SubscriptionsListenRequestParams, listen)

    return server
