"""The arguments that a caller passes to a run, validated before anything starts: variables, tags, numbers."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, time
from pathlib import PurePath
from typing import Any

from mcp_aws.errors import BadInput

DEEPEST = 50  # levels of a value
MOST = 200_000  # values in all: a few lines of YAML with aliases can mean millions


def variables(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return variables as JSON takes them; paths, dates and times become texts.

    :raises BadInput: a name is no text, or a value is of another type, refers to itself, or is too deep or too large.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise BadInput(f"extra_vars is a {type(given).__name__}; give a mapping of names to values.")
    for name in given:
        if not isinstance(name, str):
            raise BadInput(f"extra_vars: the name `{name}` is no text ({type(name).__name__}).")
    left = [MOST]
    return {str(name): _plain(value, str(name), left, 0) for name, value in given.items()}


def _plain(value: Any, name: str, left: list[int], depth: int) -> Any:
    left[0] -= 1
    if depth > DEEPEST:
        raise BadInput(f"extra_vars: `{name}` refers to itself, or is deeper than {DEEPEST} levels.")
    if left[0] < 0:
        raise BadInput(f"extra_vars: `{name}` holds more than {MOST} values.")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        wrong = next((one for one in value if not isinstance(one, str | int | float)), "")
        if wrong != "":
            raise BadInput(f"extra_vars: `{name}` has the name `{wrong}`, which is no text.")
        return {one: _plain(below, name, left, depth + 1) for one, below in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(below, name, left, depth + 1) for below in value]
    raise BadInput(
        f"extra_vars: `{name}` holds a {type(value).__name__}, which JSON cannot; give texts, numbers or lists."
    )


def tags(name: str, given: str | Sequence[str]) -> str:
    """Return tags as Ansible takes them, parted by commas.

    :param name: the parameter's, for the message.
    :raises BadInput: one is no text.
    """
    if isinstance(given, str):
        return given
    listed = list(given) if isinstance(given, Sequence) and not isinstance(given, bytes) else [given]
    for word in listed:
        if not isinstance(word, str):
            raise BadInput(f"{name}: {word!r} is no text; give a text, or a list of texts.")
    return ",".join(listed)


def number(name: str, given: float) -> float:
    """Return a number that is not below 0.

    :param name: the parameter's, for the message.
    :raises BadInput: it is below 0, or no number.
    """
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given) or given < 0:
        raise BadInput(f"{name} is {given!r}; give a number of 0 or more, where 0 is none.")
    return given


def whole(name: str, given: int) -> int:
    """Return a whole number that is not below 0.

    :raises BadInput: it is none.
    """
    if not isinstance(given, int):
        raise BadInput(f"{name} is {given!r}; give a whole number of 0 or more, where 0 is none.")
    return int(number(name, given))


def text(name: str, given: str | None) -> str:
    """Return a text, empty for None.

    :raises BadInput: it is another type.
    """
    if given is not None and not isinstance(given, str):
        raise BadInput(f"{name} is {given!r}, a {type(given).__name__}; give a text.")
    if given and "\0" in given:
        raise BadInput(f"{name} holds a null byte.")
    return given or ""
