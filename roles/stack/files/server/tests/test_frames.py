"""WebSocket frames: what is read from them, what is written into them."""

import json

import pytest
from mcp_memory.websocket import decode, encode
from mcp_types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"jsonrpc": "2.0", "id": 1, "method": "ping"}, JSONRPCRequest),
        ({"jsonrpc": "2.0", "id": "a", "method": "tools/list", "params": {}}, JSONRPCRequest),
        ({"jsonrpc": "2.0", "method": "notifications/initialized"}, JSONRPCNotification),
        ({"jsonrpc": "2.0", "id": 1, "result": {}}, JSONRPCResponse),
        ({"jsonrpc": "2.0", "id": 1, "error": {"code": -32600, "message": "no"}}, JSONRPCError),
    ],
)
def test_messages_survive(message: dict[str, object], kind: type) -> None:
    decoded = decode(json.dumps(message))
    assert type(decoded) is kind
    assert json.loads(encode(decoded)) == message


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", -32700),
        ("", -32700),
        ("[]", -32600),
        ("{}", -32600),
        ('{"jsonrpc": "1.0", "id": 1, "method": "x"}', -32600),
    ],
)
def test_what_is_no_message(frame: str, code: int) -> None:
    answer = json.loads(encode(decode(frame)))
    assert answer["id"] is None
    assert answer["error"]["code"] == code
