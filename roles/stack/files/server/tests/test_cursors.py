"""Cursors: what comes back is what went in, and nothing else is taken."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from mcp_memory.cursors import after_entry, after_key, read_entry, read_key
from mcp_memory.errors import WrongCursor


def packed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_there_and_back() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    assert read_entry(after_entry(at, "deploy/key")) == (at.isoformat(), "deploy/key")
    assert read_key(after_key("deploy/key")) == "deploy/key"
    assert read_entry("") == ("infinity", "")
    assert read_key("") == ""


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "§",
        "%%%%",
        packed("no json"),
        packed('"text"'),
        packed("[1, 2]"),
        packed('["a\\u0000", "b\\u0000"]'),
        packed('["2026-01-01T00:00:00", "no zone"]'),
        packed('["yesterday", "k"]'),
        packed("[" * 400),
        "gICA",
    ],
)
def test_what_is_no_cursor(cursor: str) -> None:
    with pytest.raises(WrongCursor):
        read_entry(cursor)
    with pytest.raises(WrongCursor):
        read_key(cursor)
