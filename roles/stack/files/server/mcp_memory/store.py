"""Memories in PostgreSQL: the schema, and every query the server makes."""

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from importlib import resources
from typing import Any, LiteralString, ParamSpec, TypeVar

import anyio
import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel

from .cursors import START_OF_LATEST
from .errors import Unavailable
from .logs import say
from .models import Entry, Hit, Memory, Remembered

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
P = ParamSpec("P")

MIGRATION_LOCK = 0x6D6370  # "mcp"; advisory locks are numbers

REMEMBER = """
INSERT INTO memories (key, content, tags) VALUES (%(key)s, %(content)s, %(tags)s)
ON CONFLICT (key) DO UPDATE SET content = excluded.content, tags = excluded.tags, updated_at = now()
RETURNING key, xmax = 0 AS created, tags, updated_at
"""

RECALL = "SELECT key, content, tags, created_at, updated_at FROM memories WHERE key = %(key)s"

FORGET = "DELETE FROM memories WHERE key = %(key)s"

# The headline is costly, so only the rows that are shown get one.
SEARCH = """
SELECT key, rank, tags, updated_at,
       ts_headline('english', content, words, 'StartSel=**, StopSel=**, MaxWords=40, MinWords=15') AS snippet
FROM (
    SELECT *, ts_rank_cd(document, words, 1 | 32) AS rank
    FROM memories, websearch_to_tsquery('english', %(query)s) AS words
    WHERE document @@ words AND tags @> %(tags)s
    ORDER BY rank DESC, updated_at DESC, key
    LIMIT %(limit)s
) AS best
ORDER BY rank DESC, updated_at DESC, key
"""

LIST = """
SELECT key, left(content, 120) AS preview, tags, updated_at FROM memories
WHERE tags @> %(tags)s AND updated_at <= %(at)s::timestamptz AND (updated_at < %(at)s::timestamptz OR key > %(key)s)
ORDER BY updated_at DESC, key LIMIT %(limit)s OFFSET %(offset)s
"""

EXPORT = """
SELECT key, content, tags, created_at, updated_at FROM memories WHERE tags @> %(tags)s AND key > %(after)s
ORDER BY key LIMIT %(limit)s
"""

COUNT = "SELECT count(*) FROM memories WHERE tags @> %(tags)s AND key > %(after)s"


def cancelled_once(query: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let a cancelled query tell PostgreSQL to stop, and give its connection back in order.

    The SDK cancels a task again with each step that it takes. A query in a task of its own is cancelled once.
    """

    @functools.wraps(query)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        task = asyncio.create_task(query(*args, **kwargs))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait([task])
            # Looked at, or asyncio would report it as forgotten.
            _ = task.cancelled() or task.exception()
            raise

    return run


class Store:
    """A small pool of connections; opens at once and heals by itself while PostgreSQL is away."""

    def __init__(self, url: str, pool_size: int = 5) -> None:
        self._pool = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=pool_size,
            timeout=2,
            # The pause between attempts doubles; giving up early lets the next request try at once.
            reconnect_timeout=3,
            open=False,
            check=AsyncConnectionPool.check_connection,
            configure=_configure,
            kwargs={"autocommit": True, "connect_timeout": 5, "application_name": "mcp-memory"},
        )
        self.migrated = asyncio.Event()
        """Set once the schema is up to date."""

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Hold the pool open; the schema is brought up to date as soon as PostgreSQL answers."""
        await self._pool.open()
        migration = asyncio.create_task(self._migrate_when_possible())
        try:
            yield
        finally:
            migration.cancel()
            await self._pool.close(timeout=2)

    async def ping(self) -> None:
        """Raise Unavailable unless PostgreSQL answers and the schema is there."""
        async with self._connection() as connection:
            await connection.execute("SELECT 1 FROM memories LIMIT 1")

    @cancelled_once
    async def remember(self, key: str, content: str, tags: tuple[str, ...]) -> Remembered:
        """Write a memory, over the one that was there."""
        (row,) = await self._query(Remembered, REMEMBER, key=key, content=content, tags=list(tags))
        return row

    @cancelled_once
    async def recall(self, key: str) -> Memory | None:
        """Read a memory."""
        return next(iter(await self._query(Memory, RECALL, key=key)), None)

    @cancelled_once
    async def forget(self, key: str) -> bool:
        """Delete a memory; false when there was none."""
        async with self._connection() as connection:
            return (await connection.execute(FORGET, {"key": key})).rowcount > 0

    @cancelled_once
    async def search(self, query: str, limit: int, tags: tuple[str, ...]) -> list[Hit]:
        """Look for words, best first."""
        return await self._query(Hit, SEARCH, query=query, limit=limit, tags=list(tags))

    @cancelled_once
    async def latest(
        self, tags: tuple[str, ...], limit: int, offset: int = 0, after: tuple[str, str] = START_OF_LATEST
    ) -> list[Entry]:
        """One page of all memories, the latest first; `after` is the time and key of the entry before it."""
        at, key = after
        return await self._query(Entry, LIST, tags=list(tags), limit=limit, offset=offset, at=at, key=key)

    @cancelled_once
    async def count(self, tags: tuple[str, ...], after: str = "") -> int:
        """How many memories bear all these tags, and have a key after this one."""
        async with self._connection() as connection:
            row = await (await connection.execute(COUNT, {"tags": list(tags), "after": after})).fetchone()
        return int(row[0]) if row else 0

    @cancelled_once
    async def whole(self, tags: tuple[str, ...], limit: int, after: str = "") -> list[Memory]:
        """Whole memories in the order of their keys."""
        return await self._query(Memory, EXPORT, tags=list(tags), limit=limit, after=after)

    @cancelled_once
    async def remember_all(self, memories: Sequence[tuple[str, str, tuple[str, ...]]]) -> list[Remembered]:
        """Write memories (key, content, tags), all or none of them."""
        rows = [{"key": key, "content": content, "tags": list(tags)} for key, content, tags in memories]
        async with (
            self._connection() as connection,
            connection.transaction(),
            connection.cursor(row_factory=class_row(Remembered)) as cursor,
        ):
            await cursor.executemany(REMEMBER, rows, returning=True)
            return [row async for each in cursor.results() for row in await each.fetchall()]

    async def _query(self, model: type[M], statement: LiteralString, **parameters: object) -> list[M]:
        async with self._connection() as connection, connection.cursor(row_factory=class_row(model)) as cursor:
            await cursor.execute(statement, parameters)
            return await cursor.fetchall()

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        if not self.migrated.is_set():
            raise Unavailable
        try:
            async with self._pool.connection() as connection:
                yield connection
        except psycopg.OperationalError as error:
            raise Unavailable from error

    async def _migrate_when_possible(self) -> None:
        while not self.migrated.is_set():
            try:
                async with self._pool.connection() as connection:
                    await migrate(connection)
                self.migrated.set()
            except psycopg.Error as error:
                say("waiting for PostgreSQL", logging.WARNING, reason=str(error))
                await asyncio.sleep(1)


async def _configure(connection: AsyncConnection) -> None:
    await connection.execute("SET statement_timeout = '10s'")


async def migrate(connection: AsyncConnection) -> None:
    """Apply the migrations that this database has not seen; one process at a time, all or nothing."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, applied_at timestamptz DEFAULT now())"
        )
        cursor = await connection.execute("SELECT name FROM migrations")
        applied = {name for (name,) in await cursor.fetchall()}
        files = (file for file in resources.files(__package__).joinpath("migrations").iterdir())
        for file in sorted(files, key=lambda file: file.name):
            if file.name.endswith(".sql") and file.name not in applied:
                await connection.execute(file.read_bytes())
                await connection.execute("INSERT INTO migrations (name) VALUES (%s)", [file.name])
                say("migrated", migration=file.name)
