"""The history in real SQLite files: many writers at once, old and damaged files, questions by tables."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mcp_aws.changes import Change
from mcp_aws.events import Event
from mcp_aws.history.history import History, HistoryError
from mcp_aws.history.schema import STEPS
from mcp_aws.history.tasks import TaskTimes
from mcp_aws.history.times import day_of, moment_of
from mcp_aws.outcome import Failure, Outcome
from tests.runner.past import NOW, RED, outcome, task

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "below" / "history.sqlite")


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A time zone with summer time."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_run_comes_back_as_it_was_and_the_file_is_the_owners_alone(history: History) -> None:
    run = outcome(changes=(Change("web", "proxy", "Write it", "a.conf", "-secret\n+other"),))
    history.record(run, [task("proxy/Write it")])
    [found] = history.runs()
    assert (found.ident, found.verb, found.ok, found.check) == (run.ident, "site", True, False)
    assert (found.started, found.duration, found.changed, found.hosts) == (run.started, 12.5, 1, 1)
    assert (found.summary, found.artifacts) == (run.headline, run.artifacts)
    assert history.path.stat().st_mode & 0o777 == 0o600
    assert history.path.parent.stat().st_mode & 0o777 == 0o700
    assert b"-secret" not in history.path.read_bytes(), "a difference was kept"


def test_recording_a_run_again_replaces_it_with_all_its_parts(history: History) -> None:
    for _ in range(2):
        history.record(outcome(changes=(Change("web", "", "One"),)), [task("One"), task("Two")])
    assert len(history.runs()) == len(history.changes(NOW - timedelta(days=1), NOW + timedelta(days=1))) == 1
    assert history.expected("site") == [("One", 1.0), ("Two", 1.0)]


RUNS = (
    outcome("a", "site", days=9),
    outcome("b", "site", days=3, ok=False),
    outcome("c", "deploy", days=2),
    outcome("d", "site", days=1, check=True),
    outcome("e", "verify", days=0.5),
)


@pytest.mark.parametrize(
    ("asked", "idents"),
    [
        ({}, "edcba"),
        ({"verb": "site"}, "dba"),
        ({"verb": "site", "ok": True}, "da"),
        ({"ok": False}, "b"),
        ({"check": False, "verb": "site"}, "ba"),
        ({"since": NOW - timedelta(days=3)}, "edcb"),
        ({"until": NOW - timedelta(days=3)}, "a"),
        ({"since": NOW - timedelta(days=3), "until": NOW - timedelta(days=1)}, "cb"),
        ({"limit": 2}, "ed"),
        ({"verb": "' OR 1 --"}, ""),
    ],
)
def test_runs_are_found_by_verb_end_and_time(history: History, asked: dict[str, Any], idents: str) -> None:
    for run in RUNS:
        history.record(run, [])
    assert "".join(run.ident for run in history.runs(**asked)) == idents


def test_the_last_green_run_is_a_real_one(history: History) -> None:
    for run in RUNS:
        history.record(run, [])
    last = {verb: history.last(verb) for verb in ("site", "deploy", "teardown")}
    assert {verb: run and run.ident for verb, run in last.items()} == {"site": "a", "deploy": "c", "teardown": None}
    red = history.last("site", ok=False)
    assert red
    assert red.ident == "b"


def test_failures_and_red_checks_can_be_asked(history: History) -> None:
    history.record(outcome("f", ok=False, failures=(Failure("web", "Start it", "x" * 9000, "s.yml", 7),)), [])
    history.record(outcome("v", "verify", published={"mcp_verdict": RED}), [])
    [failure] = history.failures("site")
    assert (failure.host, failure.task, failure.file, failure.line) == ("web", "Start it", "s.yml", 7)
    assert len(failure.message) == 2000
    [check] = history.red_checks()
    assert (check.ident, check.check, check.measured, check.limit) == ("v", "latency", "3 s", "< 2 s")
    assert history.failures("verify") == history.red_checks("site") == []


def test_what_changed_comes_in_its_order_without_what_check_mode_foresaw(history: History) -> None:
    two = (Change("web", "proxy", "First", "a"), Change("db", "", "Second"))
    history.record(outcome("new", changes=two), [])
    history.record(outcome("old", "deploy", days=1, changes=(Change("web", "", "Earlier"),)), [])
    history.record(outcome("check", check=True, changes=two), [])
    found = history.changes(NOW - timedelta(days=2), NOW + timedelta(seconds=1))
    assert [(one.ident, one.task, one.item) for one in found] == [
        ("old", "Earlier", ""),
        ("new", "First", "a"),
        ("new", "Second", ""),
    ]
    assert [one.ident for one in history.changes(NOW - timedelta(days=2), verb="deploy")] == ["old"]


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize("day", ["2026-10-25", date(2026, 10, 25)])
def test_a_day_is_one_of_this_time_zone_even_when_it_has_25_hours(history: History, day: date | str) -> None:
    moments = {"before": "24T21:59", "first": "24T22:00", "last": "25T22:59", "after": "25T23:00"}
    for ident, moment in moments.items():
        started = datetime.fromisoformat(f"2026-10-{moment}+00:00")
        run = Outcome("site", ident, Path("/a"), started, changes=(Change("web", "", "It"),))
        History(history.path, most_days=1e5).record(run, [])
    assert [one.ident for one in history.changed_on(day)] == ["first", "last"]


def test_durations_are_means_over_runs_and_the_time_left_is_that_of_a_whole_green_run(history: History) -> None:
    whole = ("base/Install", "proxy/Start", "Look")
    for number, seconds in enumerate((1.0, 3.0)):
        tasks = [task(key, seconds) for key in whole]
        history.record(outcome(f"whole{number}", days=3 - number), tasks)
    history.record(outcome("one-tag"), [task("proxy/Start", 8.0)])
    history.record(outcome("red", ok=False), [task("base/Install", 500.0)])
    history.record(outcome("other", "deploy"), [task("base/Start", 100.0)])
    assert history.expected("site") == [("base/Install", 2.0), ("proxy/Start", 4.0), ("Look", 2.0)]
    assert history.expected("rollback") == history.expected("site", check=True) == []
    asked = [("proxy/Start", None), ("Start", None), ("Start", "site"), ("Look", None), ("No", None)]
    assert [history.mean_duration(*one) for one in asked] == [4.0, 28.0, 4.0, 2.0, None]
    assert [(one.key, one.runs, one.longest) for one in history.slowest("site", 2)] == [
        ("base/Install", 3, 500.0),
        ("proxy/Start", 3, 8.0),
    ]


def test_old_runs_go_by_count_and_age_with_all_their_parts_and_the_file_shrinks(history: History) -> None:
    few = History(history.path, most_runs=3, most_days=10)
    big = tuple(Change("web", "", "Change", "x" * 1000) for _ in range(300))
    few.record(outcome("big", days=9, changes=big), [task("One")])
    before = history.path.stat().st_size
    for number in range(4):
        few.record(outcome(f"r{number}", days=4 - number), [])
    few.record(outcome("ancient", days=11), [task("One")])
    assert [run.ident for run in history.runs()] == ["r3", "r2", "r1"]
    with closing(sqlite3.connect(history.path)) as database:
        assert [database.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("task", "change")] == [  # noqa: S608
            (0,),
            (0,),
        ]
    assert history.path.stat().st_size < before / 2


def test_a_run_of_thousands_of_changes_stays_bounded(history: History) -> None:
    history.record(outcome(changes=tuple(Change(f"h{number}", "", "It") for number in range(10_050))), [])
    assert len(history.changes(NOW - timedelta(days=1))) == 10_000


RECORDER = """
import sys
from pathlib import Path
from datetime import UTC, datetime
from mcp_aws.history.history import History
from mcp_aws.outcome import Outcome
sys.stdin.readline()
for number in range(10):
    run = Outcome("site", f"{sys.argv[2]}-{number}", Path("/a"), datetime.now(UTC), "successful", 0)
    History(Path(sys.argv[1])).record(run, [])
"""


def test_eight_processes_make_one_file_and_lose_no_run(history: History) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RECORDER, history.path, str(number)],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(8)
    ]
    for process in processes:
        assert process.stdin
        process.stdin.write("now\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, said
    assert len(history.runs(limit=100)) == 80


def test_threads_and_forks_record_at_once_and_leave_no_descriptor(history: History) -> None:
    history.record(outcome("first"), [])
    before = os.listdir("/proc/self/fd")
    threads = [
        threading.Thread(target=lambda name=name: history.record(outcome(f"thread{name}"), [])) for name in range(4)
    ]
    for thread in threads:
        thread.start()
    children = []
    for number in range(2):
        if not (child := os.fork()):
            try:
                history.record(outcome(f"fork{number}"), [])
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    for thread in threads:
        thread.join()
    idents = {run.ident for run in history.runs(limit=100)}
    assert idents == {"first", *(f"thread{n}" for n in range(4)), "fork0", "fork1"}
    assert os.listdir("/proc/self/fd") == before


def test_a_file_of_the_first_version_is_brought_up_and_keeps_its_runs(history: History) -> None:
    history.path.parent.mkdir()
    with closing(sqlite3.connect(history.path)) as database:
        database.executescript(STEPS[0])
        values = ("old", "site", 0, "successful", 1, NOW.isoformat(), 3.0, 1, 1, "me", "site green", "/a/old")
        database.execute("INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        database.execute("PRAGMA user_version = 1")
        database.commit()
    history.record(outcome("new", ok=False, failures=(Failure("web", "It", "why"),)), [])
    assert {run.ident for run in history.runs()} == {"old", "new"}
    assert [one.message for one in history.failures()] == ["why"]


def _garbage(path: Path) -> None:
    path.write_bytes(b"no database at all " * 400)


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    ("harm", "said"),
    [(_garbage, "not a database"), (_newer, "of version 99, newer than"), (Path.mkdir, "unable to open")],
)
def test_a_file_that_cannot_be_used_is_one_error_and_stays_as_it_is(
    history: History, harm: Callable[[Path], None], said: str
) -> None:
    history.path.parent.mkdir()
    harm(history.path)
    for question in (lambda: history.record(outcome(), []), history.runs):
        with pytest.raises(HistoryError, match=said) as raised:
            question()
        assert str(history.path) in str(raised.value)
    assert history.path.exists()


def test_a_directory_that_cannot_be_made_is_the_same_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HistoryError, match=r"file/history\.sqlite"):
        History(tmp_path / "file" / "history.sqlite").record(outcome(), [])


def test_a_question_makes_no_file(history: History) -> None:
    assert (history.runs(), history.last("site"), history.mean_duration("x"), history.expected("site")) == (
        [],
        None,
        None,
        [],
    )
    assert not history.path.parent.exists()


def test_tasks_that_run_at_once_are_timed_apart() -> None:
    begin = "playbook_on_task_start"
    times = TaskTimes()
    happened: list[tuple[int, str, str, str, dict[str, Any]]] = [
        (0, begin, "1", "", {}),
        (0, "runner_on_start", "1", "a", {}),
        (1, "runner_on_ok", "1", "a", {"changed": True}),
        (1, begin, "2", "", {}),
        (3, "runner_item_on_ok", "2", "a", {"changed": True}),
        (4, "runner_on_ok", "1", "b", {}),
        (5, "runner_on_failed", "2", "a", {}),
        (6, "runner_on_failed", "2", "b", {"ignored": True}),
        (6, begin, "3", "", {}),
        (9, "verbose", "", "", {}),
        (9, "playbook_on_stats", "", "", {}),
    ]
    for number, (second, kind, ident, host, more) in enumerate(happened):
        role = "proxy" if ident == "1" else ""
        moment = NOW + timedelta(seconds=second)
        times(Event(number, kind, moment, task=f"T{ident}", task_id=ident, role=role, host=host, **more))
    found = [(one.key, one.seconds, one.hosts, one.changed, one.failed) for one in times.times()]
    assert found == [("proxy/T1", 4.0, 2, 1, 0), ("T2", 5.0, 2, 0, 1)], "a task without a result took no time"


TUESDAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("text", "day"),
    [("tuesday", 24), ("Wednesday", 18), ("monday", 23), ("today", 24), ("yesterday", 23), ("2026-11-05", 5)],
)
def test_days_are_understood(text: str, day: int) -> None:
    assert day_of(text, TUESDAY) == date(2026, 11, day)


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90m", "2026-11-24T08:30+00:00"),
        ("7d", "2026-11-17T10:00+00:00"),
        ("yesterday", "2026-11-22T23:00+00:00"),
        ("2026-10-20", "2026-10-19T22:00+00:00"),
        ("2026-11-24T09:00", "2026-11-24T08:00+00:00"),
        ("2026-11-24T09:00Z", "2026-11-24T09:00+00:00"),
    ],
)
def test_moments_are_understood_in_this_time_zone(text: str, moment: str) -> None:
    now = datetime.fromisoformat("2026-11-24T10:00+00:00").astimezone()
    assert moment_of(text, now) == datetime.fromisoformat(moment)
