"""The lock and the record of deploys as they are read, and the overview of releases beside them."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.deploy import log as deploy_log
from ansible_collections.mcp.aws.plugins.module_utils.deploy import releases
from ansible_collections.mcp.aws.plugins.module_utils.deploy.releases import Release

NOW = datetime(2026, 11, 26, 16, 30, tzinfo=UTC)
BEGAN = "2026-11-26T16:19:50+00:00"
LOCK = {"who": "ann@build", "node": "build", "pid": 4711, "verb": "deploy", "version": "main", "began": BEGAN}


def test_the_record_outlives_damaged_lines(tmp_path: Path) -> None:
    assert deploy_log.read(tmp_path) == []
    lines = [json.dumps({"run": str(number)}) for number in range(3)]
    (tmp_path / deploy_log.FILE).write_text("\n".join([*lines, "7", '{"run": "to']) + "\n")
    assert [record["run"] for record in deploy_log.read(tmp_path)] == ["0", "1", "2"]
    assert [record["run"] for record in deploy_log.read(tmp_path, 2)] == ["1", "2"]


def test_the_lock_names_its_holder(tmp_path: Path) -> None:
    assert deploy_log.lock(tmp_path) == {}
    (tmp_path / deploy_log.LOCK).write_text(json.dumps(LOCK, indent=1))  # as earlier versions wrote it
    found = deploy_log.lock(tmp_path)
    assert found == LOCK
    assert deploy_log.describe(found, NOW) == (
        "ann@build holds the lock since 2026-11-26 16:19:50 UTC, for 10 min 10 s: "
        "deploy of main by process 4711 on build"
    )


@pytest.mark.parametrize("text", ["", "7", "[]", "null", "{}", json.dumps(LOCK | {"began": "yesterday"})])
def test_a_damaged_lock_says_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / deploy_log.LOCK).write_text(text)
    found = deploy_log.lock(tmp_path)
    assert found["damaged"].endswith("is damaged. Break it with -e stack_lock_break=true when no deploy is running.")
    assert f"{deploy_log.describe(found, NOW)}." == found["damaged"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.6, "1 min"),
        (250, "4 min 10 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (273600, "3 d 4 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert deploy_log.duration(seconds) == text


def release(name: str, version: str, served: str | None) -> Release:
    return Release(name, f"registry/mcp:{name}", name, version, "here", BEGAN, served)


RELEASES = [
    release("ccc", "v3", "2026-11-26T16:00:00+00:00"),
    release("bbb", "main", "2026-11-25T16:00:00+00:00"),
    release("aaa", "v1", "2026-11-24T16:00:00+00:00"),
    release("ddd", "broken", None),
]


@pytest.mark.parametrize(
    ("slots", "serving", "order", "choosable"),
    [
        ({"blue": "bbb", "green": "ccc"}, "blue", ["bbb", "ccc", "aaa", "ddd"], ["ccc", "aaa"]),
        ({"blue": "ccc"}, "green", ["ccc", "bbb", "aaa", "ddd"], ["ccc", "bbb", "aaa"]),
        ({}, "", ["ccc", "bbb", "aaa", "ddd"], ["ccc", "bbb", "aaa"]),
    ],
)
def test_what_can_be_chosen(slots: dict[str, str], serving: str, order: list[str], choosable: list[str]) -> None:
    found = releases.overview(RELEASES, slots, serving)
    assert [each["release"] for each in found["releases"]] == order
    assert [each["release"] for each in found["releases"] if each["choosable"]] == choosable
    assert found["serving"] == {"slot": serving, "release": slots.get(serving, "")}
