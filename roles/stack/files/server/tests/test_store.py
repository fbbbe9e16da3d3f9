"""The store against a real PostgreSQL."""

import asyncio
import contextlib

import psycopg
import pytest
from mcp_memory.errors import Unavailable
from mcp_memory.store import Store, migrate
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from services import Gate, free_port

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


async def test_remember_recall_replace_forget(store: Store, key: str) -> None:
    assert (await store.remember(key, "first", ("a", "b"))).created
    assert not (await store.remember(key, "second", ())).created
    memory = await store.recall(key)
    assert memory is not None
    assert (memory.content, memory.tags) == ("second", [])
    assert memory.updated_at > memory.created_at
    assert await store.forget(key)
    assert not await store.forget(key)
    assert await store.recall(key) is None


async def test_search_ranks_stems_and_marks(store: Store, key: str) -> None:
    await store.remember(f"{key}/rollback", "How we go back after a bad release.", (key,))
    await store.remember(f"{key}/notes", "The rollbacks of May took long.", (key, "notes"))
    await store.remember(f"{key}/other", "Nothing of the kind.", (key,))
    hits = await store.search("rollback", 10, (key,))
    assert [hit.key for hit in hits] == [f"{key}/rollback", f"{key}/notes"]
    assert hits[1].snippet == "The **rollbacks** of May took long."
    assert 0 < hits[1].rank < hits[0].rank < 1
    assert [hit.key for hit in await store.search("rollback", 10, (key, "notes"))] == [f"{key}/notes"]
    assert len(await store.search("rollback", 1, (key,))) == 1


@pytest.mark.parametrize("query", ['"bad release" -may', "release or nonsense", "RELEASES"])
async def test_search_understands_operators(store: Store, key: str, query: str) -> None:
    await store.remember(key, "How we go back after a bad release.", (key,))
    assert [hit.key for hit in await store.search(query, 10, (key,))] == [key]


@pytest.mark.parametrize("query", ["the", "'", '"', ":*&|!()", "\\", "%", "🤖"])
async def test_search_survives_any_query(store: Store, key: str, query: str) -> None:
    assert await store.search(query, 10, (key,)) == []


async def test_latest_in_pages(store: Store, key: str) -> None:
    for number in range(3):
        await store.remember(f"{key}-{number}", f"{number}" * 200, (key,))
    assert await store.count((key,)) == 3
    page = await store.latest((key,), limit=2, offset=1)
    assert [entry.key for entry in page] == [f"{key}-1", f"{key}-0"]
    assert page[0].preview == "1" * 120


async def test_indexes_are_used(store: Store, database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute("SET enable_seqscan = off")
        search = "EXPLAIN SELECT key FROM memories WHERE document @@ websearch_to_tsquery('english', 'word')"
        plan = str(await (await connection.execute(search)).fetchall())
    assert "memories_document" in plan


async def test_migrations_of_several_processes_at_once(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("CREATE SCHEMA several")
        try:
            url = f"{database_url.partition('?')[0]}?options=-csearch_path%3Dseveral"
            connections = [await psycopg.AsyncConnection.connect(url, autocommit=True) for _ in range(4)]
            await asyncio.gather(*(migrate(each) for each in connections))
            cursor = await connections[0].execute("SELECT name FROM migrations")
            assert await cursor.fetchall() == [("001_memories.sql",)]
            for each in connections:
                await each.close()
        finally:
            await connection.execute("DROP SCHEMA several CASCADE")


async def test_without_postgresql(key: str) -> None:
    store = Store(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    async with store.open():
        with pytest.raises(Unavailable):
            await store.ping()
        with pytest.raises(Unavailable):
            await store.recall(key)


async def test_postgresql_may_vanish_and_return(database_url: str, key: str) -> None:
    parts = conninfo_to_dict(database_url)
    gate = Gate(str(parts["host"]), int(parts.get("port") or 5432))
    store = Store(make_conninfo(database_url, host="127.0.0.1", port=gate.port))
    async with store.open():
        await gate.open()
        await asyncio.wait_for(store.migrated.wait(), 5)
        await store.remember(key, "text", ())
        await gate.shut()
        with pytest.raises(Unavailable):
            await store.recall(key)
        await gate.open()
        async with asyncio.timeout(5):
            while True:
                with contextlib.suppress(Unavailable):
                    assert await store.recall(key)
                    break
        await gate.shut()
