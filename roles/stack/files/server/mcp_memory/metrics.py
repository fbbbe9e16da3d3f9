"""Figures for Prometheus, of all processes together. Until they are switched on, nothing is counted or loaded."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import __version__
from .auth import Guard, Refused

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Variable that tells the library, when it is imported, where all processes write their figures."""

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
DEAD_KEPT = 8
"""Files of that many ended processes are kept: what they have counted still counts."""

METHODS = ("GET", "POST", "HEAD", "OPTIONS", "DELETE", "PUT", "PATCH")
OTHER = "other"
"""What clients make up has one label, or they could fill the memory with labels."""


class Figures:
    """The counters of this process."""

    def __init__(self) -> None:
        # Imported here: it looks for its folder while it is imported, and who wants no metrics need not pay for it.
        from prometheus_client import Counter, Gauge, Histogram

        self.requests = Counter(
            "mcp_http_requests", "Requests; WebSockets when they end", ["method", "path", "status"], registry=None
        )
        self.duration = Histogram(
            "mcp_http_request_duration_seconds",
            "Time that answers took, without event streams and WebSockets",
            ["method", "path"],
            buckets=BUCKETS,
            registry=None,
        )
        self.streams = Gauge("mcp_open_streams", "Event streams", registry=None, multiprocess_mode="livesum")
        self.websockets = Gauge("mcp_open_websockets", "WebSockets", registry=None, multiprocess_mode="livesum")
        self.tools = Counter("mcp_tool_calls", "Calls of tools", ["tool", "ok"], registry=None)
        self.tool_duration = Histogram(
            "mcp_tool_duration_seconds", "Time that tools took", ["tool"], buckets=BUCKETS, registry=None
        )
        self.limited = Counter("mcp_rate_limited", "Messages beyond a caller's limit", ["transport"], registry=None)
        self.refused = Counter("mcp_refused", "Who did not come in, and why", ["reason"], registry=None)


_figures: Figures | None = None


@contextlib.contextmanager
def folder() -> Iterator[None]:
    """Have a place where all processes meet, from before the first of them starts until the last is gone."""
    try:
        place = tempfile.TemporaryDirectory(prefix="mcp-metrics-")
    except OSError as error:
        raise SystemExit(f"mcp-memory: METRICS_TOKEN needs a folder to write to (TMPDIR): {error}") from None
    with place as name:
        os.environ[FOLDER] = name
        yield


def switch_on() -> None:
    """Begin to count in this process."""
    global _figures
    _figures = Figures()


def tool_called(tool: str, ok: bool, seconds: float) -> None:
    """Count a call; `tool` must be one that exists, or OTHER."""
    if _figures:
        _figures.tools.labels(tool, str(ok).lower()).inc()
        _figures.tool_duration.labels(tool).observe(seconds)


def rate_limited(transport: str) -> None:
    """Count a message beyond a caller's limit; the transport is http or websocket."""
    if _figures:
        _figures.limited.labels(transport).inc()


def refused(reason: str) -> None:
    """Count somebody who did not come in."""
    if _figures:
        _figures.refused.labels(reason).inc()


class Measured:
    """Count requests, how long they take, and what is open."""

    def __init__(self, app: ASGIApp, paths: tuple[str, ...]) -> None:
        self.app = app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        figures = _figures
        if figures is None or scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500
        opened: Any = None

        async def observe(message: Message) -> None:
            nonlocal status, opened
            if message["type"].endswith("http.response.start"):
                status = message["status"]
                if dict(message["headers"]).get(b"content-type", b"").startswith(b"text/event-stream"):
                    opened = figures.streams
            elif message["type"] == "websocket.accept":
                status, opened = 101, figures.websockets
            if opened and message["type"].endswith((".start", ".accept")):
                opened.inc()
            await send(message)

        try:
            await self.app(scope, receive, observe)
        finally:
            path = scope["path"] if scope["path"] in self._paths else OTHER
            method = scope.get("method", "WEBSOCKET")
            method = method if method in (*METHODS, "WEBSOCKET") else OTHER
            figures.requests.labels(method, path, status).inc()
            if opened:
                opened.dec()
            elif scope["type"] == "http":
                figures.duration.labels(method, path).observe(time.perf_counter() - start)


class Metrics:
    """`GET /metrics`, for who has the token."""

    def __init__(self, token: str) -> None:
        self._guard = Guard((token,), None)

    async def answer(self, request: Request) -> Response:
        """All figures as text."""
        try:
            await self._guard.admit(request)
        except Refused as error:
            refused("metrics")
            return error.response()
        # Reading the files of all processes takes a while.
        body, content_type = await asyncio.to_thread(collect)
        return Response(body, headers={"Content-Type": content_type})


def collect() -> tuple[bytes, str]:
    """Add up what all processes have counted; returns text and its type."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
    from prometheus_client.core import GaugeMetricFamily, Metric
    from prometheus_client.multiprocess import MultiProcessCollector

    class Build:
        def collect(self) -> Iterator[Metric]:
            family = GaugeMetricFamily("mcp_build_info", "The version that runs", labels=["version"])
            family.add_metric([__version__], 1)
            yield family

    files = Path(os.environ[FOLDER])
    forget_dead(files)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(files))
    registry.register(Build())
    return generate_latest(registry), CONTENT_TYPE_LATEST


def forget_dead(place: Path) -> None:
    """Delete what ended processes had open, and all of those that ended long ago."""
    dead: dict[int, list[Path]] = {}
    for file in sorted(place.glob("*.db"), key=lambda file: file.stat().st_mtime):
        pid = int((re.findall(r"_(\d+)\.db$", file.name) or ["0"])[0])
        if not Path(f"/proc/{pid}").exists():
            dead.setdefault(pid, []).append(file)
    for number, files in enumerate(reversed(dead.values())):
        for file in files:
            if number >= DEAD_KEPT or file.name.startswith("gauge_live"):
                file.unlink(missing_ok=True)
