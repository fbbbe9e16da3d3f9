"""Memories in Redis, in front of PostgreSQL. Redis may vanish at any time: then every read goes through."""

import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from pydantic import ValidationError
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, WatchError

from .logs import say
from .models import Memory


def name(key: str) -> str:
    """Where a memory lies in Redis, as JSON."""
    return f"mcp:memory:{key}"


class Cache:
    """A read-through cache that never serves what was overwritten."""

    def __init__(self, url: str, pool_size: int = 10, ttl: int = 300) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=pool_size,
            timeout=1,
            socket_timeout=0.5,
            socket_connect_timeout=0.5,
            retry=Retry(NoBackoff(), 1),
            decode_responses=True,
        )
        self._redis: Redis = Redis.from_pool(pool)
        self._ttl = ttl
        self._stale: dict[str, float] = {}
        self._reachable = True

    async def ping(self) -> None:
        """Raise RedisError unless Redis answers."""
        await self._redis.ping()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Close all connections at the end; they open by themselves."""
        async with self._redis:
            yield

    async def read(self, key: str, load: Callable[[], Awaitable[Memory | None]]) -> tuple[Memory | None, bool]:
        """Return the memory, and whether Redis had it; if it had not, `load` reads the truth."""
        try:
            await self._drop_stale()
            text = await self._redis.get(name(key))
            self._note(reachable=True)
            if text:
                return Memory.model_validate_json(text), True
            return await self._load(key, load), False
        except (RedisError, ValidationError) as error:
            self._note(reachable=not isinstance(error, RedisError), reason=type(error).__name__)
            return await load(), False

    async def invalidate(self, *keys: str) -> None:
        """Drop keys after a write; while Redis is away, keep in mind that they must be dropped."""
        now = time.monotonic()
        # What has been waiting longer than the time to live is gone from Redis anyway.
        for old in [old for old, since in self._stale.items() if since < now - self._ttl]:
            del self._stale[old]
        self._stale.update(dict.fromkeys(keys, now))
        try:
            await self._drop_stale()
            self._note(reachable=True)
        except RedisError as error:
            self._note(reachable=False, reason=type(error).__name__)

    async def _load(self, key: str, load: Callable[[], Awaitable[Memory | None]]) -> Memory | None:
        """Read the truth and keep it, unless somebody writes the key meanwhile."""
        async with self._redis.pipeline() as transaction:
            await transaction.watch(name(key))
            memory = await load()
            if memory is not None:
                transaction.multi()
                transaction.set(name(key), memory.model_dump_json(), ex=self._ttl)
                with contextlib.suppress(WatchError):
                    await transaction.execute()
        return memory

    async def _drop_stale(self) -> None:
        keys = list(self._stale)
        if not keys:
            return
        async with self._redis.pipeline(transaction=True) as transaction:
            for key in keys:
                # Deleting what is not there would not wake those who WATCH; setting it first does.
                transaction.set(name(key), "")
                transaction.delete(name(key))
            await transaction.execute()
        for key in keys:
            self._stale.pop(key, None)

    def _note(self, reachable: bool, reason: str = "") -> None:
        if reachable != self._reachable:
            self._reachable = reachable
            if reachable:
                say("Redis answers again")
            else:
                say("Redis does not answer, reading PostgreSQL", logging.WARNING, reason=reason)
