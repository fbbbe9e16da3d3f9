"""Which names the server answers to: Host headers, and the origins of web pages that may speak to it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

ANY = "*"
LOOPBACK = ("127.0.0.1:*", "localhost:*", "[::1]:*")
"""Always answered to: a page that rebinds its own name to this address still sends its own name."""

# A name, an IPv4 address or an IPv6 address in brackets; then a port.
_NAME = r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
_HOST = re.compile(rf"{_NAME}(?::(?P<port>[0-9]{{1,5}}))?")
_ALLOWED = re.compile(rf"{_NAME}(?::(?P<port>[0-9]{{1,5}}|\*))?")
_ORIGIN = re.compile(r"https?://(?P<host>.+)", re.IGNORECASE)


def read_allowed(text: str) -> tuple[str, ...]:
    """Read the names of a comma separated list; raises ValueError."""
    names = tuple(item.strip() for item in text.split(",") if item.strip())
    if not all(name == ANY or _ALLOWED.fullmatch(name) for name in names):
        raise ValueError("holds what is none of name, name:port, name:* and *; IPv6 addresses stand in brackets")
    return names


class Hosts:
    """The names that were allowed, and those of loopback."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self._any = ANY in allowed
        self._known = {_split(_ALLOWED, name) for name in (*LOOPBACK, *allowed) if name != ANY}

    def knows(self, host: str) -> bool:
        """Whether a Host header is allowed. `name:*` takes any port, and none."""
        if self._any:
            return True
        name, port = _split(_HOST, host)
        return (name, port) in self._known or (name, "*") in self._known

    def knows_origin(self, origin: str) -> bool:
        """Whether a web page from there may speak to the server."""
        match = _ORIGIN.fullmatch(origin)
        return self._any or bool(match and self.knows(match["host"]))


def _split(pattern: re.Pattern[str], host: str) -> tuple[str, str]:
    """Name and port; upper case means the same, and so does the dot at the end of a full name."""
    match = pattern.fullmatch(host)
    return (match["name"].lower().removesuffix("."), match["port"] or "") if match else ("", "")
