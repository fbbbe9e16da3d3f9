"""What a plan says, that an apply then does it, and how it reads."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_aws.changes import differences
from mcp_aws.outcome import Outcome
from runner import Change, HostStats, Plan, Run, RunFailed, Stack

Command = Callable[..., subprocess.CompletedProcess[str]]
WIDE, NARROW = 100, 40


@pytest.fixture(scope="module")
def plan(stack: Stack) -> Plan:
    """The plan, made before anything was applied."""
    return stack.plan()


@pytest.fixture(scope="module")
def applied(stack: Stack, plan: Plan) -> Run:
    """The real run after it."""
    return stack.site()


def test_every_changed_task_and_item_is_in_it(plan: Plan) -> None:
    assert [(change.role, change.task, change.item) for change in plan.changes] == [
        ("", "Change the colours", "red"),
        ("", "Change the colours", "blue"),
        ("", "Change the secrets", "item 1, hidden"),
        ("", "Change the secrets", "item 3, hidden"),
        ("", "Change one secret", ""),
        ("", "Write a file", ""),
        ("", "Change what nobody minds the failure of", ""),
        ("", "Change the first and fail at the second", "first"),
        ("", "Announce", ""),
        ("paint", "Paint", ""),
        ("", "Reload", ""),
    ]
    assert {change.host for change in plan.changes} == {"localhost"}
    assert plan.drift


def test_differences_are_in_it_and_secrets_are_not(plan: Plan) -> None:
    diffs = {change.task: change.diff for change in plan.changes if change.diff}
    assert diffs == {"Write a file": " same\n-old\n+new", "Announce": "-versioning: Suspended\n+versioning: Enabled"}
    assert "secret-of" not in json.dumps(plan.as_dict()) + str(plan) + plan.run.output()


def test_what_only_a_real_run_can_tell_is_said(plan: Plan) -> None:
    assert plan.unpredicted == plan.run.unpredicted == ("Only a real run knows the weather.",)
    assert plan.headline == "plan lab: 11 changes, 1 thing only a real run can tell"


@pytest.mark.parametrize(
    ("arguments", "status", "last"),
    [
        (["plan"], 2, "plan lab: 11 changes, 1 thing only a real run can tell"),
        (["plan", "-i", "inventory/calm"], 0, "plan calm: no changes, 1 thing only a real run can tell"),
        (["plan", "-i", "inventory/failing"], 1, ""),
        (["plan", "-i", "inventory/clam"], 3, ""),
        (["plam"], 3, ""),
    ],
)
def test_exit_status(command: Command, arguments: list[str], status: int, last: str) -> None:
    done = command(*arguments)
    assert done.returncode == status, done.stdout + done.stderr
    assert not last or done.stdout.splitlines()[-1] == last
    assert "Traceback" not in done.stderr
    assert "TASK [" not in done.stdout


def test_json_is_all_that_is_printed(command: Command) -> None:
    done = command("plan", "--json")
    data = json.loads(done.stdout)
    assert (done.returncode, data["drift"], data["plan"]) == (2, True, "lab")
    assert data["changes"][8]["diff"] == "-versioning: Suspended\n+versioning: Enabled"
    assert data["unpredicted"] == ["Only a real run knows the weather."]


def test_an_apply_changes_what_the_plan_says(plan: Plan, applied: Run) -> None:
    assert {(c.role, c.task, c.item) for c in plan.changes} == {(c.role, c.task, c.item) for c in applied.changes}
    assert json.loads((applied.artifacts / "result.json").read_text())["changes"][0]["item"] == "red"


def test_a_plan_that_does_not_get_to_its_end_raises(house: Path) -> None:
    with pytest.raises(RunFailed, match="Stop where it was asked for") as caught:
        Stack(house / "inventory" / "failing", playbooks=house / "playbooks", cache=house / "cache").plan()
    assert caught.value.run.changes


OUTCOME = Outcome("site", "i", Path("/a"), datetime.now(UTC), "successful", 0, 1.0)
RUN = Run(OUTCOME)
CHANGES = (
    Change("aws-2", "network", "Create the security group of the instance", "", "-a\n+b"),
    Change("aws-1", "storage", "Create the bucket"),
    Change("aws-2", "network", "Create the public subnets", "10.0.1.0/24"),
    Change("mcp-lab", "base", "Write the settings", "", "\n".join(f"+{number}" for number in range(15))),
)


def test_it_is_grouped_by_role_and_names_hosts() -> None:
    text = "\n".join(Plan("lab", CHANGES, ("What?",), RUN).lines(WIDE))
    assert text.splitlines()[:7] == [
        "network  Create the security group of the instance",
        "           -a",
        "           +b",
        "         Create the public subnets: 10.0.1.0/24",
        "storage  Create the bucket",
        "base     Write the settings on mcp-lab",
        "           +0",
    ]
    assert text.splitlines()[-3:] == [
        "           (3 more lines)",
        "? What?",
        "plan lab: 4 changes, 1 thing only a real run can tell",
    ]


def test_it_fits_a_narrow_terminal() -> None:
    lines = list(Plan("lab", CHANGES, ("What only a real run can tell, in a long sentence.",), RUN).lines(NARROW))
    assert [line for line in lines[:-1] if len(line) > NARROW] == []


def test_nothing_to_do() -> None:
    assert list(Plan("lab", (), (), RUN).lines(WIDE)) == ["plan lab: no changes"]


DISK = {"id": "disk", "section": "system", "title": "Disk", "ok": False}
TIMES = {"started": "2026-11-23T15:00:00+00:00", "finished": "2026-11-23T15:00:00+00:00"}
RED = {"schema": "mcp.aws/verdict/1", "kind": "verify", "name": "lab", "ok": False, "checks": [DISK]} | TIMES


@pytest.mark.parametrize(
    ("changes", "hosts", "verdict", "sentences"),
    [
        (CHANGES, {"a": HostStats(unreachable=1)}, None, ("what changes on a, which cannot be reached",)),
        (CHANGES, {"a": HostStats(failed=1)}, RED, ("whether this cures what is red: Disk",)),
        ((), {"a": HostStats(unreachable=1)}, None, None),
        ((), {"a": HostStats(failed=1)}, RED, None),
        (CHANGES, {"a": HostStats(failed=1)}, None, None),
        (CHANGES, {"a": HostStats(failed=1), "b": HostStats(failed=1)}, RED, None),
        (CHANGES, {}, None, None),
    ],
)
def test_what_changes_may_mend_is_no_failure(
    changes: tuple[Change, ...],
    hosts: dict[str, HostStats],
    verdict: dict[str, object] | None,
    sentences: tuple[str, ...] | None,
) -> None:
    published = {"verdict": verdict} if verdict else {}
    failed = replace(OUTCOME, status="failed", rc=2, hosts=hosts, changes=changes, published=published)
    plan = Plan.of(Run(failed), "lab")
    assert (plan and plan.unpredicted) == (sentences and tuple(f"Only a real run can tell {it}." for it in sentences))


@pytest.mark.parametrize(
    ("diff", "text"),
    [
        (None, ""),
        ([], ""),
        ({"before": "a\n", "after": "a\n"}, ""),
        ({"before": {"b": 1, "a": [1]}, "after": {"b": 2, "a": [1]}}, " a:\n - 1\n-b: 1\n+b: 2".replace(" a:\n", "")),
        ({"before": "", "after": {"a": 1}}, "+a: 1"),
        ({"before": "---\nx", "after": "+++\nx"}, "----\n++++\n x"),
        ([{"prepared": "-a\n+b"}, {"before": None, "after": "c"}], "-a\n+b\n+c"),
        ({"dst_binary": 1, "src_larger": 2}, "  (too big, or no text)"),
    ],
)
def test_differences_of_every_form(diff: object, text: str) -> None:
    assert differences(diff) == text
