"""Compose's notations, each brought to one form: pure functions."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

# `$$` stands for a dollar; `:-`, `-`, `:+` and `+` say what an unset variable means.
VARIABLE = re.compile(r"\$(?:\$|(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?P<rest>[^}]*)\})")


def mapping(given: Any) -> dict[str, Any]:
    """Return `[A=1, B]` or `{A: 1, B: null}` as the latter."""
    if isinstance(given, Mapping):
        return dict(given)
    pairs = (str(item).partition("=") for item in given or [])
    return {name: value if sign else None for name, sign, value in pairs}


def arguments(given: Any) -> dict[str, str]:
    """Return the build arguments that have a value."""
    return {name: str(value) for name, value in mapping(given).items() if value is not None}


def paths(given: Any) -> list[str]:
    """Return the paths of `env_file`, whatever its notation."""
    if isinstance(given, str):
        return [given]
    return [str(item["path"] if isinstance(item, Mapping) else item) for item in given or []]


def hosts(given: Any) -> dict[str, list[str]]:
    """Return `extra_hosts` as addresses by name."""
    if isinstance(given, Mapping):
        return {name: [value] if isinstance(value, str) else list(value) for name, value in given.items()}
    found: dict[str, list[str]] = {}
    for item in given or []:
        name, address = re.split(r"[:=]", str(item), maxsplit=1)
        found.setdefault(name, []).append(address)
    return found


def volume(given: Any) -> dict[str, Any]:
    """Return a volume in the long notation."""
    if isinstance(given, Mapping):
        return dict(given)
    parts = str(given).split(":")
    if len(parts) == 1:
        return {"type": "volume", "target": parts[0]}
    kind = "bind" if parts[0][:1] in ("/", ".", "~") else "volume"
    only = {"read_only": True} if "ro" in parts[2:] else {}
    return {"type": kind, "source": parts[0], "target": parts[1], **only}


def dotenv(text: str) -> dict[str, str]:
    """Return the variables of an environment file, as the values of `environment` that mean the same."""
    found = {}
    for line in text.splitlines():
        name, sign, value = line.strip().removeprefix("export ").partition("=")
        if not sign or name.startswith("#"):
            continue
        value = value.strip()
        if quoted := re.match(r"""(['"])(.*?)(?<!\\)\1""", value):
            value = quoted[2]
            value = value.replace("$", "$$") if quoted[1] == "'" else re.sub(r"\\([\"\\])", r"\1", value)
        else:
            value = re.split(r"\s#", value, maxsplit=1)[0].rstrip()
        found[name.strip()] = value
    return found


def unset(value: Any) -> Iterator[str]:
    """Tell the variables in a value that mean nothing unless they are set."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from unset(each)
    elif isinstance(value, list):
        for each in value:
            yield from unset(each)
    elif isinstance(value, str):
        for found in VARIABLE.finditer(value):
            if found["plain"] or (found["braced"] and not re.match(r":?[-+]", found["rest"])):
                yield found["plain"] or found["braced"]
