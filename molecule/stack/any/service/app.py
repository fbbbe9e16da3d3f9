"""A server that was written for another place: health at `/`, MCP and its WebSocket at `/mcp`, a folder for logs."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "any", "version": "1"}}
TOOL = {"name": "where", "description": "Says where it runs.", "inputSchema": {"type": "object"}}


def answer(message: dict[str, Any]) -> dict[str, Any] | None:
    """Answer a message of MCP; a notification wants none."""
    results: dict[str, Any] = {
        "initialize": HELLO,
        "tools/list": {"tools": [TOOL]},
        "tools/call": {"content": [{"type": "text", "text": os.getcwd()}]},
    }
    if "id" not in message:
        return None
    known = message["method"] in results
    said = {"result": results[message["method"]]} if known else {"error": {"code": -32601, "message": "unknown"}}
    return {"jsonrpc": "2.0", "id": message["id"], **said}


def redis() -> str:
    """Return what Redis says to a stranger, where one is named."""
    if not os.environ.get("REDIS_HOST"):
        return ""
    with socket.create_connection((os.environ["REDIS_HOST"], 6379), timeout=2) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(100).decode().strip()


class Handler(BaseHTTPRequestHandler):
    """The three paths that there are."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        with open("logs/access.log", "a") as log:
            log.write(f"{self.path}\n")
        if self.path == "/mcp" and self.headers.get("Upgrade") == "websocket":
            self.converse()
        elif self.path == "/":
            names = ("LEVEL", "TOKEN", "DATABASE_URL")
            self.say(200, {"redis": redis(), **{name: os.environ.get(name) for name in names}})
        else:
            self.say(404, {})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = answer(asked)
        self.say(200 if said else 202, said)

    def converse(self) -> None:
        """Speak over a WebSocket, in short frames, until the client says good-bye."""
        key = self.headers["Sec-WebSocket-Key"] + GUID
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        accepted = hashlib.sha1(key.encode(), usedforsecurity=False).digest()
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(accepted).decode())
        self.end_headers()
        self.close_connection = True
        while (head := self.rfile.read(2)) and head[0] & 0x0F == 1:
            size = head[1] & 0x7F
            size = int.from_bytes(self.rfile.read(2), "big") if size == 126 else size
            mask, masked = self.rfile.read(4), self.rfile.read(size)
            said = answer(json.loads(bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))))
            if said:
                text = json.dumps(said).encode()
                self.wfile.write(bytes([0x81, 126]) + len(text).to_bytes(2, "big") + text)

    def say(self, status: int, body: object) -> None:
        """Send an answer."""
        text = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


if __name__ == "__main__":
    ThreadingHTTPServer(("", 3000), Handler).serve_forever()
