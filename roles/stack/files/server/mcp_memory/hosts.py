"""Which names the server answers to: Host headers, and the origins of web pages that may speak to it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

ANY = "*"
LOOPBACK = ("127.0.0.1:*", "localhost:*", "[::1]:*")
"""Always answered to: a page that rebinds its own name to this address still sends its own name."""

# A name, an IPv4 address or an IPv6 address in brackets; then a port.
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_ALLOWED = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._*-]+)(?::(?P<port>[0-9]{1,5}|\*))?")
_ORIGIN = re.compile(r"https?://(?P<host>.+)", re.IGNORECASE)


def read_allowed(text: str) -> tuple[str, ...]:
    """Read the names of a comma separated list; raises ValueError."""
    names = tuple(item.strip() for item in text.split(",") if item.strip())
    for name in names:
        match = _ALLOWED.fullmatch(name)
        if name != ANY and (match is None or not match["name"].strip("*.")):
            raise ValueError("holds what is none of name, name:port, name:* and *; IPv6 addresses stand in brackets")
    return names


class Hosts:
    """The names that were allowed, and those of loopback."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self._any = ANY in allowed
        self._known = re.compile("|".join(_pattern(name) for name in (*LOOPBACK, *allowed) if name != ANY))

    def knows(self, host: str) -> bool:
        """Whether a Host header is allowed."""
        match = _HOST.fullmatch(host)
        return self._any or bool(match and self._known.fullmatch(_plain(match["name"]) + ":" + (match["port"] or "")))

    def knows_origin(self, origin: str) -> bool:
        """Whether a web page from there may speak to the server."""
        match = _ORIGIN.fullmatch(origin)
        return self._any or bool(match and self.knows(match["host"]))


def _plain(name: str) -> str:
    """Upper case means the same, and so does the dot at the end of a full name."""
    return name.lower().removesuffix(".")


def _pattern(allowed: str) -> str:
    """Expression for `name:port`; `*` in a name stands for a part of it without dots, and as port for any and none."""
    match = _ALLOWED.fullmatch(allowed)
    if match is None:
        raise ValueError(f"{allowed} is no name")
    port = match["port"] or ""
    return re.escape(_plain(match["name"])).replace(r"\*", "[a-z0-9_-]+") + ":" + ("[0-9]*" if port == "*" else port)
