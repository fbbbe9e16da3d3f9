"""What differs between a resource as it is and as it should be, in words and as a diff: pure functions."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


def between(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return a line for each key of `wanted` whose value in `found` is another, as `key: old -> new`."""
    return [
        f"{key}: {_short(found.get(key))} -> {_short(value)}"
        for key, value in wanted.items()
        if found.get(key) != value
    ]


def diff(resource: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, str]:
    """Return the form that `--diff` shows, over the keys of `wanted` or, where nothing is wanted, of `found`.

    :param found: the resource as it is; empty when there is none.
    :param wanted: the resource as it should be; empty when there should be none.
    """
    keys = wanted or found
    before = {key: found[key] for key in keys if key in found}
    return {"before_header": resource, "after_header": resource, "before": _text(before), "after": _text(wanted)}


def headline(resource: str, absent: bool, exists: bool, changed: bool) -> str:
    """Say in one sentence what a real run does to the resource."""
    if not changed:
        return f"A real run leaves {resource} as it is."
    if absent:
        return f"A real run deletes {resource}."
    return f"A real run {'changes' if exists else 'creates'} {resource}."


def _short(value: Any) -> str:
    """Return a value in one line."""
    return "nothing" if value is None else yaml.safe_dump(value, default_flow_style=True, width=1000).split("\n")[0]


def _text(values: Mapping[str, Any]) -> str:
    """Return values as YAML, nothing as an empty text."""
    return yaml.safe_dump(dict(values), default_flow_style=False) if values else ""
