"""Pages that writes do not shift, and the tools that read and write many memories, against a real PostgreSQL."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from mcp_memory.cache import Cache
from mcp_memory.errors import MemoryFault, WrongCursor
from mcp_memory.limits import CONTENT_CHARACTERS, Draft
from mcp_memory.memory import SharedMemory
from mcp_memory.store import Store


@pytest.fixture
def memory(store: Store, cache: Cache) -> SharedMemory:
    return SharedMemory(store, cache)


class Steps(list[tuple[int, int]]):
    """The progress that was reported."""

    async def __call__(self, done: int, total: int) -> None:
        self.append((done, total))


def drafts(tag: str, count: int, content: str = "text") -> list[Draft]:
    return [Draft(key=f"{tag}/{number:03}", content=content, tags=(tag,)) for number in range(count)]


async def test_writes_do_not_shift_pages(memory: SharedMemory, key: str) -> None:
    # One transaction, so all have the same time: the key must decide.
    await memory.import_all(Steps(), drafts(key, 10))
    first = await memory.list_memories(key, limit=4)
    await memory.remember("new", f"{key}/new", (key,))
    await memory.remember("moved to the front", f"{key}/008", (key,))
    await memory.forget(first.memories[0].key)
    second = await memory.list_memories(key, limit=4, cursor=first.next_cursor or "")
    third = await memory.list_memories(key, limit=4, cursor=second.next_cursor or "")
    seen = [entry.key for page in (first, second, third) for entry in page.memories]
    assert seen == [f"{key}/{number:03}" for number in (*range(8), 9)]
    assert (third.next_cursor, third.total) == (None, 10)
    # By offset, one would be missed and another come twice.
    assert (await memory.list_memories(key, 4, offset=4)).memories[0].key == f"{key}/003"


async def test_cursors_that_are_none(memory: SharedMemory) -> None:
    for call in (memory.list_memories(cursor="made up"), memory.export(Steps(), cursor="made up")):
        with pytest.raises(WrongCursor, match="Give the next_cursor of the page before"):
            await call
    with pytest.raises(MemoryFault, match="cursor or offset, not both"):
        await memory.list_memories(offset=1, cursor="WyJhIl0")


async def test_import_and_export_in_steps(memory: SharedMemory, key: str) -> None:
    steps = Steps()
    imported = await memory.import_all(steps, [*drafts(key, 60), Draft(content="without key", tags=(key,))])
    assert (imported.created, imported.replaced) == (61, 0)
    assert steps == [(25, 61), (50, 61), (61, 61)]
    again = await memory.import_all(Steps(), drafts(key, 3, "replaced"))
    assert (again.created, again.replaced) == (0, 3)
    steps.clear()
    first = await memory.export(steps, key, limit=40)
    rest = await memory.export(steps, key, limit=40, cursor=first.next_cursor or "")
    assert steps == [(25, 40), (40, 40), (21, 21)]
    assert [each.content for each in first.memories[:5]] == ["without key", *["replaced"] * 3, "text"]
    assert (len(first.memories), len(rest.memories), rest.next_cursor, rest.total) == (40, 21, None, 61)


async def test_an_export_stays_small_enough_to_answer(memory: SharedMemory, key: str) -> None:
    await memory.import_all(Steps(), drafts(key, 7, "x" * CONTENT_CHARACTERS))
    first = await memory.export(Steps(), key)
    rest = await memory.export(Steps(), key, cursor=first.next_cursor or "")
    assert (len(first.memories), len(rest.memories), rest.next_cursor) == (5, 2, None)
