"""What of a target group differs from what is wanted: pure functions over its targets and attributes."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Target = tuple[str, int]  # instance id, and port


def registered(descriptions: Iterable[Mapping[str, Any]]) -> set[Target]:
    """Return who is registered, from what DescribeTargetHealth answers; who drains is on the way out already."""
    return {
        (each["Target"]["Id"], int(each["Target"]["Port"]))
        for each in descriptions
        if each["TargetHealth"].get("State") != "draining"
    }


def differing(found: Mapping[str, str], wanted: Mapping[str, Any]) -> dict[str, str]:
    """Return the attributes that must be set; AWS keeps all of them as text."""
    texts = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in wanted.items()}
    return {key: value for key, value in texts.items() if found.get(key) != value}


def shown(targets: Iterable[Target]) -> list[str]:
    """Return targets for people; check mode knows an instance that does not exist yet by its empty id."""
    return sorted(f"{name or 'an instance that a real run makes'}:{port}" for name, port in targets)
