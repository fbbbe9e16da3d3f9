"""The cache against a real Redis, which is stopped on the way."""

import asyncio
import json
from pathlib import Path

import redis
from mcp_memory.cache import Cache
from mcp_memory.memory import SharedMemory
from mcp_memory.models import Memory, Remembered
from mcp_memory.store import Store
from services import free_port, redis_server


async def test_second_recall_comes_from_redis(store: Store, cache: Cache, redis_url: str, key: str) -> None:
    memory = SharedMemory(store, cache)
    await memory.remember("text", key, ("tag",))
    first, second = await memory.recall(key), await memory.recall(key)
    assert (first.cached, second.cached) == (False, True)
    assert first.model_dump(exclude={"cached"}) == second.model_dump(exclude={"cached"})
    with redis.Redis.from_url(redis_url) as client:
        seen = json.loads(client.get(f"mcp:memory:{key}"))
        assert (seen["content"], seen["tags"]) == ("text", ["tag"])
        assert 0 < client.ttl(f"mcp:memory:{key}") <= 300


async def test_writes_invalidate(store: Store, cache: Cache, redis_url: str, key: str) -> None:
    memory = SharedMemory(store, cache)
    await memory.remember("old", key)
    await memory.recall(key)
    await memory.remember("new", key)
    assert (await memory.recall(key)).content == "new"
    await memory.forget(key)
    with redis.Redis.from_url(redis_url) as client:
        assert not client.exists(f"mcp:memory:{key}")


async def test_a_write_during_a_read_wins(store: Store, cache: Cache, key: str) -> None:
    memory = SharedMemory(store, cache)
    await memory.remember("old", key)

    async def overtaken() -> Memory | None:
        old = await store.recall(key)
        await memory.remember("new", key)
        return old

    read, cached = await cache.read(key, overtaken)
    assert read is not None
    assert (read.content, cached) == ("old", False)
    after = await memory.recall(key)
    assert (after.content, after.cached) == ("new", False)


async def test_what_is_no_memory_is_passed_over(store: Store, cache: Cache, redis_url: str, key: str) -> None:
    memory = SharedMemory(store, cache)
    await memory.remember("text", key)
    with redis.Redis.from_url(redis_url) as client:
        client.set(f"mcp:memory:{key}", "garbage", ex=60)
    assert (await memory.recall(key)).content == "text"


async def test_redis_may_vanish_and_return(store: Store, tmp_path: Path, key: str) -> None:
    port = free_port()
    cache = Cache(f"redis://127.0.0.1:{port}/0")
    memory = SharedMemory(store, cache)
    async with cache.open():
        with redis_server(tmp_path, port):
            await memory.remember("old", key)
            await memory.recall(key)
            assert (await memory.recall(key)).cached
        assert not (await memory.recall(key)).cached
        await memory.remember("new", key)
        with redis_server(tmp_path, port) as url, redis.Redis.from_url(url) as client:
            # A Redis that kept its data would still hold the old text.
            client.set(f"mcp:memory:{key}", '{"content": "old"}')
            assert (await memory.recall(key)).content == "new"
            assert (await memory.recall(key)).cached


class SlowToReturn(Store):
    """Is done with a write before its caller hears of it."""

    written = asyncio.Event()

    async def remember(self, key: str, content: str, tags: tuple[str, ...]) -> Remembered:
        remembered = await super().remember(key, content, tags)
        self.written.set()
        await asyncio.sleep(60)
        return remembered


async def test_a_cancelled_write_invalidates(database_url: str, cache: Cache, key: str) -> None:
    store = SlowToReturn(database_url, pool_size=2)
    async with store.open():
        await store.migrated.wait()
        memory = SharedMemory(store, cache)
        await Store.remember(store, key, "old", ())
        assert (await memory.recall(key)).content == "old"
        write = asyncio.create_task(memory.remember("new", key))
        await store.written.wait()
        write.cancel()
        await asyncio.wait([write])
        assert (await memory.recall(key)).content == "new"
