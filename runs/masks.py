"""Keeps secrets that a run was given out of everything it writes down, also where a task prints them by mistake."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

MASK = "********"
SECRET = re.compile(r"passw|passphrase|secret|token|credential|private_?key|api_?key|access_?key(?!_id)", re.I)
SHORTEST = 6  # a shorter value would hide half of the output


class Masks:
    """The values of those variables whose names say that they are secrets."""

    def __init__(self, *variables: Mapping[str, Any]) -> None:
        found = {value for mapping in variables for value in _secrets(mapping) if len(value) >= SHORTEST}
        self._plain = sorted(found, key=len, reverse=True)  # a secret may hold another
        self._escaped = [json.dumps(value)[1:-1] for value in self._plain]

    def text(self, text: str) -> str:
        """Return a text without the secrets."""
        return _without(self._plain, text)

    def line(self, line: str) -> str:
        """Return a line of JSON without the secrets."""
        return _without(self._escaped, line)


def _without(values: list[str], text: str) -> str:
    for value in values:
        if value in text:
            text = text.replace(value, MASK)
    return text


def _secrets(mapping: Mapping[str, Any], named: bool = False) -> Iterator[str]:
    """Yield the values below names that speak of a secret; a path to one is none."""
    for name, value in mapping.items():
        secret = named or bool(SECRET.search(str(name)))
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, Mapping):
                yield from _secrets(one, secret)
            elif secret and isinstance(one, str | int) and not isinstance(one, bool) and not str(one).startswith("/"):
                yield str(one)
