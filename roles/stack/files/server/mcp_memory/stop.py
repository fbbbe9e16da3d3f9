"""The end of a process, so that nobody is cut off: not ready, then no new connections, then no open ones."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from .logs import say

CLOSING_SECONDS = 2.0
"""What the end of the time to stop is kept for: close frames, and the connections to PostgreSQL and Redis."""
CANCELLING_SECONDS = 1.0
"""How much of it cancelled requests have to tell PostgreSQL."""


class Stop:
    """How far the end of this process has come."""

    def __init__(self) -> None:
        self.told = False
        """True from the signal on: /ready says no, and answers ask to close their connections."""
        self.draining = asyncio.Event()
        """Set when no new connection is taken: streams and WebSockets end as soon as they owe nothing."""
        self._calls: list[Callable[[], None]] = []

    def on_draining(self, call: Callable[[], None]) -> None:
        """Have something called when draining begins."""
        self._calls.append(call)

    def drain(self) -> None:
        """Begin to drain."""
        self.draining.set()
        for call in self._calls:
            call()


class AskToLeave:
    """Once the process was told to stop, each answer is the last on its connection: the client makes a new one."""

    def __init__(self, app: ASGIApp, stop: Stop) -> None:
        self.app = app
        self._stop = stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def ask(message: Message) -> None:
            if message["type"] == "http.response.start" and self._stop.told:
                MutableHeaders(raw=message["headers"])["connection"] = "close"
            await send(message)

        await self.app(scope, receive, ask if scope["type"] == "http" else send)


class GracefulServer(uvicorn.Server):
    """Serves on for `grace` seconds after SIGTERM, and is gone `timeout` seconds after it at the latest."""

    def __init__(self, config: uvicorn.Config, stop: Stop, grace: float, timeout: float) -> None:
        super().__init__(config)
        self._stop = stop
        self._grace = grace
        self._timeout = timeout
        self._told_at = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The signal; a second Ctrl-C ends the process at once."""
        if self._stop.told and sig == signal.SIGINT:
            self.should_exit = self.force_exit = True
        elif not self._stop.told:
            self._told_at = time.monotonic()
            self._stop.told = True

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second; true when it is time to shut down."""
        if self._stop.told and time.monotonic() >= self._told_at + self._grace:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let everybody finish, within the time that is left."""
        for listener in self.servers:
            listener.close()
        for each in sockets or []:
            each.close()
        self._stop.drain()
        for connection in list(self.server_state.connections):
            # uvicorn would close WebSockets here, with requests unanswered; they close themselves.
            if not isinstance(connection, WebSocketsSansIOProtocol):
                connection.shutdown()
        end = (self._told_at or time.monotonic()) + self._timeout - CLOSING_SECONDS
        while self._busy() and time.monotonic() < end and not self.force_exit:
            await asyncio.sleep(0.05)
        if tasks := list(self.server_state.tasks):
            say("cut off", logging.WARNING, requests=len(tasks))
            for task in tasks:
                task.cancel()
            # Queries are cancelled in PostgreSQL, for which the connections have to be there yet.
            await asyncio.wait(tasks, timeout=CANCELLING_SECONDS)
        self.config.timeout_graceful_shutdown = 1
        await super().shutdown(sockets)

    def _busy(self) -> bool:
        return bool(self.server_state.connections or self.server_state.tasks)
