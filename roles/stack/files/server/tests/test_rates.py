"""Rate limits against a real Redis: what is counted, for whom, and what callers are told."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import redis
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_memory import rates
from mcp_memory.rates import Limiter, Quota, refusal_of_frame
from services import HTTP, STRICT_TOKENS, TOKEN, RunningServer, free_port, redis_server, scrape, value
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

CALL = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


NO_ONE = Quota(False, 0, 0, -1, 0, 0)


@pytest.fixture
def restricted(redis_url: str) -> Iterator[str]:
    """Redis as the role redis lets its default user use it."""
    user, password = f"test-{secrets.token_hex(4)}", secrets.token_hex(8)
    with redis.Redis.from_url(redis_url) as client:
        client.acl_setuser(
            user, enabled=True, passwords=[f"+{password}"], keys=["*"], commands=["+@all", "-@admin", "-@dangerous"]
        )
        yield redis_url.replace("redis://", f"redis://{user}:{password}@")
        client.acl_deluser(user)


async def test_a_bucket_that_fills_up_again(restricted: str, key: str) -> None:
    one, another = Limiter(restricted, 4, 2), Limiter(restricted, 4, 2)
    async with one.open(), another.open():
        # Two processes share what a caller has.
        quotas = [await each.spend(key) for each in (one, another) * 3]
        assert [quota.allowed for quota in quotas if quota] == [True] * 4 + [False] * 2
        assert [quota.left for quota in quotas if quota] == [3, 2, 1, 0, 0, 0]
        assert quotas[-1] == Quota(False, requests=4, seconds=2, left=0, reset=2, wait=1)
        await asyncio.sleep(0.55)
        after = [await one.spend(key) for _ in range(2)]
        assert [quota.allowed for quota in after if quota] == [True, False]
        other = await one.spend(key + "-other")
        assert other
        assert other.left == 3


async def test_counts_exactly_when_many_ask_at_once(redis_url: str, key: str) -> None:
    limiters = [Limiter(redis_url, 100, 3600) for _ in range(4)]
    quotas = await asyncio.gather(*(limiter.spend(key) for limiter in limiters for _ in range(50)))
    assert sum(quota.allowed for quota in quotas if quota) == 100
    for limiter in limiters:
        async with limiter.open():
            pass


async def test_a_new_limit_begins_anew(redis_url: str, key: str) -> None:
    strict, generous = Limiter(redis_url, 1, 3600), Limiter(redis_url, 100, 60)
    async with strict.open(), generous.open():
        assert [(await strict.spend(key) or NO_ONE).allowed for _ in range(2)] == [True, False]
        assert (await generous.spend(key) or NO_ONE).left == 99


async def test_leaves_nothing_behind(redis_url: str, key: str) -> None:
    limiter = Limiter(redis_url, 10, 1)
    async with limiter.open():
        await limiter.spend(key)
    with redis.Redis.from_url(redis_url) as client:
        assert 0 < client.pttl(f"mcp:rate:10/1:{key}") <= 100


async def test_redis_may_be_away(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    limiter = Limiter(f"redis://127.0.0.1:{port}/0", 1, 60)
    caplog.set_level("INFO", logger="mcp_memory")
    async with limiter.open():
        start = time.monotonic()
        assert [await limiter.spend(key) for _ in range(100)] == [None] * 100
        assert time.monotonic() - start < 1
        monkeypatch.setattr(rates, "AWAY_SECONDS", 0)
        limiter._away_until = 0
        assert await limiter.spend(key) is None
        with redis_server(tmp_path, port) as url:
            quotas = [await limiter.spend(key) for _ in range(2)]
            assert [quota.allowed for quota in quotas if quota] == [True, False]
            # Redis forgets the script when it restarts, and here while the limiter runs.
            with redis.Redis.from_url(url) as client:
                client.script_flush()
                client.flushdb()
            assert (await limiter.spend(key) or quotas[1]).allowed
            # What lies there is no number.
            with redis.Redis.from_url(url) as client:
                client.delete(f"mcp:rate:1/60:{key}")
                client.lpush(f"mcp:rate:1/60:{key}", "x")
            assert await limiter.spend(key) is None
    assert [record.message for record in caplog.records] == [
        "Redis does not answer, requests are not limited",
        "Redis answers again, requests are limited",
        "Redis does not answer, requests are not limited",
    ]


async def test_off() -> None:
    assert await Limiter("redis://127.0.0.1:1/0", 0, 60).spend("x") is None


@pytest.mark.parametrize(
    ("text", "method", "identifier"),
    [
        ('{"jsonrpc": "2.0", "id": 7, "method": "tools/call"}', "tools/call", 7),
        ('{"jsonrpc": "2.0", "id": "a", "method": "ping"}', "ping", "a"),
        ('{"jsonrpc": "2.0", "id": {}, "method": "ping"}', "ping", None),
        ("no json", "", None),
        ("[]", "", None),
        ("[" * 100_000, "", None),
    ],
)
def test_answer_to_a_frame(text: str, method: str, identifier: object) -> None:
    said, answer = refusal_of_frame(text, Quota(False, 10, 60, 0, 60, 6))
    assert said == method
    assert json.loads(answer) == {
        "jsonrpc": "2.0",
        "id": identifier,
        "error": {
            "code": -32003,
            "message": "10 messages in 60 seconds are allowed. Try again in 6 seconds.",
            "data": {"retryAfter": 6},
        },
    }


@pytest.mark.parametrize(
    "text", ['{"jsonrpc": "2.0", "method": "notifications/initialized"}', '{"jsonrpc": "2.0", "id": 1, "result": {}}']
)
def test_frames_without_an_answer(text: str) -> None:
    assert refusal_of_frame(text, Quota(False, 10, 60, 0, 60, 6))[1] == ""


def post(server: RunningServer, token: str, **headers: str) -> httpx2.Response:
    named = CALL | headers | ({"Authorization": f"Bearer {token}"} if token else {})
    return HTTP.post(f"{server.url}/mcp", json=PING, headers=named)


def test_over_http(strict_server: RunningServer) -> None:
    answers = [post(strict_server, STRICT_TOKENS["first"]) for _ in range(51)]
    assert [answer.status_code for answer in answers] == [200] * 50 + [429]
    assert answers[0].headers["ratelimit-policy"] == '"caller";q=50;w=3600'
    assert answers[0].headers["ratelimit"] == '"caller";r=49;t=72'
    assert answers[-1].headers["ratelimit"].startswith('"caller";r=0;t=3')
    assert 60 < int(answers[-1].headers["retry-after"]) <= 72
    assert answers[-1].json()["error"]["code"] == -32003
    # Others are not held up, and neither are those who ask whether the server lives.
    assert post(strict_server, STRICT_TOKENS["second"]).status_code == 200
    assert all(HTTP.get(strict_server.url + "/ready").status_code == 200 for _ in range(3))


async def test_official_client_hears_how_long_to_wait(strict_server: RunningServer) -> None:
    authorized = {"Authorization": f"Bearer {STRICT_TOKENS['client']}"}
    async with (
        httpx2.AsyncClient(headers=authorized) as http,
        Client(streamable_http_client(f"{strict_server.url}/mcp", http_client=http)) as client,
    ):
        while post(strict_server, STRICT_TOKENS["client"]).status_code != 429:
            pass
        with pytest.raises(MCPError) as refused:
            await client.list_tools()
    assert refused.value.error.code == -32003
    assert 60 < refused.value.error.data["retryAfter"] <= 72


def test_guessing_tokens_is_limited_by_address(strict_server: RunningServer) -> None:
    network = f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::"
    addresses = [{"X-Forwarded-For": f"{network}{number}"} for number in range(52)]
    statuses = [
        post(strict_server, f"guess-{number}", **address).status_code for number, address in enumerate(addresses)
    ]
    assert statuses == [401] * 50 + [429] * 2
    # Who has a token comes in from there all the same.
    assert post(strict_server, STRICT_TOKENS["second"], **addresses[0]).status_code == 200


def exchange(connection: ClientConnection, **message: object) -> dict[str, object]:
    connection.send(json.dumps({"jsonrpc": "2.0", **message}))
    return dict(json.loads(connection.recv(timeout=5)))


def test_over_websocket(strict_server: RunningServer) -> None:
    token = STRICT_TOKENS["third"]
    headers = {"Authorization": f"Bearer {token}"}
    mcp = [Subprotocol("mcp")]
    with connect(strict_server.websocket_url, subprotocols=mcp, additional_headers=headers) as connection:
        # With the handshake that makes fifty.
        answers = [exchange(connection, id=number, method="ping") for number in range(49)]
        assert all(answer["result"] == {} for answer in answers)
        # Notifications are dropped, requests are answered, the connection stays.
        connection.send(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        for number in (49, "fifty"):
            answer = exchange(connection, id=number, method="ping")
            assert answer["id"] == number
            assert answer["error"]["code"] == -32003  # type: ignore[index]
    # The limit is one for both transports.
    assert post(strict_server, token).status_code == 429
    figures = scrape(strict_server)
    assert value(figures, "mcp_rate_limited_total", transport="websocket") == 3
    assert value(figures, "mcp_rate_limited_total", transport="http") >= 1


def test_default_is_above_what_the_tests_of_a_deployment_ask(server: RunningServer) -> None:
    answer = post(server, TOKEN)
    assert answer.headers["ratelimit-policy"] == '"caller";q=6000;w=60'
