"""Changed memories, told to whoever listens: in this process at once, in the others through Redis."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    SubscriptionBus,
)
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, SubscriptionsListenRequestParams, SubscriptionsListenResult
from redis.asyncio import Redis
from redis.exceptions import RedisError

from .logs import say

CHANNEL = "mcp:changes"
PAUSE_SECONDS = 1
LIST_SECONDS = 0.2
"""The changed list is told at once, and then no oftener than this: many writes would flood many streams."""


def uri_of(key: str) -> str:
    """The resource that a memory is."""
    return f"memory:{key}"


class Listening(ListenHandler):
    """Holds the streams of `subscriptions/listen`, up to `most` of them, until it is closed."""

    def __init__(self, changes: SubscriptionBus, most: int) -> None:
        super().__init__(changes, max_subscriptions=most)
        self._closed = False

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        # Nobody would end a stream that begins after the end of all.
        if self._closed:
            raise MCPError(INTERNAL_ERROR, "The server stops. Listen anew.")
        return await super().__call__(ctx, params)

    def close(self) -> None:
        """End all streams in order, and begin none."""
        self._closed = True
        super().close()


class Changes:
    """A `SubscriptionBus` for all processes. Without Redis, only this process hears of its own changes."""

    def __init__(self, url: str) -> None:
        self._local = InMemorySubscriptionBus()
        # No time limit: the connection that listens may be silent for hours.
        self._redis = Redis.from_url(url, decode_responses=True, socket_connect_timeout=5, socket_keepalive=True)
        self._name = secrets.token_hex(8)
        self._outbox: asyncio.Queue[list[str]] = asyncio.Queue(1000)
        self._hearing = True
        self._list_changed = asyncio.Event()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Hear and tell until the block ends."""
        tasks = [asyncio.create_task(each) for each in (self._hear(), self._tell(), self._tell_of_list())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._redis.aclose()

    async def announce(self, keys: Sequence[str]) -> None:
        """Tell everybody that these memories were written; never waits for Redis."""
        # What Redis does not take in time is lost: who listens hears less, but no write gets slower.
        with contextlib.suppress(asyncio.QueueFull):
            self._outbox.put_nowait(list(keys))
        await self._deliver(keys)

    async def publish(self, event: ServerEvent) -> None:
        """Part of the SDK's protocol: deliver one event in this process."""
        await self._local.publish(event)

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Part of the SDK's protocol: register a listener; returns how to leave."""
        return self._local.subscribe(listener)

    async def _deliver(self, keys: Sequence[str]) -> None:
        for key in keys:
            await self._local.publish(ResourceUpdated(uri_of(key)))
        # The list is in the order of time, so each write changes it.
        self._list_changed.set()

    async def _tell_of_list(self) -> None:
        while True:
            await self._list_changed.wait()
            self._list_changed.clear()
            await self._local.publish(ResourcesListChanged())
            await asyncio.sleep(LIST_SECONDS)

    async def _tell(self) -> None:
        while True:
            keys = await self._outbox.get()
            try:
                async with asyncio.timeout(5):
                    await self._redis.publish(CHANNEL, json.dumps({"from": self._name, "keys": keys}))
            except (RedisError, TimeoutError) as error:
                say("a change was not told to other processes", logging.DEBUG, reason=type(error).__name__)

    async def _hear(self) -> None:
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(CHANNEL)
                    self._note(hearing=True)
                    # What happened meanwhile is unknown, so whoever listens should look.
                    self._list_changed.set()
                    async for message in channel.listen():
                        await self._hear_one(message["data"])
            except RedisError as error:
                self._note(hearing=False, reason=type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _hear_one(self, data: str) -> None:
        try:
            message = json.loads(data)
            sender, keys = message["from"], [str(key) for key in message["keys"]]
        except (ValueError, TypeError, KeyError):
            say("a change in Redis has a form that is not known", logging.WARNING)
            return
        if sender != self._name:
            await self._deliver(keys)

    def _note(self, hearing: bool, reason: str = "") -> None:
        if hearing != self._hearing:
            self._hearing = hearing
            if hearing:
                say("changes of other processes are heard again")
            else:
                say("changes of other processes are not heard", logging.WARNING, reason=reason)
