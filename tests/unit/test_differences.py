"""What check mode announces of resources whose modules cannot: cases of found and wanted."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils import differences


@pytest.mark.parametrize(
    ("found", "wanted", "lines"),
    [
        ({}, {"versioning": "Enabled"}, ["versioning: nothing -> Enabled"]),
        ({"versioning": "Enabled"}, {"versioning": "Enabled"}, []),
        ({"versioning": "Suspended"}, {"versioning": "Enabled"}, ["versioning: Suspended -> Enabled"]),
        ({"port": 8000, "owner": "somebody"}, {"port": 8000}, []),
        ({"port": "8000"}, {"port": 8000}, ["port: '8000' -> 8000"]),
        ({"tags": {"a": "1"}}, {"tags": {}}, ["tags: {a: '1'} -> {}"]),
    ],
)
def test_keys_of_wanted_are_compared(found: dict[str, Any], wanted: dict[str, Any], lines: list[str]) -> None:
    assert differences.between(found, wanted) == lines


def test_diff_shows_what_is_wanted_before_and_after() -> None:
    shown = differences.diff("bucket x", {"versioning": "Suspended", "region": "y"}, {"versioning": "Enabled"})
    assert (shown["before"], shown["after"]) == ("versioning: Suspended\n", "versioning: Enabled\n")


def test_diff_of_a_deletion_shows_what_goes() -> None:
    shown = differences.diff("bucket x", {"versioning": "Suspended"}, {})
    assert (shown["before"], shown["after"]) == ("versioning: Suspended\n", "")


@pytest.mark.parametrize(
    ("absent", "exists", "changed", "verb"),
    [
        (False, False, True, "creates bucket x"),
        (False, True, True, "changes bucket x"),
        (False, True, False, "leaves bucket x as it is"),
        (True, True, True, "deletes bucket x"),
        (True, False, False, "leaves bucket x as it is"),
    ],
)
def test_headline(absent: bool, exists: bool, changed: bool, verb: str) -> None:
    assert differences.headline("bucket x", absent, exists, changed) == f"A real run {verb}."
