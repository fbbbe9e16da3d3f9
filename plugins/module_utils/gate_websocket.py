"""A client's end of a WebSocket (RFC 6455), as much of it as an exchange of MCP needs."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPResponse
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils import gate_mcp
from ansible_collections.mcp.aws.plugins.module_utils.gate_http import MOST_BYTES, Failure, Slot, lower, whole

SUBPROTOCOL = "mcp"
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


def accept_key(key: str) -> str:
    """Return what a server has to answer to a key."""
    return base64.b64encode(hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()).decode()


def frame(opcode: int, payload: bytes, mask: bytes) -> bytes:
    """Return one whole frame of a client, which is always masked."""
    size = len(payload)
    if size < 126:
        head = bytes([0x80 | opcode, 0x80 | size])
    elif size < 65536:
        head = bytes([0x80 | opcode, 0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x80 | opcode, 0x80 | 127]) + size.to_bytes(8, "big")
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


def problem(status: int, headers: Mapping[str, str], key: str) -> str:
    """Say what is wrong with the answer to a handshake; nothing when it is right."""
    if status != 101:
        return "it was not answered with 101 Switching Protocols"
    if headers.get("upgrade", "").lower() != "websocket" or "upgrade" not in headers.get("connection", "").lower():
        return "the headers Upgrade and Connection do not switch to a WebSocket"
    if headers.get("sec-websocket-accept") != accept_key(key):
        return f"Sec-WebSocket-Accept is `{headers.get('sec-websocket-accept', '')}`, not that of the key sent"
    if headers.get("sec-websocket-protocol", SUBPROTOCOL) != SUBPROTOCOL:
        return f"it chose the subprotocol `{headers['sec-websocket-protocol']}`, which nobody offered"
    if "sec-websocket-extensions" in headers:
        return f"it chose the extension `{headers['sec-websocket-extensions']}`, which nobody offered"
    return ""


class WebSocket:
    """A connection that has shaken hands."""

    def __init__(self, slot: Slot, path: str) -> None:
        self._slot = slot
        self._connection = slot.connection()
        key = base64.b64encode(os.urandom(16)).decode()
        offer = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Protocol": SUBPROTOCOL,
        }
        try:
            self._response = self._shake(path, offer, key)
        except Failure:
            self._connection.close()
            raise

    def _shake(self, path: str, offer: Mapping[str, str], key: str) -> HTTPResponse:
        with self._slot.within(self._connection):
            response = self._slot.send(self._connection, "GET", path, offer)
            headers = dict(lower(response))
            wrong = problem(response.status, headers, key)
            text = whole(response) if wrong and response.status != 101 else ""
        if wrong:
            line = f"{response.status} {response.reason}".strip()
            raise Failure(f"the handshake was answered with {line}: {wrong}", text or str(headers), response.status)
        self.subprotocol = headers.get("sec-websocket-protocol", "")
        return response

    def request(self, message: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        """Return the result of a request; other messages that come meanwhile are passed over."""
        with self._slot.within(self._connection):
            self._send(TEXT, json.dumps(message).encode())
            while True:
                text = self._receive()
                found = gate_mcp.reply(text, int(message["id"]))
                if found is not None:
                    return gate_mcp.result(str(message["method"]), found)

    def notify(self, message: dict[str, Any], headers: Mapping[str, str]) -> None:
        """Send what wants no answer."""
        with self._slot.within(self._connection):
            self._send(TEXT, json.dumps(message).encode())

    def close(self) -> None:
        """Say good-bye and wait for nothing."""
        with suppress(Failure), self._slot.within(self._connection):
            self._send(CLOSE, (1000).to_bytes(2, "big"))
        self._response.close()
        self._connection.close()

    def _send(self, opcode: int, payload: bytes) -> None:
        self._connection.send(frame(opcode, payload, os.urandom(4)))

    def _receive(self) -> str:
        """Return the next whole message."""
        message = b""
        while True:
            first, second = self._read(2)
            size = second & 0x7F
            if size > 125:
                size = int.from_bytes(self._read(2 if size == 126 else 8), "big")
            if second & 0x80 or first & 0x70 or len(message) + size > MOST_BYTES:
                raise Failure("a frame came that no server may send (masked, with unknown flags, or too long)")
            payload = self._read(size)
            opcode = first & 0x0F
            if opcode == CLOSE:
                code, reason = int.from_bytes(payload[:2], "big"), payload[2:].decode(errors="replace")
                raise Failure(f"the server closed the WebSocket: {code} {reason}".strip())
            if opcode == PING:
                self._send(PONG, payload)
            elif opcode != PONG:
                message += payload
                if first & 0x80:
                    return message.decode(errors="replace")

    def _read(self, size: int) -> bytes:
        # What came right after the head of the answer is in its buffer, so everything is read from there.
        data = self._response.fp.read(size)
        if len(data) < size:
            raise ConnectionResetError("the server ended the connection")
        return data
