"""Keeps secrets that a run was given out of everything it writes down, also where a task prints them by mistake."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MASK = "********"
SECRET = re.compile(r"passw|passphrase|secret|token|credential|private_?key|api_?key|access_?key(?!_id)", re.I)
PLACE = re.compile(r"(file|path|dir|directory|folder|sock|socket)$", re.I)  # names of what holds a secret, and is none
SHORTEST = 6  # a shorter value would hide half of the output
TELLING = 4  # letters and digits in a row that are sought before the whole pattern
# What line breaks and blanks become when a text is escaped, indented or folded.
BETWEEN = r"(?:\\(?:[nrtNLP]|u(?i:0085|2028|2029))|[\s\\])+"
# Letters that JSON and YAML put behind a backslash.
SHORT = dict(zip("\0\a\b\x1b\f\v\x85\xa0\u2028\u2029", "0abefvN_LP", strict=True))
# What Ansible itself says of a host or an event, as no task can put a secret there and readers go by it.
OF_ANSIBLE = frozenset(
    {"host", "uuid", "task_uuid", "play_uuid", "playbook_uuid", "parent_uuid", "start", "end", "pid"}
)
STATISTICS = frozenset({"ok", "changed", "failures", "dark", "processed", "skipped", "rescued", "ignored"})
# Names within a result that readers go by.
OF_RESULTS = frozenset(
    {"changed", "failed", "msg", "stderr", "module_stderr", "censored", "results", "item", "attempts", "retries"}
    | {"diff", "before", "after", "prepared", "ansible_stats", "data", "unpredicted", "stdout", "skipped", "invocation"}
)


@dataclass(frozen=True)
class _Secret:
    """One value: what finds it in a text, and letters of it that stand in every form of it."""

    pattern: re.Pattern[str]
    sign: str

    def without(self, text: str) -> str:
        return self.pattern.sub(MASK, text) if self.sign in text else text


class Masks:
    """The values of those variables whose names say that they are secrets.

    A value is found as it is, and as JSON, YAML, a shell or an address have it: escaped, indented, folded. Of one with
    several lines each is found alone, too.
    """

    def __init__(self, *variables: Mapping[str, Any]) -> None:
        values = {value for mapping in variables for value in _secrets(mapping)}
        lines = {line.strip() for value in values for line in value.splitlines()}
        found = {value.strip() for value in values | lines if len(value.strip()) >= SHORTEST}
        self._plain = frozenset(found)
        in_order = sorted(found, key=len, reverse=True)  # a secret may hold another
        self._secrets = [_Secret(re.compile(_pattern(value)), _sign(value)) for value in in_order]
        self._secrets += [_Secret(re.compile(code), code) for value in in_order if (code := _encoded(value))]

    def concern(self, line: str) -> bool:
        """Return whether one of the secrets may be in a line of JSON."""
        return any(secret.sign in line for secret in self._secrets)

    def text(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self._secrets:
            text = secret.without(text)
        return text

    def value(self, value: Any) -> Any:
        """Return what JSON can hold without the secrets, also where they are numbers or names."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self._name(name): self.value(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(one) for one in value]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return MASK if number and not self._plain.isdisjoint(_written(value)) else value

    def event(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return ansible-runner's dictionary of an event without the secrets."""
        data = event.get("event_data")
        unmasked = OF_ANSIBLE | STATISTICS if event.get("event") == "playbook_on_stats" else OF_ANSIBLE
        masked = {name: one if name in unmasked else self.value(one) for name, one in (data or {}).items()}
        return {**event} | ({"event_data": masked} if data else {}) | {"stdout": self.text(event.get("stdout") or "")}

    def _name(self, name: Any) -> Any:
        return name if name in OF_RESULTS else self.text(name) if isinstance(name, str) else name


def _secrets(value: Any, name: str = "", named: bool = False) -> Iterator[str]:
    """Yield the texts and numbers below names that speak of a secret; a path to one is none."""
    if isinstance(value, Mapping):
        for below, one in value.items():
            yield from _secrets(one, str(below), named or bool(SECRET.search(str(below))))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _secrets(one, name, named)
    elif named and isinstance(value, str | int | float) and not isinstance(value, bool):
        text = str(value)
        if not (text.startswith(("/", "~", "./")) and (PLACE.search(name) or os.path.exists(text))):
            yield from _written(value) if isinstance(value, float) else (text,)


def _written(number: float) -> Iterator[str]:
    """Yield the ways in which a number is written."""
    yield str(number)
    if isinstance(number, float) and number.is_integer():
        yield str(int(number))


def _pattern(value: str) -> str:
    """Return the pattern of a value in all its forms."""
    return BETWEEN.join(map(_word, re.split(r"[ \t\n\r\x85\u2028\u2029]+", value)))


def _word(word: str) -> str:
    """Return the pattern of a value without blanks; a run of backslashes is one, as two would be tried in all ways."""
    return "".join(_character(found[0]) for found in re.finditer(r"\\+|.", word, re.S))


def _character(text: str) -> str:
    if text[0] == "\\":
        return rf"\\{{{len(text)},}}"
    if text.isascii() and (text.isalnum() or text in "-_."):
        return re.escape(text)
    forms = [re.escape(text), *_escapes(text)]
    if text == "'":
        forms = ["'\"'\"'", "''", *forms]
    # Backslashes stand before it once it is escaped, and escaped again; YAML may break a line behind what it escapes.
    return rf"(?:\\*(?:{'|'.join(forms)})(?:\\\r?\n\s*\\?)?)"


def _escapes(character: str) -> Iterator[str]:
    """Yield what JSON, YAML and addresses write for a character; a backslash before it is matched already."""
    number = ord(character)
    if character in SHORT:
        yield SHORT[character]
    if number > 0xFFFF:
        high, low = divmod(number - 0x10000, 0x400)
        yield rf"u(?i:{0xD800 + high:04x})\\+u(?i:{0xDC00 + low:04x})"
        yield f"U(?i:{number:08x})"
    else:
        yield f"u(?i:{number:04x})"
    if number <= 0xFF:
        yield f"x(?i:{number:02x})"
    yield "".join(f"%(?i:{byte:02x})" for byte in character.encode(errors="surrogatepass"))


def _sign(value: str) -> str:
    """Return letters and digits that every form holds; none where a value has too few in a row."""
    return max((run for run in re.findall(r"[A-Za-z0-9]+", value) if len(run) >= TELLING), key=len, default="")


def _encoded(value: str) -> str:
    """Return what base64 makes of a value, but for the end, which depends on what follows."""
    whole = value.encode(errors="surrogatepass")
    return b64encode(whole[: len(whole) // 3 * 3]).decode() if len(whole) >= 3 * SHORTEST // 2 else ""
