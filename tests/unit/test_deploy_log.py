"""The record of deploys, and the overview and the table that are made of it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils import deploy_log, deploy_overview
from ansible_collections.mcp.aws.plugins.module_utils.deploy_lock import Lock
from ansible_collections.mcp.aws.plugins.module_utils.release import Release

NOW = datetime(2026, 11, 26, 16, 30, tzinfo=UTC)
BEGAN = "2026-11-26T16:29:20+00:00"
LOCK = Lock("r", "ann@build", "build", "b", 7, "1", "deploy", "main", BEGAN, BEGAN)


def test_a_record_tells_who_what_when_how_long_and_how_it_ended() -> None:
    assert deploy_log.entry(LOCK, NOW, "refused", "x" * 9999, {"release": "r1", "evidence": "/e", "path": "/p"}) == {
        "run": "r",
        "verb": "deploy",
        "who": "ann@build",
        "node": "build",
        "version": "main",
        "release": "r1",
        "commit": "",
        "from": "",
        "slot": "",
        "evidence": "/e",
        "hook": "",
        "started": BEGAN,
        "seconds": 40.0,
        "outcome": "refused",
        "reason": "x" * 2000,
    }


def test_the_record_is_bounded_and_outlives_damaged_lines(tmp_path: Path) -> None:
    assert deploy_log.read(tmp_path) == []
    lines = [json.dumps({"run": str(number)}) for number in range(deploy_log.LINES)]
    (tmp_path / deploy_log.FILE).write_text("\n".join([*lines, "7", '{"run": "to']) + "\n")
    deploy_log.append(tmp_path, {"run": "new", "reason": "two\nlines"})
    found = deploy_log.read(tmp_path)
    assert (len(found), found[0]["run"], found[-1]["reason"]) == (deploy_log.LINES, "1", "two\nlines")
    assert len((tmp_path / deploy_log.FILE).read_text().splitlines()) == deploy_log.LINES
    assert [record["run"] for record in deploy_log.read(tmp_path, 2)] == ["999", "new"]
    assert deploy_log.last_of(found, "7") == {"run": "7"}
    assert deploy_log.last_of(found, "none") == {}


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
    found = deploy_overview.overview(RELEASES, slots, serving)
    assert [each["release"] for each in found["releases"]] == order
    assert [each["release"] for each in found["releases"] if each["choosable"]] == choosable
    assert found["serving"] == {"slot": serving, "release": slots.get(serving, "")}


TABLE = """\
host  version v3 serves in slot blue for 30 min

     version  release  served, UTC             image
  ▶  v3       ccc      since 2026-11-26 16:00  mcp:ccc
  1  main     bbb      2026-11-25 16:00        mcp:bbb
  2  v1       aaa      2026-11-24 16:00        mcp:aaa
  -  broken   ddd      never                   mcp:ddd

  The playbook rollback takes 1, or -e stack_rollback_to=<version or release>.

  ann@build holds the lock since 2026-11-26 16:29:20 UTC, for 40 s: deploy of main by process 7 on build.

  began, UTC        what         took  outcome  who
  2026-11-26 16:29  deploy main  40 s  refused  ann@build
                    no
  2026-11-26 16:29  deploy main  40 s  ok       ann@build"""


def test_the_table() -> None:
    deploys = [deploy_log.entry(LOCK, NOW, "ok"), deploy_log.entry(LOCK, NOW, "refused", "no")]
    found: dict[str, Any] = deploy_overview.overview(RELEASES, {"blue": "ccc"}, "blue")
    found |= {"lock": LOCK.as_dict(), "deploys": deploys}
    assert deploy_overview.table("host", found, NOW, 120) == TABLE
    assert max(map(len, deploy_overview.table("host", found, NOW).splitlines())) <= deploy_overview.NARROW


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({}, "host  nothing serves yet"),
        ({"serving": {"slot": "blue", "release": "zzz"}}, "slot blue serves zzz, whose files are missing"),
        ({"lock": {"damaged": "It is damaged."}}, "It is damaged."),
    ],
)
def test_what_is_missing_is_told(change: dict[str, Any], line: str) -> None:
    found = deploy_overview.overview([], {}, "") | {"lock": {}, "deploys": []} | change
    assert line in deploy_overview.table("host", found, NOW)


@pytest.mark.parametrize(
    ("told", "now"),
    [
        ({"outcome": "ok", "from": "r1", "release": "r2"}, "r2"),
        ({"outcome": "unchanged", "from": "r2", "release": "r2"}, "r2"),
        ({"outcome": "refused", "from": "r1", "release": "r2"}, "r1"),
        ({"outcome": "failed", "from": "r1", "release": "r2"}, "r2"),  # a hook after the switch: it serves
        ({"outcome": "failed", "from": "", "release": ""}, ""),  # no release came of it, and nobody looked what serves
    ],
)
def test_the_statistic_of_a_deploy_names_what_serves_now(told: dict[str, Any], now: str) -> None:
    records = [{"verb": "deploy", "seconds": 9.0}, {"verb": "rollback", "seconds": 4.5}]
    found = deploy_log.statistic("h", told | {"verb": "rollback"}, records)["rollback"]
    assert found["schema"] == "mcp.aws/rollback/1"
    assert (found["hosts"]["h"]["now"], found["hosts"]["h"]["seconds"]) == (now, 4.5)
    assert deploy_log.statistic("h", told, [])["deploy"]["hosts"]["h"]["seconds"] is None
