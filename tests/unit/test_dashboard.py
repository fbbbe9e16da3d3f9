"""A CloudWatch dashboard that should be beside the one that is: cases of found and wanted."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.aws import dashboard, resource

TAGS = {"mcp:name": "mcp"}
BODY = {"widgets": [{"type": "text", "x": 0, "properties": {"markdown": "# mcp"}}]}


def test_a_body_is_the_same_whatever_its_order_and_white_space() -> None:
    text = '{ "widgets": [ {"properties": {"markdown": "# mcp"},\n "x": 0, "type": "text"} ] }'
    assert dashboard.parse(text) == BODY
    assert dashboard.parse(dashboard.render(BODY)) == BODY


def test_a_body_that_is_no_json_equals_none() -> None:
    assert resource.differing({"body": dashboard.parse("{"), "tags": TAGS}, {"body": BODY, "tags": TAGS}) == ["body"]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, ["body", "tags"]),
        ({"body": BODY, "tags": TAGS}, []),
        ({"body": {"widgets": []}, "tags": TAGS}, ["body"]),
        ({"body": BODY, "tags": TAGS | {"by": "hand"}}, ["tags"]),
    ],
)
def test_what_must_be_set(found: dict[str, Any], expected: list[str]) -> None:
    assert resource.differing(found, {"body": BODY, "tags": TAGS}) == expected
