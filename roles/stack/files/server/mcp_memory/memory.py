"""The shared memory: PostgreSQL keeps it, Redis speeds up recall."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import anyio

from .cache import Cache
from .cursors import after_entry, after_key, read_entry, read_key
from .errors import MemoryFault, UnknownKey
from .limits import BATCH, EXPORT_CHARACTERS, Draft
from .models import Exported, Forgotten, Found, Imported, Listing, Memory, Recalled, Remembered
from .store import Store

Announce = Callable[[Sequence[str]], Awaitable[None]]
"""Called with the keys that were written."""

Progress = Callable[[int, int], Awaitable[None]]
"""Called with how many are done, and of how many."""


class SharedMemory:
    """What the tools do, without a word about MCP."""

    def __init__(self, store: Store, cache: Cache, announce: Announce | None = None) -> None:
        self._store = store
        self._cache = cache
        self._announce = announce

    async def remember(self, content: str, key: str = "", tags: tuple[str, ...] = ()) -> Remembered:
        """Write a memory; without a key it gets one."""
        key = key or _new_key()
        async with self._changing([key]):
            return await self._store.remember(key, content, tags)

    async def recall(self, key: str) -> Recalled:
        """Read a memory; raises UnknownKey when there is none."""
        memory, cached = await self._cache.read(key, partial(self._store.recall, key))
        if memory is None:
            raise UnknownKey(key)
        return Recalled(**memory.model_dump(), cached=cached)

    async def forget(self, key: str) -> Forgotten:
        """Delete a memory."""
        async with self._changing([key]):
            return Forgotten(key=key, forgotten=await self._store.forget(key))

    async def search(self, query: str, limit: int = 10, tags: tuple[str, ...] = ()) -> Found:
        """Look for words in all memories that bear all the tags."""
        return Found(query=query, results=await self._store.search(query, limit, tags))

    async def list_memories(self, tag: str = "", limit: int = 20, offset: int = 0, cursor: str = "") -> Listing:
        """One page of all memories, or of those with a tag; raises WrongCursor."""
        if cursor and offset:
            raise MemoryFault("Invalid arguments. Give cursor or offset, not both")
        tags = (tag,) if tag else ()
        found = await self._store.latest(tags, limit + 1, offset, read_entry(cursor))
        page, more = found[:limit], len(found) > limit
        return Listing(
            total=await self._store.count(tags),
            limit=limit,
            offset=offset,
            memories=page,
            next_cursor=after_entry(page[-1].updated_at, page[-1].key) if more else None,
        )

    async def export(self, progress: Progress, tag: str = "", limit: int = 100, cursor: str = "") -> Exported:
        """Whole memories in the order of their keys, step by step; raises WrongCursor."""
        tags = (tag,) if tag else ()
        start = last = read_key(cursor)
        goal = min(limit, await self._store.count(tags, start))
        memories: list[Memory] = []
        characters, more = 0, True
        while more and len(memories) < limit and characters < EXPORT_CHARACTERS:
            step = min(BATCH, limit - len(memories))
            found = await self._store.whole(tags, step + 1, last)
            more = len(found) > step
            for memory in found[:step]:
                memories.append(memory)
                last, characters = memory.key, characters + len(memory.content)
                if characters >= EXPORT_CHARACTERS:
                    more = more or memory is not found[-1]
                    break
            await progress(len(memories), max(goal, len(memories)))
        total = await self._store.count(tags)
        return Exported(total=total, memories=memories, next_cursor=after_key(last) if more else None)

    async def import_all(self, progress: Progress, drafts: Sequence[Draft]) -> Imported:
        """Write memories step by step; what an interruption leaves is whole steps."""
        created = 0
        for start in range(0, len(drafts), BATCH):
            step = [(draft.key or _new_key(), draft.content, draft.tags) for draft in drafts[start : start + BATCH]]
            async with self._changing([key for key, _, _ in step]):
                created += sum(row.created for row in await self._store.remember_all(step))
            await progress(start + len(step), len(drafts))
        return Imported(created=created, replaced=len(drafts) - created)

    @asynccontextmanager
    async def _changing(self, keys: Sequence[str]) -> AsyncIterator[None]:
        """Drop what the cache holds and tell who listens, also when the write was cancelled: it may have been done."""
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await self._cache.invalidate(*keys)
                if self._announce:
                    await self._announce(keys)


def _new_key() -> str:
    return f"memory-{secrets.token_hex(8)}"
