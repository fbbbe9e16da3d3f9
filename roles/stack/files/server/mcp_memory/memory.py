"""The shared memory: PostgreSQL keeps it, Redis speeds up recall."""

import secrets
from functools import partial

from .cache import Cache
from .errors import UnknownKey
from .models import Forgotten, Found, Listing, Recalled, Remembered
from .store import Store


class SharedMemory:
    """What the tools do, without a word about MCP."""

    def __init__(self, store: Store, cache: Cache) -> None:
        self._store = store
        self._cache = cache

    async def remember(self, content: str, key: str = "", tags: tuple[str, ...] = ()) -> Remembered:
        """Write a memory; without a key it gets one."""
        remembered = await self._store.remember(key or f"memory-{secrets.token_hex(8)}", content, tags)
        await self._cache.invalidate(remembered.key)
        return remembered

    async def recall(self, key: str) -> Recalled:
        """Read a memory; raises UnknownKey when there is none."""
        memory, cached = await self._cache.read(key, partial(self._store.recall, key))
        if memory is None:
            raise UnknownKey(key)
        return Recalled(**memory.model_dump(), cached=cached)

    async def forget(self, key: str) -> Forgotten:
        """Delete a memory."""
        forgotten = await self._store.forget(key)
        await self._cache.invalidate(key)
        return Forgotten(key=key, forgotten=forgotten)

    async def search(self, query: str, limit: int = 10, tags: tuple[str, ...] = ()) -> Found:
        """Look for words in all memories that bear all the tags."""
        return Found(query=query, results=await self._store.search(query, limit, tags))

    async def list_memories(self, tag: str = "", limit: int = 20, offset: int = 0) -> Listing:
        """One page of all memories, or of those with a tag."""
        tags = (tag,) if tag else ()
        memories = await self._store.latest(tags, limit, offset)
        return Listing(total=await self._store.count(tags), limit=limit, offset=offset, memories=memories)
