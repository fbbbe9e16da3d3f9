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

from mcp_aws.arguments import variables as given_variables
from mcp_aws.errors import BadInput
from mcp_aws.text import nearest


class _Loader(yaml.SafeLoader):
    """YAML whose dates are texts, as JSON has none and some that are written are no days at all."""


_Loader.yaml_implicit_resolvers = {
    sign: [(tag, form) for tag, form in resolvers if not tag.endswith(":timestamp")]
    for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
LONGEST = 10 * 366 * 86400.0  # seconds; a clock of a kernel takes no more than so many times that
SHOWN = 120  # characters of a value in a message
VAULT = "$ANSIBLE_VAULT"


def seconds(text: str) -> float:
    """Return the seconds of `90`, `90s`, `10m` or `2h`.

    >>> seconds("90"), seconds("10m"), seconds("1.5h")
    (90.0, 600.0, 5400.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"`{text}` is no time; it is written as 90s, 10m or 2h")
    value = float(found[1]) * UNITS[found[2]]
    if value > LONGEST:
        raise argparse.ArgumentTypeError(f"`{text[:40]}` is longer than ten years")
    return value


def positive(text: str) -> int:
    """Return a whole number above 0."""
    if not re.fullmatch(r"0*[1-9][0-9]{0,8}", text):
        raise argparse.ArgumentTypeError(f"`{text[:40]}` is no whole number above 0 and below a billion")
    return int(text)


def variables(given: Iterable[str]) -> dict[str, Any]:
    """Return the variables of `name=value`, `@file` (YAML or JSON) and `{"name": value}`; later ones win.

    :raises BadInput: one is none of these, or there is no such file.
    """
    found: dict[str, Any] = {}
    for text in given:
        if text.startswith("@"):
            found |= _mapping(_read(text[1:]), f"@{text[1:]}")
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


def _read(name: str) -> str:
    try:
        path = Path(name).expanduser()
        text = path.read_text("utf-8")
    except OSError as error:
        beside = [other.name for other in path.parent.glob("*")] if isinstance(error, FileNotFoundError) else []
        raise BadInput(f"-e @{path}: {error.strerror}.{nearest(path.name, beside)}") from None
    except UnicodeDecodeError:
        raise BadInput(f"-e @{path}: this is no text.") from None
    except (RuntimeError, ValueError) as error:  # the home of a user that there is not
        raise BadInput(f"-e @{name}: {error}") from None
    if text.startswith(VAULT):
        raise BadInput(f"-e @{path}: it is encrypted; put it into the inventory, where Ansible decrypts it.")
    return text


def _mapping(text: str, name: str) -> dict[str, Any]:
    shown = name if len(name) <= SHOWN else f"{name[:SHOWN]}…"
    try:
        found = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader with fewer types
        if not isinstance(found, dict):
            raise BadInput("it holds no mapping of names to values.")
        return given_variables(found)
    except BadInput as error:
        raise BadInput(f"-e {shown}: {str(error).removeprefix('extra_vars: ')}") from None
    except yaml.YAMLError as error:
        raise BadInput(f"-e {shown}: {' '.join(str(error).split())}.") from None
    except RecursionError:
        raise BadInput(f"-e {shown}: it is nested too deeply.") from None
    except (ValueError, TypeError, OverflowError, AttributeError) as error:  # what a tag, as !!int, makes of a text
        raise BadInput(f"-e {shown}: a value is not what its tag says: {error}.") from None
