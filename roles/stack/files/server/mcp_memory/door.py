"""The door in front of /mcp and /ws: which Host names the server answers to, who may come in, and how often."""

import asyncio
import logging
import time

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import metrics
from .auth import Caller, Guard, Refused, address_of
from .hosts import Hosts
from .logs import say
from .rates import Limiter, Quota, telling

POLICY_VIOLATION = 1008


class Door:
    """Refuse with 421 (host), 403 (origin, scope), 401 (token) or 429 (too often); HTTP and WebSocket alike."""

    def __init__(self, app: ASGIApp, hosts: Hosts, guard: Guard, limiter: Limiter) -> None:
        self.app = app
        self._hosts = hosts
        self._guard = guard
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        try:
            caller = await self._admit(connection)
            quota = await self._spend(caller.name)
        except Refused as refused:
            await refused.response()(scope, receive, send)
            return
        if scope["type"] == "websocket":
            receive = self._limiter.limited(caller.name, until_expiry(caller, receive, send), send)
        elif quota:
            send = telling(quota, send)
        await self.app(scope, receive, send)

    async def _admit(self, connection: HTTPConnection) -> Caller:
        try:
            self._check_names(connection)
            return await self._guard.admit(connection)
        except Refused as refused:
            metrics.refused(refused.error)
            # Counted by the address, so that nobody can try tokens without end.
            await self._spend(address_of(connection))
            raise

    async def _spend(self, name: str) -> Quota | None:
        quota = await self._limiter.spend(name)
        if quota and not quota.allowed:
            metrics.rate_limited("http")
            raise quota.refusal()
        return quota

    def _check_names(self, connection: HTTPConnection) -> None:
        host, origin = connection.headers.get("host", ""), connection.headers.get("origin")
        if not self._hosts.knows(host):
            say("host refused", logging.WARNING, host=host[:200])
            raise Refused(421, "misdirected", "The server does not answer to this Host name (MCP_ALLOWED_HOSTS).")
        if origin is not None and not self._hosts.knows_origin(origin):
            say("origin refused", logging.WARNING, origin=origin[:200])
            raise Refused(
                403, "origin_refused", "Web pages from there may not speak to the server (MCP_ALLOWED_HOSTS)."
            )


def until_expiry(caller: Caller, receive: Receive, send: Send) -> Receive:
    """End a WebSocket with the token that opened it. A request over HTTP shows its token anew each time."""
    expires_at = caller.expires_at
    if expires_at is None:
        return receive

    async def receive_in_time() -> Message:
        try:
            async with asyncio.timeout(expires_at - time.time()):
                return await receive()
        except TimeoutError:
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": "The token has expired"})
            return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}

    return receive_in_time
