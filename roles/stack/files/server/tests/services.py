"""PostgreSQL and Redis for the tests, started in a temporary folder when the environment names none."""

import asyncio
import contextlib
import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg
import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

DEADLINE = 30
TOKEN = secrets.token_urlsafe(24)
STRICT_TOKENS = {
    name: f"{name}-{secrets.token_hex(8)}" for name in ("metrics", "first", "second", "third", "client", "oauth")
}
"""Tokens of the strict server, one for each test that uses up what a caller may ask."""
SCRAPER = secrets.token_urlsafe(24)
HTTP = httpx2.Client(limits=httpx2.Limits(max_keepalive_connections=0))
"""A connection for each request, so that all processes get some. A client for each would read all certificates anew."""


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(answers: Callable[[], object], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for a service; when it does not come, show its log."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            answers()
            return
        except (OSError, psycopg.Error, redis.RedisError, httpx2.HTTPError) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{process.args!r} does not answer: {error}\n{log.read_text()}")
            time.sleep(0.05)


@contextlib.contextmanager
def running(
    command: list[str], log: Path, user: str | None = None, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a service, its output in a file, until the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, user=user, cwd=log.parent, env=environment
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Yield the URL of a database; skips where no server is installed."""
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "")]
    if not found[-1].is_file():
        pytest.skip("no PostgreSQL: set DATABASE_URL or install the package postgresql")
    user = unprivileged_user()
    # Not pytest's folder: that is open to root alone.
    with tempfile.TemporaryDirectory(prefix="postgresql-") as name:
        folder = Path(name)
        if user:
            shutil.chown(folder, user)
        data, log, port = folder / "data", folder / "postgresql.log", free_port()
        initdb = [str(found[-1]), "-D", str(data), "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder)
        command = [str(found[-1].with_name("postgres")), "-D", str(data), "-p", str(port), "-k", str(folder), "-F"]
        url = f"postgresql://tester@127.0.0.1:{port}/postgres"
        with running([*command, "-h", "127.0.0.1"], log, user) as process:
            wait_until(lambda: psycopg.connect(url, connect_timeout=1).close(), process, log)
            yield url


def unprivileged_user() -> str | None:
    """Whom to run PostgreSQL as when the tests run as root, which it refuses."""
    if os.geteuid() != 0:
        return None
    users = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in users else "nobody"


@contextlib.contextmanager
def redis_server(folder: Path, port: int | None = None) -> Iterator[str]:
    """Yield the URL of a Redis; skips where no server is installed."""
    server = shutil.which("redis-server")
    if not server:
        pytest.skip("no Redis: set REDIS_URL or install the package redis-server")
    port = port or free_port()
    url = f"redis://127.0.0.1:{port}/0"
    command = [server, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
    log = folder / "redis.log"
    with running(command, log) as process:
        wait_until(lambda: redis.Redis.from_url(url).ping(), process, log)
        yield url


class Gate:
    """A TCP port in front of a service, which can be shut."""

    def __init__(self, host: str, port: int) -> None:
        self.port = free_port()
        self._target = (host, port)
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Let connections through."""
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)

    async def shut(self) -> None:
        """Cut all connections and refuse new ones."""
        assert self._server
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _forward(self, client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter) -> None:
        reader, writer = await asyncio.open_connection(*self._target)
        self._writers += [client_writer, writer]
        await asyncio.gather(_copy(client_reader, writer), _copy(reader, client_writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()


@dataclass
class RunningServer:
    """The server under test."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def wait_for(self, path: str) -> None:
        """Wait until the path answers with success."""
        wait_until(lambda: httpx2.get(self.url + path).raise_for_status(), self.process, self.log)

    def events(self) -> list[dict[str, object]]:
        """All lines of the log so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def wait_for(true: Callable[[], bool]) -> None:
    """Wait until it is true what the server did after its answer."""
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(server: RunningServer) -> Samples:
    """Read the figures of the strict server as Prometheus does."""
    answer = HTTP.get(f"{server.url}/metrics", headers={"Authorization": f"Bearer {SCRAPER}", "Host": "10.1.2.3"})
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.raise_for_status().text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """One figure; 0 when nothing was counted."""
    return samples.get((name, frozenset(labels.items())), 0)


@contextlib.contextmanager
def running_server(folder: Path, database_url: str, redis_url: str, **settings: str) -> Iterator[RunningServer]:
    """Start `python -m mcp_memory`, with more settings where a test needs them; it may not be ready yet."""
    port, log = int(settings.get("PORT") or free_port()), folder / "server.log"
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "MCP_TOKENS": f"another-token,{TOKEN}",
        "PORT": str(port),
        "LOG_LEVEL": "DEBUG",
        "STOP_GRACE": "0",
        **settings,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    with running([sys.executable, "-m", "mcp_memory"], log, environment=environment) as process:
        server = RunningServer(process, port, log)
        server.wait_for("/health")
        yield server
