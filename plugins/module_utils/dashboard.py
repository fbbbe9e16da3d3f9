"""What of a CloudWatch dashboard differs from what is wanted: pure functions over its body and tags."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def parse(body: str) -> Any:
    """Return the body that CloudWatch keeps as text; one that is no JSON stays a text, which equals no wanted body."""
    try:
        return json.loads(body)
    except ValueError:
        return body


def render(body: Mapping[str, Any]) -> str:
    """Return a body as CloudWatch takes it, the same text for the same content."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def differing(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return which of `body` and `tags` must be set; all that is wanted when nothing is found."""
    return [key for key, value in wanted.items() if found.get(key) != value]


def stranger(name: str, found: Mapping[str, Any], tags: Mapping[str, str], key: str) -> str:
    """Return a sentence when the dashboard is somebody else's, else nothing.

    :param found: body and tags of the dashboard; empty when there is none.
    :param tags: the tags of ours; the one under `key` names the owner.
    """
    if not found or found["tags"].get(key) == tags[key]:
        return ""
    whose = f"belongs to `{found['tags'][key]}` by its tag {key}" if key in found["tags"] else f"bears no tag {key}"
    return (
        f"The CloudWatch dashboard `{name}` {whose}. "
        f"Choose another name, or tag it {key}={tags[key]} if it is really yours."
    )
