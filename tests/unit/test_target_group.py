"""Targets and attributes of a target group: cases of found and wanted."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils import target_group


def described(name: str, port: int, state: str) -> dict[str, Any]:
    """Return a target as DescribeTargetHealth tells it."""
    return {"Target": {"Id": name, "Port": port}, "TargetHealth": {"State": state}}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        *((state, {("i-1", 8000)}) for state in ("initial", "healthy", "unhealthy", "unused", "unavailable")),
        ("draining", set()),
    ],
)
def test_who_drains_is_registered_no_more(state: str, expected: set[target_group.Target]) -> None:
    assert target_group.registered([described("i-1", 8000, state)]) == expected


def test_the_same_instance_at_another_port_is_another_target() -> None:
    found = target_group.registered([described("i-1", 8000, "healthy"), described("i-1", 9000, "healthy")])
    assert found == {("i-1", 8000), ("i-1", 9000)}


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        ({"stickiness.enabled": "true"}, {"stickiness.enabled": False}, {"stickiness.enabled": "false"}),
        ({"stickiness.enabled": "false"}, {"stickiness.enabled": False}, {}),
        ({"slow_start.duration_seconds": "30"}, {"slow_start.duration_seconds": 30}, {}),
        ({}, {"slow_start.duration_seconds": 30}, {"slow_start.duration_seconds": "30"}),
        ({"stickiness.enabled": "true"}, {}, {}),
    ],
)
def test_attributes_are_compared_as_text(
    found: dict[str, str], wanted: dict[str, Any], expected: dict[str, str]
) -> None:
    assert target_group.differing(found, wanted) == expected


def test_an_instance_without_an_id_is_told_in_words() -> None:
    assert target_group.shown([("i-2", 1), ("", 8000)]) == ["an instance that a real run makes:8000", "i-2:1"]
