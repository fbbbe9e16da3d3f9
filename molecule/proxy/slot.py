#!/usr/bin/python3
"""A server for a slot: it says what it got, streams, echoes over a WebSocket, and is ready unless a file says no."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

NAME, PORT = sys.argv[1], int(sys.argv[2])


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Serve what the path names."""
        url = urlsplit(self.path)
        if url.path == "/ready":
            self.say({"slot": NAME}, 503 if Path(f"/run/{NAME}-is-not-ready").exists() else 200)
        elif url.path == "/events":
            self.events(parse_qs(url.query))
        elif url.path == "/ws":
            self.websocket()
        else:
            time.sleep(float(parse_qs(url.query).get("work", ["0"])[0]))
            self.say({"slot": NAME, "headers": dict(self.headers), "body": 0})

    def do_POST(self) -> None:
        """Read the body and say how long it was."""
        length = int(self.headers.get("Content-Length") or 0)
        read = len(self.rfile.read(length))
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline(), 16):
                read += len(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
        self.say({"slot": NAME, "headers": dict(self.headers), "body": read})

    def say(self, answer: dict[str, object], status: int = 200) -> None:
        """Send an answer as JSON."""
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def events(self, query: dict[str, list[str]]) -> None:
        """Stream `count` events, `pause` seconds apart."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for number in range(int(query["count"][0])):
            self.wfile.write(f"data: {NAME} {number}\n\n".encode())
            self.wfile.flush()
            time.sleep(float(query["pause"][0]))

    def websocket(self) -> None:
        """Accept, then send every byte back: an echo of frames as they are is enough for a test."""
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        digest = hashlib.sha1(key.encode(), usedforsecurity=False).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        while piece := self.connection.recv(4096):
            self.wfile.write(piece)
        self.close_connection = True

    def log_message(self, *_words: object) -> None:
        """Stay silent."""


ThreadingHTTPServer.request_queue_size = 256
ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
