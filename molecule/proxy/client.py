#!/usr/bin/python3
"""Clients of the proxy that a shell cannot play, each of which prints what it met as one line of JSON."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

ADDRESS = ("127.0.0.1", 8000)
STOP = Path("/run/client-stop")


def fetch(
    method: str, path: str, headers: dict[str, str], body: str, source: str, port: int = ADDRESS[1]
) -> dict[str, Any]:
    """One request from an address of the host."""
    connection = http.client.HTTPConnection(ADDRESS[0], port, timeout=15, source_address=(source, 0))
    with contextlib.suppress(OSError):  # who is refused may still be sending
        connection.request(method, path, body or None, headers, encode_chunked="Transfer-Encoding" in headers)
    answer = connection.getresponse()
    return {"status": answer.status, "headers": dict(answer.getheaders()), "body": answer.read().decode()}


def raw(pieces: list[str], pause: float, wait: float) -> dict[str, Any]:
    """Send bytes in pieces until something comes back; say what, and when the proxy closed."""
    start, got, closed = time.monotonic(), b"", False
    with socket.create_connection(ADDRESS) as connection:
        while not closed:
            if pieces and not got:
                connection.sendall(pieces.pop(0).encode())
            connection.settimeout(pause if pieces else wait)
            try:
                piece = connection.recv(65536)
            except TimeoutError:
                if not pieces:
                    break
            else:
                got, closed = got + piece, not piece
    return {"closed": closed, "got": got.decode(), "seconds": time.monotonic() - start}


def burst(requests: int, source: str, behind: str = "") -> dict[str, int]:
    """Count the statuses of many requests over one connection, made for a client behind the source if one is named."""
    connection = http.client.HTTPConnection(*ADDRESS, timeout=15, source_address=(source, 0))
    statuses: Counter[str] = Counter()
    for _ in range(requests):
        connection.request("GET", "/", headers={"X-Forwarded-For": behind} if behind else {})
        answer = connection.getresponse()
        answer.read()
        statuses[str(answer.status)] += 1
    return statuses


def relayed(source: str, clients: list[str]) -> dict[str, Any]:
    """Requests for several clients over one connection, and whom the slot took each of them for."""
    connection = http.client.HTTPConnection(*ADDRESS, timeout=15, source_address=(source, 0))
    seen = []
    for name in clients:
        connection.request("GET", "/", headers={"X-Forwarded-For": name} if name else {})
        seen.append(json.loads(connection.getresponse().read())["headers"]["x-forwarded-for"])
    return {"seen": seen}


def connections(number: int, source: str) -> dict[str, int]:
    """Open many connections at once, and count those that are served."""
    outcomes: Counter[str] = Counter()
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            try:
                connection = stack.enter_context(socket.create_connection(ADDRESS, 5, (source, 0)))
                connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                outcomes["served" if connection.recv(12).endswith(b"200") else "refused"] += 1
            except OSError:
                outcomes["refused"] += 1
    return outcomes


def secure(path: str) -> dict[str, Any]:
    """One request over TLS."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(ADDRESS[0], 8443, timeout=15, context=context)
    connection.request("GET", path)
    answer = connection.getresponse()
    return {"status": answer.status, "headers": dict(answer.getheaders()), "body": answer.read().decode()}


def websocket(silence: float, token: str = "") -> dict[str, str]:
    """Open a WebSocket, with a token if there is one, be silent, then send something."""
    with socket.create_connection(ADDRESS, timeout=15) as connection:
        connection.sendall(upgrade(token))
        status = connection.recv(4096).split()[1].decode()
        if status != "101":
            return {"status": status, "echo": ""}
        time.sleep(silence)
        connection.sendall(b"still here")
        return {"status": status, "echo": connection.recv(64).decode()}


class Load:
    """Constant load until a file says stop: requests on kept and on new connections, a stream, a WebSocket."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.counts: Counter[str] = Counter()
        self.problems: Counter[str] = Counter()

    @property
    def headers(self) -> dict[str, str]:
        """What says who asks."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def requests(self, keep: bool) -> None:
        """Ask again and again."""
        connection = http.client.HTTPConnection(*ADDRESS, timeout=15, source_address=("127.0.0.2", 0))
        while not STOP.exists():
            try:
                connection.request("GET", "/", headers=self.headers)
                answer = connection.getresponse()
                slot = json.loads(answer.read())["slot"]
                self.counts[f"{answer.status} {slot} {'kept' if keep else 'new'}"] += 1
            except Exception as error:
                self.problems[f"request: {error!r}"] += 1
                connection.close()
            if not keep:
                connection.close()
            time.sleep(0.01)

    def events(self) -> None:
        """Read a stream of events that has no gap."""
        connection = http.client.HTTPConnection(*ADDRESS, timeout=15, source_address=("127.0.0.2", 0))
        connection.request("GET", "/events?count=100000&pause=0.1", headers=self.headers)
        answer = connection.getresponse()
        number = 0
        while not STOP.exists():
            line = answer.readline().decode().strip()
            if not line and answer.isclosed():
                self.problems["stream: cut"] += 1
                return
            if line:
                self.problems["stream: gap"] += int(not line.endswith(f" {number}"))
                number += 1
                self.counts["events"] += 1

    def websocket(self) -> None:
        """Send frames and get them back over one connection."""
        with socket.create_connection(ADDRESS, timeout=15, source_address=("127.0.0.2", 0)) as connection:
            connection.sendall(upgrade(self.token))
            while b"\r\n\r\n" not in connection.recv(4096):
                pass
            number = 0
            while not STOP.exists():
                frame = b"\x82\x08" + number.to_bytes(8, "big")
                connection.sendall(frame)
                if connection.recv(64) != frame:
                    self.problems["websocket: cut"] += 1
                    return
                number += 1
                self.counts["frames"] += 1
                time.sleep(0.05)

    def run(self) -> dict[str, dict[str, int]]:
        """Let all of them work."""
        STOP.unlink(missing_ok=True)
        works = [lambda: self.requests(True)] * 2 + [lambda: self.requests(False)] * 2 + [self.events, self.websocket]
        threads = [threading.Thread(target=work) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {"counts": self.counts, "problems": +self.problems}


def upgrade(token: str) -> bytes:
    """The request for a WebSocket."""
    head = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    head += f"Authorization: Bearer {token}\r\n" if token else ""
    return f"{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()


VERBS: dict[str, Callable[..., dict[str, Any]]] = {
    "fetch": fetch,
    "raw": raw,
    "burst": burst,
    "connections": connections,
    "relayed": relayed,
    "secure": secure,
    "websocket": websocket,
    "load": lambda token="": Load(token).run(),
}
print(json.dumps(VERBS[sys.argv[1]](*json.loads(sys.argv[2]))))
