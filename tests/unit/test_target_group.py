"""A target group beside what is wanted: cases of found and wanted."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils import target_group
from ansible_collections.mcp.aws.plugins.module_utils.aws import resource

NOTHING: dict[str, Any] = {"settings": None, "attributes": None, "tags": None, "targets": None}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {}),
        ({"settings": {"Port": 8000, "VpcId": ""}}, {"Port": 8000}),
        (
            {"attributes": {"stickiness.enabled": False, "delay": 30}},
            {"attributes": {"stickiness.enabled": "false", "delay": "30"}},
        ),
        ({"tags": {"mcp:name": "mcp"}}, {"tags": {"mcp:name": "mcp"}}),
        ({"targets": []}, {"targets": []}),
        ({"targets": [{"id": "i-2", "port": 1}, {"id": "i-1", "port": 1}]}, {"targets": ["i-1:1", "i-2:1"]}),
        ({"targets": [{"id": "", "port": 8000}]}, {"targets": ["new-instance:8000"]}),
    ],
)
def test_what_is_not_given_is_not_wanted(options: dict[str, Any], expected: dict[str, Any]) -> None:
    assert target_group.wanted(NOTHING | options) == expected


def described(name: str, port: int, state: str) -> dict[str, Any]:
    """Return a target as DescribeTargetHealth tells it."""
    return {"Target": {"Id": name, "Port": port}, "TargetHealth": {"State": state}}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        *((state, ["i-1:8000"]) for state in ("initial", "healthy", "unhealthy", "unused", "unavailable")),
        ("draining", []),
    ],
)
def test_who_drains_is_registered_no_more(state: str, expected: list[str]) -> None:
    assert target_group.registered([described("i-1", 8000, state)]) == expected


def test_the_same_instance_at_another_port_is_another_target() -> None:
    found = target_group.registered([described("i-1", 9000, "healthy"), described("i-1", 8000, "healthy")])
    assert found == ["i-1:8000", "i-1:9000"]
    assert target_group.target(found[0]) == {"Id": "i-1", "Port": 8000}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, ["HealthCheckPath", "attributes"]),
        ({"HealthCheckPath": "/ready", "attributes": {"stickiness.enabled": "false"}, "tags": {"by": "hand"}}, []),
        ({"HealthCheckPath": "/", "attributes": {"stickiness.enabled": "false"}}, ["HealthCheckPath"]),
        ({"HealthCheckPath": "/ready", "attributes": {"stickiness.enabled": "true"}}, ["attributes"]),
    ],
)
def test_what_must_be_set(found: dict[str, Any], expected: list[str]) -> None:
    wanted = {"HealthCheckPath": "/ready", "attributes": {"stickiness.enabled": "false"}}
    assert resource.differing(found, wanted) == expected


@pytest.mark.parametrize(
    ("found", "sentences"),
    [
        ({}, []),
        ({"VpcId": "vpc-1", "Port": 8000}, []),
        (
            {"VpcId": "vpc-0", "Port": 8000},
            ["The target group `mcp` has VpcId vpc-0, which cannot become vpc-1. Delete the group first."],
        ),
    ],
)
def test_what_cannot_be_set(found: dict[str, Any], sentences: list[str]) -> None:
    assert target_group.immovable("mcp", found, {"VpcId": "vpc-1", "Port": 8000, "HealthCheckPath": "/"}) == sentences
