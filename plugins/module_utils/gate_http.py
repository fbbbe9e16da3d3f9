"""One HTTP request to a slot, with the standard library alone, and an end to each wait."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import BadStatusLine, HTTPConnection, HTTPException, HTTPResponse, IncompleteRead, RemoteDisconnected
from urllib.parse import quote, urlsplit

MOST_BYTES = 4 * 1024 * 1024


class Failure(Exception):
    """What a check found.

    :param answer: what the server said, if it said anything.
    :param status: of HTTP; 0 when there was no answer.
    :param late: whether time ran out.
    :param rpc: whether it is an error of JSON-RPC, which only a server of that can send.
    """

    def __init__(self, words: str, answer: str = "", status: int = 0, late: bool = False, rpc: bool = False) -> None:
        super().__init__(words)
        self.answer, self.status, self.late, self.rpc = answer, status, late, rpc


@dataclass(frozen=True)
class Answer:
    """What came back, and how long that took."""

    status: int
    reason: str
    headers: Mapping[str, str]
    text: str
    seconds: float

    @property
    def line(self) -> str:
        return f"{self.status} {self.reason}".strip()


def whole(response: HTTPResponse) -> str:
    """Read the body as text; one that ends before its length, or is endless, is none."""
    body = response.read(MOST_BYTES)
    if response.length:
        raise IncompleteRead(body, response.length)
    return body.decode(errors="replace")


@dataclass(frozen=True)
class Slot:
    """Where a slot listens and how it is spoken to.

    :param url: without a path.
    :param host: Host header; empty: as in `url`.
    :param seconds: until a whole answer has to be there.
    """

    url: str
    host: str = ""
    token: str = field(default="", repr=False)
    seconds: float = 2.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        written = all("!" <= letter <= "~" for letter in parts.netloc) and parts.port != 0
        if parts.scheme != "http" or not parts.hostname or parts.path.strip("/") or not written:
            raise ValueError(f"`{self.url}` is no address of a slot; it looks like http://127.0.0.1:8102")
        if not all("!" <= letter <= "~" for letter in self.token):
            raise ValueError(
                "stack_smoke_test_token holds a character that no bearer token can have (a space, a line's end)"
            )

    @property
    def netloc(self) -> str:
        return urlsplit(self.url).netloc

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        read: Callable[[HTTPResponse], str] = whole,
    ) -> Answer:
        """Send a request and read its answer; raise `Failure` when there is none."""
        start = time.monotonic()
        with closing(self.connection()) as connection, self.within(connection):
            response = self.send(connection, method, path, headers or {}, body)
            text = read(response)
        return Answer(response.status, response.reason, dict(lower(response)), text, time.monotonic() - start)

    def connection(self) -> HTTPConnection:
        """Return a connection that is not open yet."""
        parts = urlsplit(self.url)
        return HTTPConnection(parts.hostname or "", parts.port or 80, timeout=self.seconds)

    def send(
        self, connection: HTTPConnection, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> HTTPResponse:
        """Send a request over a connection and read the head of the answer."""
        # A path as people write it may hold letters that a request cannot; what is escaped already stays so.
        connection.putrequest(
            method, quote(path, safe="/?#[]@!$&'()*+,;=:%-._~"), skip_host=True, skip_accept_encoding=True
        )
        connection.putheader("Host", self.host or self.netloc)
        connection.putheader("User-Agent", "mcp.aws.mcp_gate")
        if self.token:
            connection.putheader("Authorization", f"Bearer {self.token}")
        for name, value in headers.items():
            connection.putheader(name, value)
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        return connection.getresponse()

    @contextmanager
    def within(self, connection: HTTPConnection) -> Iterator[None]:
        """Connect if need be, and cut the connection off when time is up.

        The timeout of a socket counts anew with every byte, so a server that drips would never be late.
        """
        end = time.monotonic() + self.seconds
        try:
            if connection.sock is None:
                connection.connect()
            timer = threading.Timer(max(0.0, end - time.monotonic()), _cut, [connection.sock])
            timer.daemon = True
            timer.start()
            try:
                yield
            finally:
                timer.cancel()
            if time.monotonic() >= end:  # what has no length looks whole when it is cut off
                raise TimeoutError
        except (OSError, HTTPException, ValueError) as error:  # the last for numbers in an answer that are none
            late = isinstance(error, TimeoutError) or time.monotonic() >= end
            words = f"no whole answer within {self.seconds:g} s" if late else _explain(error, self.netloc)
            raise Failure(words, late=late) from error


def lower(response: HTTPResponse) -> Iterator[tuple[str, str]]:
    """The headers, named in small letters."""
    return ((name.lower(), value) for name, value in response.getheaders())


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _explain(error: Exception, netloc: str) -> str:
    if isinstance(error, ConnectionRefusedError):
        return f"nobody listens at {netloc}"
    if isinstance(error, RemoteDisconnected | ConnectionError):
        return "the connection was closed without an answer"
    if isinstance(error, BadStatusLine):
        return f"what answers at {netloc} does not speak HTTP"
    return f"{type(error).__name__}: {error}"
