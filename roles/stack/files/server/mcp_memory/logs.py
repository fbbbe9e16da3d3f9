"""Logs as JSON, one object a line on stdout: requests, tool calls, and whatever libraries say."""

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("mcp_memory")

PROBES = ("/health", "/ready", "/metrics")


class JsonFormatter(logging.Formatter):
    """Turn a record into one line; `extra={"fields": {...}}` adds fields of its own."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.name != logger.name:
            line["logger"] = record.name
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logs(level: str) -> None:
    """Send every logger of the process to stdout; `level` is for this server's own."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    # At DEBUG the libraries would write down headers and frames, tokens and content with them.
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logger.setLevel(level)


def say(event: str, level: int = logging.INFO, **fields: object) -> None:
    """Log one event with its fields."""
    logger.log(level, event, extra={"fields": fields})


def milliseconds_since(start: float) -> float:
    """Time since `start`, a value of `time.perf_counter`."""
    return round((time.perf_counter() - start) * 1000, 1)


class RequestLog:
    """Log a line for each request, and for each WebSocket when it closes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"].endswith("http.response.start"):
                status = message["status"]
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            await self.app(scope, receive, observe)
        finally:
            quiet = scope["path"] in PROBES and status == 200
            say(
                "request",
                logging.DEBUG if quiet else logging.INFO,
                method=scope.get("method", "WEBSOCKET"),
                path=scope["path"],
                status=status,
                duration_ms=milliseconds_since(start),
                client=scope["client"][0] if scope.get("client") else None,
            )
