"""Fixtures: the services, a schema of its own for each run, and a running server."""

import os
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

FOLDER = Path(__file__).parent
for path in (FOLDER.parent, FOLDER):
    if str(path) not in sys.path:
        sys.path.insert(0, str(path))

from issuer import AUDIENCE, KEYS, STRICT_PORT, Issuer, running_issuer  # noqa: E402
from mcp_memory.cache import Cache  # noqa: E402
from mcp_memory.store import Store  # noqa: E402
from services import SCRAPER, STRICT_TOKENS, RunningServer, postgresql, redis_server, running_server  # noqa: E402


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A schema of its own in PostgreSQL, dropped at the end."""
    schema = f"test_{secrets.token_hex(4)}"
    with postgresql() as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
        yield f"{url}?options=-csearch_path%3D{schema}"
        connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis."""
    if url := os.environ.get("REDIS_URL"):
        yield url
        return
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="session")
def server(database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The server as a process of its own, ready."""
    with running_server(tmp_path_factory.mktemp("server"), database_url, redis_url) as server:
        server.wait_for("/ready")
        yield server


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    """An OAuth issuer with keys of all kinds."""
    with running_issuer("/realm") as issuer:
        for name, (algorithm, key) in KEYS.items():
            issuer.add(name, algorithm, key)
        yield issuer


@pytest.fixture(scope="session")
def strict_server(
    issuer: Issuer, database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A server with everything that is off or generous by default: two processes, OAuth, metrics, few messages."""
    settings = {
        "PORT": str(STRICT_PORT),
        "WORKERS": "2",
        "MCP_TOKENS": ",".join(STRICT_TOKENS.values()),
        "OAUTH_ISSUER": issuer.url,
        "OAUTH_AUDIENCE": AUDIENCE,
        "OAUTH_SCOPES": "mcp:use",
        "RATE_LIMIT_REQUESTS": "50",
        "RATE_LIMIT_SECONDS": "3600",
        "METRICS_TOKEN": SCRAPER,
        "TMPDIR": str(tmp_path_factory.mktemp("tmp")),
    }
    with running_server(tmp_path_factory.mktemp("strict"), database_url, redis_url, **settings) as server:
        server.wait_for("/ready")
        yield server
    # The figures go with the process.
    assert os.listdir(settings["TMPDIR"]) == []


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An open store with its schema."""
    store = Store(database_url, pool_size=2)
    async with store.open():
        await store.migrated.wait()
        yield store


@pytest.fixture
async def cache(redis_url: str) -> AsyncIterator[Cache]:
    """An open cache."""
    cache = Cache(redis_url)
    async with cache.open():
        yield cache


@pytest.fixture
def key() -> str:
    """A key that no other test uses."""
    return f"test-{secrets.token_hex(6)}"
