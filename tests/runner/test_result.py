"""How a result reads, and what is made of output that is no event. No process is started."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mcp_aws.location import COLLECTION_ROOT
from mcp_aws.outcome import Outcome
from mcp_aws.recorder import early_failures, message
from runner import Failure, HostStats

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
DISK = {"id": "disk", "section": "system", "title": "Disk", "ok": False}
MEASURED = {"measured": "91 %", "limit": "< 80 %", "hint": "See df."}
TIMES = {"started": NOW.isoformat(), "finished": NOW.isoformat()}
RED = {"schema": "mcp.aws/verdict/1", "kind": "verify", "name": "mcp-lab", "ok": False, "checks": [DISK | MEASURED]}
GREEN = Outcome("site", "i", Path("/a"), NOW, "successful", 0, 52.34)


def _run(**changes: Any) -> Outcome:
    return replace(GREEN, **changes)


@pytest.mark.parametrize(
    ("run", "text"),
    [
        (_run(), "site green in 52.3 s"),
        (_run(hosts={"a": HostStats(changed=1)}), "site green in 52.3 s: 1 change on 1 host"),
        (
            _run(hosts={"a": HostStats(changed=2), "b": HostStats(changed=1)}),
            "site green in 52.3 s: 3 changes on 2 hosts",
        ),
        (_run(status="running", rc=-1), "site running for 52 s"),
        (_run(status="canceled", rc=254), "site canceled in 52.3 s\n  output: /a/stdout"),
        (
            _run(published={"verdict": RED | TIMES}),
            "site failed in 52.3 s: 0 of 1 check green\n  red: Disk: 91 %, limit < 80 %. See df.\n  output: /a/stdout",
        ),
        (
            _run(
                status="failed",
                rc=2,
                failures=(Failure("a", "Install", "no\nspace", f"{COLLECTION_ROOT}/roles/x.yml", 3),),
            ),
            "site failed in 52.3 s\n  a: Install (roles/x.yml:3): no\n    space\n  output: /a/stdout",
        ),
    ],
)
def test_a_run_explains_itself(run: Outcome, text: str) -> None:
    assert str(run) == text


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"msg": "no"}, "no"),
        ({"msg": "non-zero return code", "stderr": "E: no space\n"}, "non-zero return code\nE: no space"),
        ({"censored": "hidden", "changed": False}, "hidden"),
        ({"msg": "One or more items failed", "results": [{"failed": True, "msg": "b"}, {"msg": "fine"}]}, "b"),
        ({}, "it gave no message"),
    ],
)
def test_message_of_a_failed_task(result: dict[str, object], words: str) -> None:
    assert message(result) == words


@pytest.mark.parametrize(
    ("output", "failure"),
    [
        ("\x1b[31m[ERROR]: bad\nOrigin: /p/site.yml:4:7\n\n4 x", Failure("", "", "bad", "/p/site.yml", 4)),
        (
            "PLAY\n[ERROR]: the playbook\ncould not be found\n\nmore",
            Failure("", "", "the playbook\ncould not be found"),
        ),
        (
            "The command was not found or was not executable: ansible-playbook.\n",
            Failure("", "", "The command was not found or was not executable: ansible-playbook."),
        ),
        ("", Failure("", "", "ansible-playbook said nothing")),
    ],
)
def test_failure_that_no_event_tells(output: str, failure: Failure) -> None:
    assert early_failures(output) == (failure,)
