"""The table of versions that runner.py ends with, from what the playbook published."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mcp_aws.display import versions

NOW = datetime(2026, 11, 26, 16, 30, tzinfo=UTC)
BEGAN = "2026-11-26T16:29:20+00:00"
LOCK = {"who": "ann@build", "node": "build", "pid": 7, "verb": "deploy", "version": "main", "began": BEGAN}
DEPLOY = {"verb": "deploy", "version": "main", "who": "ann@build", "started": BEGAN, "seconds": 40.0, "reason": ""}


def release(name: str, version: str, served: str | None, **more: Any) -> dict[str, Any]:
    state = {"serving": False, "choosable": bool(served)} | more
    return {"release": name, "image": f"registry/mcp:{name}", "version": version, "served": served} | state


FOUND = {
    "releases": [
        release("ccc", "v3", "2026-11-26T16:00:00+00:00", serving=True, choosable=False),
        release("bbb", "main", "2026-11-25T16:00:00+00:00"),
        release("aaa", "v1", "2026-11-24T16:00:00+00:00"),
        release("ddd", "broken", None),
    ],
    "serving": {"slot": "blue", "release": "ccc"},
    "slots": {"blue": "ccc"},
    "lock": LOCK,
    "deploys": [DEPLOY | {"outcome": "ok"}, DEPLOY | {"outcome": "refused", "reason": "no"}],
}
EMPTY: dict[str, Any] = {
    "releases": [],
    "serving": {"slot": "", "release": ""},
    "slots": {},
    "lock": {},
    "deploys": [],
}
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
    assert versions.table("host", FOUND, NOW, 120) == TABLE
    assert max(map(len, versions.table("host", FOUND, NOW).splitlines())) <= versions.NARROW


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({}, "host  nothing serves yet"),
        ({"serving": {"slot": "blue", "release": "zzz"}}, "slot blue serves zzz, whose files are missing"),
        ({"lock": {"damaged": "It is damaged."}}, "It is damaged."),
    ],
)
def test_what_is_missing_is_shown(change: dict[str, Any], line: str) -> None:
    assert line in versions.table("host", EMPTY | change, NOW)
