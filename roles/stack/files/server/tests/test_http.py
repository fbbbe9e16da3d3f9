"""The running server over HTTP: the SDK's own client, and bare requests."""

import httpx2
import psycopg
import pytest
import redis
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from services import TOKEN, RunningServer, wait_for

AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
CALL = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_official_client(server: RunningServer, database_url: str, redis_url: str, key: str, mode: str) -> None:
    async with (
        httpx2.AsyncClient(headers=AUTHORIZED) as http,
        Client(streamable_http_client(f"{server.url}/mcp", http_client=http), mode=mode) as client,
    ):
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names[:5] == ["remember", "recall", "search", "forget", "list_memories"]
        remembered = await client.call_tool("remember", {"content": "Lives in us-east-1.", "key": key, "tags": [key]})
        assert remembered.structured_content["created"] is True
        answers = [(await client.call_tool("recall", {"key": key})).structured_content for _ in range(2)]
        assert [answer["cached"] for answer in answers] == [False, True]
        found = await client.call_tool("search", {"query": "living", "tags": [key]})
        assert found.structured_content["results"][0]["key"] == key
        listing = await client.call_tool("list_memories", {"tag": key})
        assert listing.structured_content["total"] == 1
        with psycopg.connect(database_url) as connection, redis.Redis.from_url(redis_url) as client_of_redis:
            row = connection.execute("SELECT content FROM memories WHERE key = %s", [key]).fetchone()
            assert row == ("Lives in us-east-1.",)
            assert client_of_redis.exists(f"mcp:memory:{key}")
        forgotten = await client.call_tool("forget", {"key": key})
        assert forgotten.structured_content == {"key": key, "forgotten": True}
        assert (await client.call_tool("recall", {"key": key})).is_error


def test_health_and_ready_are_open(server: RunningServer) -> None:
    assert httpx2.get(f"{server.url}/health").json() == {"status": "ok"}
    ready = httpx2.get(f"{server.url}/ready", headers={"Host": "10.1.2.3:8000"})
    assert ready.json() == {"status": "ready", "postgresql": "ok", "redis": "ok"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (CALL | AUTHORIZED, 200),
        (CALL | {"Authorization": "Bearer another-token"}, 200),
        (CALL, 401),
        (CALL | {"Authorization": "Bearer wrong"}, 401),
        (CALL | AUTHORIZED | {"Host": "evil.test"}, 421),
        (CALL | AUTHORIZED | {"Origin": "http://evil.test"}, 403),
        (CALL | AUTHORIZED | {"Content-Type": "text/plain"}, 400),
    ],
)
def test_who_may_post(server: RunningServer, headers: dict[str, str], status: int) -> None:
    response = httpx2.post(f"{server.url}/mcp", json=PING, headers=headers)
    assert response.status_code == status
    assert ("www-authenticate" in response.headers) == (status == 401)


def test_too_large(server: RunningServer) -> None:
    response = httpx2.post(f"{server.url}/mcp", content=b" " * (1024 * 1024 + 1), headers=CALL | AUTHORIZED)
    assert response.status_code == 413


def test_only_post(server: RunningServer) -> None:
    assert httpx2.get(f"{server.url}/mcp", headers=AUTHORIZED).status_code == 405
    assert httpx2.get(f"{server.url}/").status_code == 404


def test_each_request_is_logged(server: RunningServer) -> None:
    def logged() -> list[dict[str, object]]:
        names = ("method", "path", "status", "client")
        return [{name: event[name] for name in names} for event in server.events() if event["event"] == "request"]

    mine = {"method": "POST", "path": "/mcp", "status": 401, "client": "127.0.0.1"}
    before = logged().count(mine)
    httpx2.post(f"{server.url}/mcp", json=PING, headers=CALL | {"Authorization": "Bearer not-for-the-log"})
    wait_for(lambda: logged().count(mine) == before + 1)  # the line comes after the answer
    assert "not-for-the-log" not in server.log.read_text()
