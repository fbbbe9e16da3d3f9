"""The smoke test with whatever a server may answer: each answer is a finding, and no question is sent malformed."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import io
import json
from contextlib import suppress
from http.client import HTTPConnection
from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils import gate, gate_mcp, gate_memory, gate_websocket
from ansible_collections.mcp.aws.plugins.module_utils.gate_http import Answer, Failure, Slot
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.odd_values import JSON, TEXT
from tests.unit.test_gate import PARAMS

URL = "http://127.0.0.1:8102"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
DEEP = "[" * 20_000


class Line:
    """A socket that has been answered already."""

    def __init__(self, answer: bytes) -> None:
        self.answer, self.sent = answer, b""

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def makefile(self, *_: Any) -> io.BytesIO:
        return io.BytesIO(self.answer)

    def shutdown(self, _how: int) -> None:
        """Nobody waits."""

    def close(self) -> None:
        """Nothing is open."""


class Wired(Slot):
    """A slot at the other end of a `Line`."""

    line = Line(EMPTY)

    def connection(self) -> HTTPConnection:
        connection = super().connection()
        connection.sock = self.line
        return connection


def wired(answer: bytes, **how: Any) -> Wired:
    slot = type("Kind", (Wired,), {"line": Line(answer)})(URL, seconds=30.0, **how)
    assert isinstance(slot, Wired)
    return slot


# Questions


@given(TEXT.map(lambda path: f"/{path}"), TEXT)
@example("/müp", "")
@example("/a b\r\nX: 1", "")
@example("/%C3%BC?a=b&c", "a\r\nX: 1")
def test_any_path_makes_one_line_of_a_request(path: str, host: str) -> None:
    slot = wired(EMPTY, host=host)
    if not host.isascii() or not host.isprintable():
        with suppress(Failure):
            slot.ask("GET", path)
        assert b"\nX: 1" not in slot.line.sent
        return
    assert slot.ask("GET", path).status == 200
    lines = slot.line.sent.split(b"\r\n")
    assert len(lines) == 5
    assert lines[0].isascii()
    assert lines[0].split(b" ")[::2] == [b"GET", b"HTTP/1.1"]
    assert len(lines[0].split(b" ")) == 3


@given(TEXT)
@example("a\nb")
@example("€")
def test_any_token_is_carried_whole_or_refused_without_being_shown(text: str) -> None:
    token = f"of-secrets{text}"
    if not token.isascii() or not token.isprintable() or " " in token:
        with pytest.raises(ValueError, match="stack_smoke_test_token") as refused:
            wired(EMPTY, token=token)
        assert "of-secrets" not in str(refused.value)
        return
    slot = wired(EMPTY, token=token)
    slot.ask("GET", "/")
    assert f"\r\nAuthorization: Bearer {token}\r\n".encode() in slot.line.sent
    assert token not in repr(slot)


@given(
    st.text(max_size=20) | TEXT.map(lambda rest: f"http://{rest}") | st.integers().map(lambda port: f"http://h:{port}")
)
@example("http://[")
@example("http://h:99999")
@example("http://h:x")
@example("HTTP:// ")
def test_any_address_is_one_of_a_slot_or_refused(url: str) -> None:
    try:
        slot = Slot(url)
    except ValueError:
        return
    connection = slot.connection()
    assert connection.host
    assert 0 <= connection.port < 65536


@given(st.text())
@example("=?base64?YQ==?=")
@example(" a")
@example("a\r\nX: 1")
def test_a_header_holds_any_text_and_gives_it_back(text: str) -> None:
    written = gate_mcp.header_value(text)
    assert written.isascii()
    assert written == written.strip()
    assert written == "" or written.isprintable()
    coded = written.startswith("=?base64?")
    assert (base64.b64decode(written[9:-2]).decode() if coded else written) == text


SCHEMAS = st.recursive(
    st.fixed_dictionaries({}, optional={"x-mcp-header": TEXT | JSON, "type": TEXT}) | JSON,
    lambda inner: st.fixed_dictionaries({"properties": st.dictionaries(TEXT, inner, max_size=3)}),
    max_leaves=6,
)


def filled(schema: Any, value: Any) -> Any:
    """Return arguments that a schema asks for, each with the value."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return {name: filled(inner, value) for name, inner in properties.items()} if isinstance(properties, dict) else value


@given(SCHEMAS, JSON)
def test_any_schema_mirrors_arguments_as_headers_that_can_be_sent(schema: Any, value: Any) -> None:
    for arguments in (value, filled(schema, value)):
        headers = gate_mcp.mirrored(schema, arguments)
        assert all(name.startswith("Mcp-Param-") for name in headers)
        assert all(text.isascii() and (not text or text.isprintable()) for text in headers.values())
        assert headers == gate_mcp.mirrored(schema, arguments)
    assert gate_mcp.mirrored(schema, {}) == {}


# Answers


@given(st.text() | JSON.map(json.dumps))
@example(DEEP)
@example(f"data: {DEEP}\n\n")
@example('{"id": 7, "result": NaN}')
def test_an_answer_in_any_body_is_a_message_of_that_number_or_none(text: str) -> None:
    found = gate_mcp.reply(text, 7)
    assert found is None or found.get("id") == 7 or ("error" in found and found.get("id") is None)


@given(JSON, st.lists(JSON, max_size=2), st.integers(1, 2**53), st.sampled_from([None, 1]))
def test_an_answer_is_found_among_others_in_each_of_its_forms(
    result: Any, others: list[Any], number: int, indent: int | None
) -> None:
    message = {"jsonrpc": "2.0", "id": number, "result": result}
    ping = {"jsonrpc": "2.0", "id": number, "method": "ping"}
    harmless = [other for other in others if not isinstance(other, dict)]
    text = json.dumps(message, indent=indent)
    events = [json.dumps(other) for other in (ping, *harmless)] + [text]
    stream = "".join("".join(f"data: {line}\n" for line in event.split("\n")) + "\n" for event in events)
    batch = json.dumps([*harmless, ping, message])
    for body in (text, batch, stream, stream.replace("\n", "\r\n")):
        assert gate_mcp.reply(body, number) == message


HEAD = st.sampled_from(
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 99999 \xff\r\n\r\n",
    ]
)


@given(
    st.lists(HEAD, max_size=2).map(b"".join), st.binary(max_size=40) | st.text("0123456789abcdef-\r\n").map(str.encode)
)
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"-1\r\n")
@example(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200, b"\r\n")
def test_any_bytes_are_a_whole_answer_or_a_failure(head: bytes, rest: bytes) -> None:
    try:
        answer = wired(head + rest).ask("GET", "/")
    except Failure as failure:
        found = str(failure)
    else:
        found = answer.line
        assert 100 <= answer.status <= 999
        assert found.startswith(str(answer.status))
        assert all(name == name.lower() for name in answer.headers)
    assert found


# What Gate makes of them


class Odd:
    """A slot that answers each question with the next of some answers, the last for ever."""

    url, netloc, host = URL, "127.0.0.1:8102", ""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers = answers

    def ask(self, method: str, path: str, headers: Any = None, body: bytes = b"", read: Any = None) -> Answer:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if method != "POST" or not answer.text.startswith("@"):
            return answer
        message = {"jsonrpc": "2.0", "id": json.loads(body).get("id"), **json.loads(answer.text[1:])}
        return Answer(answer.status, answer.reason, answer.headers, json.dumps(message), answer.seconds)


RESULTS = st.fixed_dictionaries(
    {},
    optional={
        "protocolVersion": JSON | st.sampled_from([gate_mcp.HANDSHAKE, gate_mcp.STATELESS]),
        "supportedVersions": JSON | st.just([gate_mcp.STATELESS]),
        "tools": JSON
        | st.lists(st.fixed_dictionaries({"name": JSON | st.just("echo")}, optional={"inputSchema": JSON})),
        "nextCursor": JSON,
        "content": JSON | st.lists(JSON),
        "isError": JSON,
    },
)
BODIES = st.one_of(
    st.text(),
    (st.fixed_dictionaries({"result": RESULTS | JSON}) | st.fixed_dictionaries({"error": JSON})).map(
        lambda said: f"@{json.dumps(said)}"
    ),
)
LOCATIONS = st.sampled_from(["http://[", "/m\xe9", "https://127.0.0.1:8102/", "//", URL + "/x?y#z"]) | TEXT
ANSWERS = st.builds(
    Answer,
    st.sampled_from([200, 200, 200, 202, 307, 308, 400, 401, 404, 429, 500]),
    TEXT,
    st.fixed_dictionaries({}, optional={"location": LOCATIONS, "mcp-session-id": TEXT, "content-type": TEXT}),
    BODIES,
    st.floats(0, 2),
)


@given(st.lists(ANSWERS, min_size=1, max_size=6), st.sampled_from(["", "/mcp", "/müp"]))
@example([Answer(200, "OK", {}, DEEP, 0.1)], "/mcp")
@example([Answer(307, "", {"location": "http://["}, "", 0.1)], "/mcp")
@example([Answer(200, "OK", {}, '@{"result": {"protocolVersion": "x", "tools": [[]], "nextCursor": []}}', 0.1)], "/mcp")
def test_whatever_a_server_answers_is_a_finding_of_each_check(answers: list[Answer], path: str) -> None:
    params = {**PARAMS, "url": URL, "mcp_path": path, "websocket_path": ""}
    asked = gate.Gate(params, lambda _: gate_memory.Memory(1, 2))
    asked.slot = Odd(answers)
    asked._http = gate_mcp.Http(asked.slot, path)
    checks = asked.run()
    assert [check["id"] for check in checks] == list(gate.CHECKS)
    for check in checks:
        assert isinstance(check["measured"], str)
        assert check["ok"] or check["remedy"]
        assert len(check["answer"]) <= gate.ANSWER_LETTERS
    json.dumps(checks)
    told = gate.message(checks)
    assert bool(told) is not all(check["ok"] for check in checks)
    assert all(check["id"] in told for check in checks if not check["ok"])


# WebSocket


class Frames(gate_websocket.WebSocket):
    """A WebSocket whose server has sent all its frames."""

    def __init__(self, data: bytes) -> None:
        self._response: Any = type("Response", (), {"fp": io.BytesIO(data)})()
        self.sent: list[tuple[int, bytes]] = []

    def _send(self, opcode: int, payload: bytes) -> None:
        self.sent.append((opcode, payload))


def served(opcode: int, payload: bytes) -> bytes:
    """Return a frame as a server sends it: that of a client without its mask."""
    head = bytearray(gate_websocket.frame(opcode & 0x0F, payload, bytes(4)))
    size = len(head) - 4 - len(payload)
    head[0], head[1] = opcode, head[1] & 0x7F
    return bytes(head[:size]) + payload


@given(st.binary(max_size=60))
@example(b"\x88\x00")
@example(b"\x81\x7f" + b"\xff" * 8)
@example(b"\x89\x00\x89\x00")
def test_any_frames_are_a_text_or_a_failure(data: bytes) -> None:
    with suppress(Failure, ConnectionError):
        assert isinstance(Frames(data)._receive(), str)
    with pytest.raises((Failure, ConnectionError)):
        Frames(served(0x81, data)[:-1])._receive()


@given(st.text(), st.sampled_from([0, 1, 60_000, 70_000]), st.binary(max_size=9), st.data())
def test_a_message_is_read_whole_from_however_many_frames(
    text: str, more: int, ping: bytes, data: st.DataObject
) -> None:
    payload = text.encode() + b"x" * more
    cut = data.draw(st.integers(0, len(payload)))
    socket = Frames(served(0x01, payload[:cut]) + served(0x89, ping) + served(0x80, payload[cut:]))
    assert socket._receive() == payload.decode()
    assert socket.sent == [(gate_websocket.PONG, ping)]


# Memory and times


@given(
    st.integers(0, 2**50),
    st.integers(0, 2**50),
    st.dictionaries(
        st.sampled_from(["active_file", "total_inactive_file", "slab_reclaimable", "x"]), st.integers(0, 2**50)
    ),
    st.booleans(),
)
def test_used_memory_is_measured_between_nothing_and_all(
    usage: int, limit: int, stats: dict[str, int], killed: bool
) -> None:
    try:
        found = gate_memory.read(
            {"memory_stats": {"usage": usage, "limit": limit, "stats": stats}}, {"OOMKilled": killed}
        )
    except Failure:
        assert not usage or not limit
        return
    assert 0 <= found.used <= usage
    assert found.killed is killed
    assert str(found)


@given(st.lists(st.floats(0, 1e9), max_size=30), st.floats(0, 100), st.floats(0, 100))
def test_a_percentile_is_one_of_the_values_and_grows_with_its_rank(
    values: list[float], rank: float, other: float
) -> None:
    low, high = (gate.percentile(values, each) for each in sorted([rank, other]))
    assert low <= high
    assert {low, high} <= {*values} or (not values and low == high == 0)
    assert gate.percentile(values, 100) == max(values, default=0)
