"""The door: hosts, origins and tokens, on HTTP and on the WebSocket handshake."""

import pytest
from mcp_memory.auth import TOKEN_CHARACTERS, Guard, address_of
from mcp_memory.door import Door
from mcp_memory.hosts import Hosts
from mcp_memory.rates import Limiter
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send


async def inside(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("inside")(scope, receive, send)


async def knock(door: Door, kind: str = "http", **headers: str) -> tuple[int, dict[str, str]]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("the door reads no body")

    named = [
        (name.lower().encode(), value.encode("latin-1")) for name, value in {"host": "mcp.test", **headers}.items()
    ]
    await door({"type": kind, "headers": named, "path": "/", "method": "POST"}, receive, send)
    start = next(message for message in sent if message["type"].endswith("http.response.start"))
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}


def made(tokens: tuple[str, ...], allowed_hosts: tuple[str, ...]) -> Door:
    nobody_counts = Limiter("redis://127.0.0.1:1/0", requests=0, seconds=60)
    return Door(inside, Hosts(allowed_hosts), Guard(tokens, verifier=None), nobody_counts)


ALLOWED = ("mcp.test", "Named.Test.:*", "10.0.0.1:*", "[2001:db8::1]:8000", "balancer-*.zone.test:*")


@pytest.fixture
def door() -> Door:
    return made(("first", "second"), ALLOWED)


@pytest.mark.parametrize("token", ["first", "second"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_known_token(door: Door, scheme: str, token: str) -> None:
    assert (await knock(door, authorization=f"{scheme} {token}"))[0] == 200


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("value", ["", "Bearer", "Bearer firs", "Bearer first second", "Basic first", "Bearer \xfc"])
async def test_unknown_token(door: Door, kind: str, value: str) -> None:
    status, headers = await knock(door, kind, authorization=value)
    assert status == 401
    assert headers["www-authenticate"].startswith('Bearer realm="mcp"')


async def test_tokens_have_a_largest_length(door: Door) -> None:
    status, headers = await knock(door, authorization=f"Bearer {'x' * (TOKEN_CHARACTERS + 1)}")
    assert status == 401
    assert 'error_description="The token is too long"' in headers["www-authenticate"]


async def test_two_tokens_are_none(door: Door) -> None:
    # Which of them counts, proxy and server might see differently.
    status, headers = await knock(door, authorization="Bearer first", Authorization="Bearer wrong")
    assert status == 400
    assert 'error="invalid_request"' in headers["www-authenticate"]


async def test_open_door() -> None:
    assert (await knock(made((), ("*",)), host="anything"))[0] == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "mcp.test"}, 200),
        ({"host": "MCP.Test."}, 200),
        ({"host": "mcp.test:8000"}, 421),
        ({"host": "10.0.0.1:8000"}, 200),
        ({"host": "10.0.0.1"}, 200),
        ({"host": "named.test:80"}, 200),
        ({"host": "Balancer-123.zone.test"}, 200),
        ({"host": "balancer-1.evil.test:80"}, 421),
        ({"host": "balancer-1.evil.zone.test"}, 421),
        ({"host": "balancer-.zone.test"}, 421),
        ({"host": "[2001:DB8::1]:8000"}, 200),
        ({"host": "[2001:db8::1]:8001"}, 421),
        # The gate, the watchdog and whoever else asks on the host itself.
        ({"host": "127.0.0.1:8102"}, 200),
        ({"host": "127.0.0.1"}, 200),
        ({"host": "[::1]:8000"}, 200),
        ({"host": "evil.test"}, 421),
        ({"host": "mcp.test.evil.test"}, 421),
        ({"host": "127.0.0.1:8102@evil.test"}, 421),
        ({"host": "127.0.0.1:8102:evil"}, 421),
        ({"host": ""}, 421),
        ({"host": "*"}, 421),
        ({"host": "10.0.0.1:8000", "origin": "http://10.0.0.1:8000"}, 200),
        ({"host": "mcp.test", "origin": "https://mcp.test"}, 200),
        ({"host": "mcp.test", "origin": "https://evil.test"}, 403),
        ({"host": "mcp.test", "origin": "null"}, 403),
        ({"host": "mcp.test", "origin": "file://mcp.test"}, 403),
        ({"host": "127.0.0.1:8000", "origin": "http://evil.test"}, 403),
    ],
)
async def test_host_and_origin(door: Door, headers: dict[str, str], status: int) -> None:
    assert (await knock(door, authorization="Bearer first", **headers))[0] == status


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("192.0.2.1", "address:192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::"),
        ("fe80::1%eth0", "address:fe80::"),
        ("", "address:"),
    ],
)
def test_address_of_a_caller(host: str, name: str) -> None:
    assert address_of(HTTPConnection({"type": "http", "client": (host, 1), "headers": []})) == name
