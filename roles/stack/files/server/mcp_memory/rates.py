"""How much one caller may ask, counted in Redis for all processes and slots. Without Redis nobody is held up."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import json
import logging
import math
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Send

from . import metrics
from .auth import Refused
from .logs import say

AWAY_SECONDS = 5.0
"""How long Redis is left alone after it did not answer: a call that waits for nothing is slow too."""
POOL_SIZE = 4

RATE_LIMITED = -32003
"""Among the codes that MCP leaves to servers (-32000 to -32019)."""

# A bucket that holds `requests` and fills up again within `period` microseconds. What Redis keeps is the time at which
# it is full. One script is one step: no two processes count the same request. Its clock is that of Redis.
SPEND = """
local requests, period = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = math.max(tonumber(redis.call('GET', KEYS[1])) or now, now) + period / requests
local missing = full - now - period
if missing > 0 then
    return {0, 0, full - now - period / requests, missing}
end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return {1, math.floor(-missing * requests / period + 0.001), full - now, 0}
"""


@dataclass(frozen=True)
class Quota:
    """What is left to a caller."""

    allowed: bool
    requests: int
    seconds: int
    left: int
    reset: int
    """Seconds until all of it is there again."""
    wait: int
    """Seconds until one more is allowed."""

    @property
    def headers(self) -> dict[str, str]:
        """As in draft-ietf-httpapi-ratelimit-headers-10."""
        return {
            "RateLimit-Policy": f'"caller";q={self.requests};w={self.seconds}',
            "RateLimit": f'"caller";r={self.left};t={self.reset}',
        }

    @property
    def said(self) -> str:
        """What to tell one who asked too much."""
        return f"{self.requests} messages in {self.seconds} seconds are allowed. Try again in {self.wait} seconds."

    @property
    def rpc_error(self) -> dict[str, object]:
        """The same in JSON-RPC."""
        return {"code": RATE_LIMITED, "message": self.said, "data": {"retryAfter": self.wait}}

    def refusal(self) -> Refused:
        """The answer to one who asked too much."""
        headers = {**self.headers, "Retry-After": str(self.wait)}
        return Refused(429, "too_many_requests", self.said, headers, self.rpc_error)


class Limiter:
    """Counts in Redis. 0 requests: counts nothing."""

    def __init__(self, url: str, requests: int, seconds: int) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=POOL_SIZE,
            timeout=0.5,
            socket_timeout=0.5,
            socket_connect_timeout=0.5,
            retry=Retry(NoBackoff(), 1),
        )
        self._redis: Redis = Redis.from_pool(pool)
        self._spend = self._redis.register_script(SPEND)
        self._requests = requests
        self._seconds = seconds
        # Another limit is another bucket: a new release must not meet debts that its own limit could not make.
        self._prefix = f"mcp:rate:{requests}/{seconds}:"
        self._away_until = 0.0
        self._reachable = True

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Close all connections at the end; they open by themselves."""
        async with self._redis:
            yield

    async def spend(self, name: str) -> Quota | None:
        """Count one message of a caller; None when nobody counts."""
        if not self._requests or time.monotonic() < self._away_until:
            return None
        try:
            answer = await self._spend(keys=[self._prefix + name], args=[self._requests, self._seconds * 1_000_000])
        except RedisError as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            if self._reachable:
                say("Redis does not answer, requests are not limited", logging.WARNING, reason=type(error).__name__)
            self._reachable = False
            return None
        if not self._reachable:
            say("Redis answers again, requests are limited")
        self._reachable = True
        allowed, left, reset, wait = (int(number) for number in answer)
        return Quota(bool(allowed), self._requests, self._seconds, left, _seconds(reset), _seconds(wait))

    def limited(self, name: str, receive: Receive, send: Send) -> Receive:
        """Count each message that comes over a WebSocket; those beyond the limit are answered here."""

        async def within_limit() -> Message:
            while True:
                frame = await receive()
                text = frame.get("text") if frame["type"] == "websocket.receive" else None
                if text is None:
                    return frame
                quota = await self.spend(name)
                if quota is None or quota.allowed:
                    return frame
                method, answer = refusal_of_frame(text, quota)
                if method == "notifications/cancelled":
                    # It takes load away.
                    return frame
                metrics.rate_limited("websocket")
                try:
                    if answer:
                        await send({"type": "websocket.send", "text": answer})
                except (OSError, RuntimeError):
                    # The client left.
                    return {"type": "websocket.disconnect", "code": 1006}

        return within_limit


def telling(quota: Quota, send: Send) -> Send:
    """Tell in the answer what is left."""

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(quota.headers)
        await send(message)

    return tell


def refusal_of_frame(text: str, quota: Quota) -> tuple[str, str]:
    """Method of a message, and the error to answer with; nothing for what wants no answer."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    method, identifier = "", None
    if isinstance(message, dict):
        method, identifier = str(message.get("method", "")), message.get("id")
        if "method" not in message or "id" not in message:
            # Notifications and answers are not answered.
            return method, ""
    if not isinstance(identifier, str | int):
        identifier = None
    return method, json.dumps({"jsonrpc": "2.0", "id": identifier, "error": quota.rpc_error})


def _seconds(microseconds: int) -> int:
    return math.ceil(microseconds / 1_000_000)
