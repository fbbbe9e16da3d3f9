"""What the display makes of a run's events: lines that stay, those at the foot, and what is told at the end."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text

from mcp_aws.display.closing import closing, degraded, phases
from mcp_aws.display.hints import advice
from mcp_aws.display.lines import duration, foot, lasting
from mcp_aws.display.progress import Progress
from mcp_aws.display.screen import Screen
from mcp_aws.display.state import State
from mcp_aws.events import Event
from mcp_aws.outcome import Failure, HostStats, Outcome

BEGIN = datetime(2026, 11, 26, 20, 15, tzinfo=UTC)
UTF8 = {"LANG": "C.UTF-8", "TERM": "xterm-256color"}
RESULTS = {
    "ok": "runner_on_ok",
    "changed": "runner_on_ok",
    "failed": "runner_on_failed",
    "gone": "runner_on_unreachable",
}


def at(seconds: float) -> datetime:
    """Return a moment of the run."""
    return BEGIN + timedelta(seconds=seconds)


def begins(seconds: float, task: str, role: str = "", playbook: str = "try", play: str = "Try") -> Event:
    """Return the event that a task begins."""
    return Event(
        1, "playbook_on_task_start", at(seconds), play=play, play_path=f"/srv/mcp/aws/playbooks/{playbook}.yml:3",
        role=role, task=task, task_id=task,
    )  # fmt: skip


def works(seconds: float, task: str, host: str, role: str = "") -> Event:
    """Return the event that a task begins on a host."""
    return Event(1, "runner_on_start", at(seconds), role=role, task=task, task_id=task, host=host)


def ends(seconds: float, task: str, host: str, how: str, role: str = "", **result: Any) -> Event:
    """Return the event that a task has ended on a host."""
    told = {"changed": how == "changed"} | result
    data = {"host": host, "task_uuid": task, "task": task, "role": role, "res": told}
    return Event(
        1, RESULTS[how], at(seconds), role=role, task=task, task_id=task, host=host,
        changed=how == "changed", result=told, data=data,
    )  # fmt: skip


def told(state: State, events: Iterable[Event], *, check: bool = False) -> list[str]:
    """Return the lines that stay of a run."""
    return [lasting(note, check=check).plain for event in events for note in state.take(event)]


PACKAGES = "Install the packages that every service on the host needs"
RUN = [
    begins(0, "Create the bucket", "storage", "provision"),
    works(0, "Create the bucket", "localhost", "storage"),
    ends(4, "Create the bucket", "localhost", "changed", "storage"),
    begins(4, PACKAGES, "base", "configure"),
    *(works(4, PACKAGES, f"mcp-{number}", "base") for number in range(1, 6)),
    ends(9, PACKAGES, "mcp-4", "ok", "base"),
]
EARLIER = [("storage/Create the bucket", 4.0), (f"base/{PACKAGES}", 10.0), ("stack/Start it", 26.0)]


@pytest.mark.parametrize(
    ("width", "expected", "lines"),
    [
        (
            80,
            EARLIER,
            [
                "System Initialization  ━━━━━━─────────────────────   22 %  9 s, about 31 s left",
                "  base: Install the packages that every… on mcp-1, mcp-2, mcp-3 and 1 more, 5 s",
                "  2 ok, 1 changed",
            ],
        ),
        (
            200,
            EARLIER,
            [
                "System Initialization  ━━━━━━━━━───────────────────────────────   22 %  9 s, about 31 s left",
                f"  base: {PACKAGES} on mcp-1, mcp-2, mcp-3 and 1 more, 5 s",
                "  2 ok, 1 changed",
            ],
        ),
        (
            40,
            EARLIER,
            [
                "System Initiali…  22 %, about 31 s left",
                "  base: Install the pa… on 4 hosts, 5 s",
                "  2 ok, 1 changed",
            ],
        ),
        (80, [], ["System Initialization  9 s", "", "  2 ok, 1 changed"]),
    ],
)
def test_the_foot_fits(width: int, expected: list[tuple[str, float]], lines: list[str]) -> None:
    state = State("site", BEGIN, expected)
    told(state, RUN)
    shown = [line.plain for line in foot(state, at(9), width)]
    assert max(map(len, shown)) < width, shown
    assert [line for line in shown if not lines[1] or line] == [line or shown[1] for line in lines]


def test_tasks_stand_side_by_side() -> None:
    state = State("site", BEGIN)
    assert [line.plain for line in foot(state, at(1), 80)] == ["site  1 s", "  starting", "  0 ok, 0 changed"]
    told(state, [works(second, f"Task {second}", f"aws-{second}") for second in range(5)])
    shown = [line.plain for line in foot(state, at(5), 80)]
    assert shown[1:5] == ["  Task 0, 5 s", "  Task 1, 4 s", "  Task 2, 3 s", "  and 2 more"]


def test_phases_and_changes_stay() -> None:
    assert told(State("site", BEGIN), [*RUN, ends(9, PACKAGES, "mcp-1", "changed", "base"), begins(10, "x")]) == [
        "Phase 1: Infrastructure Setup",
        "  changed  storage: Create the bucket",
        "Phase 2: System Initialization",
        f"  changed  base: {PACKAGES} on mcp-1",
    ]


def test_a_playbook_outside_the_workflow_has_its_plays() -> None:
    lines = told(
        State("x", BEGIN), [begins(0, "a", play="One"), begins(1, "b", play="One"), begins(2, "c", play="Two")]
    )
    assert lines == ["One", "Two"]


@pytest.mark.parametrize(
    ("how", "result", "lines"),
    [
        ("changed", {}, ["  would change  T on mcp-0, mcp-1, mcp-2 and 297 more"]),
        (
            "failed",
            {"msg": "no\nspace"},
            [
                *(f"  failed  mcp-{number}: T: no space" for number in range(3)),
                "  failed  mcp-3, mcp-4, mcp-5 and 294 more: T: no space",
            ],
        ),
        ("ok", {}, []),
    ],
)  # fmt: skip
def test_three_hundred_hosts_are_no_wall(how: str, result: dict[str, Any], lines: list[str]) -> None:
    hosts = [f"mcp-{number}" for number in range(300)]
    events = [*(works(0, "T", host) for host in hosts), *(ends(1, "T", host, how, **result) for host in hosts)]
    state = State("x", BEGIN)
    assert [*told(state, events, check=True), *(lasting(note, check=True).plain for note in state.rest())] == lines


def test_a_hidden_change_is_counted_and_a_warning_told_once() -> None:
    state = State("x", BEGIN)
    hidden = replace(
        ends(1, "T", "h", "ok", censored="the output has been hidden"), output="\x1b[0;33mchanged: [h]\x1b[0m"
    )
    hidden = replace(hidden, data={**hidden.data, "res": {"censored": "hidden"}})
    warning = Event(1, "verbose", BEGIN, output="\x1b[1;35m[WARNING]: two\r\n lines\x1b[0m\r\n\r\nPLAY [x]")
    assert told(state, [warning, works(0, "T", "h"), hidden, warning]) == ["  warning  two lines", "  changed  T on h"]
    assert (state.counts["ok"], state.counts["changed"]) == (1, 1)


@pytest.mark.parametrize(
    ("started", "now", "left"),
    [
        ([], 0, 18.0),
        ([("a", 0)], 2, 16.0),
        ([("a", 0)], 9, 13.0),  # longer than ever: the rest stays
        ([("a", 0), ("new", 5)], 5, 13.0),
        ([("a", 0), ("c", 5)], 6, 9.0),  # what was left out is not waited for
        ([("c", 0), ("a", 1)], 2, 8.0),  # going back takes nothing back
    ],
)
def test_time_left_is_learnt(started: list[tuple[str, float]], now: float, left: float) -> None:
    progress = Progress([("a", 5.0), ("b", 3.0), ("c", 10.0)])
    for task, second in started:
        progress.start("", task, at(second))
    assert progress.left(at(now)) == left
    assert progress.fraction(at(now)) == pytest.approx(1 - left / 18)


def test_without_earlier_runs_nothing_is_foretold() -> None:
    assert Progress([]).left(BEGIN) is Progress([]).fraction(BEGIN) is None


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (125, "2:05"), (3725, "1:02:05")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


VERDICT = {
    "schema": "mcp.aws/verdict/1",
    "kind": "verify",
    "name": "lab",
    "ok": False,
    "started": "2026-11-23T15:00:00+00:00",
    "finished": "2026-11-23T15:00:02+00:00",
    "checks": [
        {
            "id": "disk",
            "section": "system",
            "title": "Disk",
            "ok": False,
            "measured": "91 %",
            "limit": "< 80 %",
            "hint": "Look at df.",
        }
    ],
}  # fmt: skip
DONE = Outcome("verify", "i", Path("/a"), BEGIN, "failed", 2, 3.0, hosts={"mcp-1": HostStats(ok=3, failed=1)})
BROKEN = Failure(
    "mcp-1", "Install it", "E: no such package\n" + "\n".join(map(str, range(9))), "/r/roles/base/x.yml", 7
)


@pytest.mark.parametrize(
    ("run", "lines"),
    [
        (
            replace(DONE, failures=(BROKEN, replace(BROKEN, host="mcp-2"))),
            [
                "✘ mcp-1, mcp-2: Install it",
                "  E: no such package",
                "  0",
                "  1",
                "  … 4 more lines",
                "  6",
                "  7",
                "  8",
                "  /r/roles/base/x.yml:7",
                "  When it is mended, `runner.py verify -i lab --limit mcp-1,mcp-2 --tags base`",
                "  goes on from there.",
                "",
                "verify failed in 3.0 s: 0 changes on 1 host",
                "evidence: /a",
            ],
        ),
        (
            replace(DONE, failures=(BROKEN,), published={"verdict": VERDICT}),
            [
                "✘ Disk: 91 %, limit < 80 %",
                "  Look at df.",
                "verify degraded in 3.0 s: 0 changes on 1 host, 0 of 1 check green",
                "evidence: /a",
            ],
        ),
        (
            replace(DONE, status="canceled", rc=-1),
            [
                "  It was cancelled. What it did until then stays; the same command goes on from",
                "  there.",
                "verify canceled in 3.0 s: 0 changes on 1 host",
                "evidence: /a",
            ],
        ),
        (
            replace(DONE, status="successful", rc=0, check=True, hosts={"h": HostStats(ok=1, rescued=1)}),
            [
                "  1 failure was rescued",
                "  nothing was changed: this was check mode",
                "verify green in 3.0 s: 0 changes on 1 host",
            ],
        ),
        (
            replace(DONE, status="successful", rc=0, hosts={}),
            ["  no task ran: --limit and --tags left nothing to do", "verify green in 3.0 s"],
        ),
    ],
)
def test_the_end_says_what_to_do_and_where_to_look(run: Outcome, lines: list[str]) -> None:
    assert [line.plain for line in closing(run, inventory="lab", width=80)] == lines


def test_the_times_of_phases_are_not_torn() -> None:
    begins = {"Infrastructure Setup": at(0), "System Initialization": at(11), "Application Deployment": at(26)}
    assert [line.plain for line in phases(begins, at(35), 70)] == [
        "  Infrastructure Setup 11 s, System Initialization 15 s,",
        "  Application Deployment 9 s",
    ]


def test_many_failures_are_no_wall() -> None:
    run = replace(DONE, failures=tuple(replace(BROKEN, task=f"Task {number}") for number in range(50)))
    lines = [line.plain for line in closing(run, inventory="lab", width=40)]
    assert len(lines) < 60, lines
    assert "46 more failures: see the evidence" in lines
    assert [line for line in lines if len(line) > 39] == [run.headline]


@pytest.mark.parametrize(
    ("hosts", "is_degraded"),
    [
        ({"h": HostStats(failed=1)}, True),
        ({"h": HostStats(failed=1), "g": HostStats(failed=1)}, False),
        ({"h": HostStats(unreachable=1)}, False),
    ],
)
def test_only_a_red_verdict_is_degraded(hosts: dict[str, HostStats], is_degraded: bool) -> None:
    assert degraded(replace(DONE, hosts=hosts, published={"verdict": VERDICT})) is is_degraded


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("via ssh: connect to host 10.0.0.1 port 22: Connection refused", "`ansible mcp-1 -i lab -m ping -vvv`"),
        ("Permission denied (publickey)", "ansible_user and the key"),
        ("Host key verification failed.", "ssh-keygen -R"),
        ("Attempting to decrypt but no vault secrets found", "ANSIBLE_VAULT_PASSWORD_FILE"),
        ("Specified hosts and/or --limit leaves us with no hosts to target.", "ansible-inventory -i lab --graph"),
        ("An error occurred (UnauthorizedOperation)", "docs/iam"),
        ("Unable to locate credentials", "aws sts get-caller-identity"),
        ("couldn't resolve module/action 'x'", "--syntax-check"),
        ("ERROR: Ansible requires the locale encoding to be UTF-8; Detected None.", "export LC_ALL=C.UTF-8"),
        ("[Errno 28] No space left on device", "df -i"),
        ("something else", "`runner.py site -i lab --limit mcp-1` goes on from there"),
    ],
)  # fmt: skip
def test_advice(message: str, words: str) -> None:
    assert words in advice([Failure("mcp-1", "T", message)], "site", "lab")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        return True


FOOT = [Text("━" * 70), Text("x" * 20)]


def test_a_foot_is_taken_away_also_after_the_window_was_made_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    screen = Screen(stream, UTF8)
    monkeypatch.setenv("COLUMNS", "80")
    screen.draw(FOOT)
    assert stream.getvalue() == "\x1b[?25l" + "━" * 70 + "\n" + "x" * 20
    monkeypatch.setenv("COLUMNS", "40")
    screen.print_lines([Text("stays", style="red")])
    assert stream.getvalue().endswith("\r\x1b[2A\x1b[J\x1b[31mstays\x1b[0m\n")
    screen.close()
    assert stream.getvalue().endswith("\n\x1b[?25h")


@pytest.mark.parametrize(
    ("environment", "plain", "live", "said"),
    [
        (UTF8, False, True, "\x1b[31m✘ a \x1b[0m\x1b[31mb…\x1b[0m\n"),
        (UTF8 | {"NO_COLOR": "1"}, False, True, "✘ a b…\n"),
        (UTF8, True, False, "✘ a b…\n"),
        (UTF8 | {"TERM": "dumb"}, False, False, "✘ a b…\n"),
        ({"TERM": "xterm", "LC_ALL": "C", "NO_COLOR": "1"}, False, True, "x a b~\n"),
        ({"TERM": "xterm", "LANG": "de_DE.ISO-8859-1"}, True, False, "x a b~\n"),
    ],
)
def test_what_a_screen_can_show(environment: dict[str, str], plain: bool, live: bool, said: str) -> None:
    stream = Terminal()
    screen = Screen(stream, environment, plain=plain)
    screen.print_lines([Text("✘ a\x1bb…", style="red")])
    assert screen.live is live
    assert stream.getvalue().replace("\x1b[0m\x1b[31m", "") == said.replace("\x1b[0m\x1b[31m", "")


def test_a_pipe_has_no_foot() -> None:
    stream = io.StringIO()
    screen = Screen(stream, UTF8)
    screen.draw(FOOT)
    screen.close()
    assert stream.getvalue() == ""


class Closed(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        """Fail."""
        raise BrokenPipeError(text)


def test_a_reader_that_goes_away_does_not_end_the_words_with_an_error() -> None:
    screen = Screen(Closed(), UTF8)
    screen.print_lines([Text("one")])
    screen.print_lines([Text("two")])
