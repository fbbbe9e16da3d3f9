"""The door: hosts, origins and tokens, on HTTP and on the WebSocket handshake."""

import pytest
from mcp_memory.door import Door
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

    named = [(name.encode(), value.encode("latin-1")) for name, value in {"host": "mcp.test", **headers}.items()]
    await door({"type": kind, "headers": named, "path": "/", "method": "POST"}, receive, send)
    start = next(message for message in sent if message["type"].endswith("http.response.start"))
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}


@pytest.fixture
def door() -> Door:
    return Door(inside, tokens=("first", "second"), allowed_hosts=("mcp.test", "10.0.0.1:*"))


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


async def test_open_door() -> None:
    assert (await knock(Door(inside, tokens=(), allowed_hosts=("*",)), host="anything"))[0] == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "mcp.test"}, 200),
        ({"host": "10.0.0.1:8000"}, 200),
        ({"host": "mcp.test:8000"}, 421),
        ({"host": "evil.test"}, 421),
        ({"host": "10.0.0.1:8000", "origin": "http://10.0.0.1:8000"}, 200),
        ({"host": "mcp.test", "origin": "https://mcp.test"}, 200),
        ({"host": "mcp.test", "origin": "https://evil.test"}, 403),
    ],
)
async def test_host_and_origin(door: Door, headers: dict[str, str], status: int) -> None:
    assert (await knock(door, authorization="Bearer first", **headers))[0] == status
