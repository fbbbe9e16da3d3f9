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
