"""The values of options on the command line: durations, whole numbers, variables."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from runs.errors import BadInput
from runs.words import nearest

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
VAULT = "$ANSIBLE_VAULT"


def seconds(text: str) -> float:
    """Return the seconds of `90`, `90s`, `10m` or `2h`.

    >>> seconds("90"), seconds("10m"), seconds("1.5h")
    (90.0, 600.0, 5400.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"`{text}` is no time; it is written as 90s, 10m or 2h")
    return float(found[1]) * UNITS[found[2]]


def positive(text: str) -> int:
    """Return a whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"`{text}` is no whole number above 0")
    return int(text)


def variables(given: Iterable[str]) -> dict[str, Any]:
    """Return the variables of `name=value`, `@file` (YAML or JSON) and `{"name": value}`; later ones win.

    :raises BadInput: one is none of these, or there is no such file.
    """
    found: dict[str, Any] = {}
    for text in given:
        if text.startswith("@"):
            found |= _mapping(_read(Path(text[1:]).expanduser()), text[1:])
        elif text.lstrip().startswith("{"):
            found |= _mapping(text, text)
        else:
            found |= _pairs(text)
    return found


def _pairs(text: str) -> dict[str, str]:
    """Return the variables of `one=1 other='two words'`, which are texts, as for ansible-playbook."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise BadInput(f"-e {text}: {error}.") from None
    wrong = [word for word in words if not re.match(r"[A-Za-z_]\w*=", word)]
    if wrong or not words:
        raise BadInput(f"-e {text}: `{''.join(wrong[:1])}` is not written as name=value, @file or JSON.")
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def _read(path: Path) -> str:
    try:
        text = path.read_text()
    except OSError as error:
        beside = [other.name for other in path.parent.glob("*")] if isinstance(error, FileNotFoundError) else []
        raise BadInput(f"-e @{path}: {error.strerror}.{nearest(path.name, beside)}") from None
    except UnicodeDecodeError:
        raise BadInput(f"-e @{path}: this is no text.") from None
    if text.startswith(VAULT):
        raise BadInput(f"-e @{path}: it is encrypted; put it into the inventory, where Ansible decrypts it.")
    return text


def _mapping(text: str, name: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadInput(f"-e {name}: {' '.join(str(error).split())}.") from None
    if not isinstance(found, dict):
        raise BadInput(f"-e {name}: it holds no mapping of names to values.")
    return found
