"""The history: recorded by many at once, asked in every way, kept within bounds, and never in the way of a run."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from runner import BadInput, Change, HostStats, Stack
from runs import history, sinks
from runs.events import Event
from runs.history import History, HistoryError
from runs.history_tasks import TaskTime, TaskTimes
from runs.history_times import day_of, moment_of
from runs.outcome import Outcome

NOW = datetime.now(UTC).replace(microsecond=0)
THURSDAY = date(2026, 11, 26)


def _run(
    number: int, verb: str = "site", *, ok: bool = True, check: bool = False, changes: tuple[str, ...] = ()
) -> Outcome:
    """Return the run of so many hours ago."""
    return Outcome(
        verb,
        f"{number:04}-{verb}",
        Path("/a"),
        NOW - timedelta(hours=number),
        "successful" if ok else "failed",
        0 if ok else 2,
        10.0 + number,
        check,
        hosts={"h": HostStats(changed=len(changes))},
        changes=tuple(Change("h", "redis", task, "", "a diff that may hold a secret") for task in changes),
    )


def _tasks(*seconds: float) -> list[TaskTime]:
    return [TaskTime(f"redis/Task {n}", "/r.yml:1", NOW, value, 1) for n, value in enumerate(seconds)]


@pytest.fixture
def recorded(tmp_path: Path) -> History:
    """A history of five runs, the newest an hour ago."""
    past = History(tmp_path / "new" / "history.sqlite")
    past.record(_run(30, changes=("Old",)), _tasks(4.0, 1.0))
    past.record(_run(4, changes=("Install", "Start")), _tasks(2.0, 1.0))
    past.record(_run(3, ok=False), _tasks(90.0))
    past.record(_run(2, check=True, changes=("Foreseen",)), _tasks(7.0))
    past.record(_run(1, "verify"), _tasks(0.5))
    return past


def test_runs(recorded: History) -> None:
    assert [run.ident for run in recorded.runs()] == ["0001-verify", "0002-site", "0003-site", "0004-site", "0030-site"]
    assert [run.ident for run in recorded.runs("site", ok=True, check=False)] == ["0004-site", "0030-site"]
    assert [run.ident for run in recorded.runs(since=NOW - timedelta(hours=3), until=NOW - timedelta(hours=2))] == [
        "0003-site"
    ]
    assert len(recorded.runs(limit=2)) == 2
    last = recorded.last("site")
    assert last
    assert (last.ident, last.duration, last.changed, last.summary) == (
        *("0004-site", 14.0, 2),
        "site green in 14.0 s: 2 changes on 1 host",
    )
    assert recorded.last("teardown") is None


def test_times(recorded: History) -> None:
    assert recorded.mean_duration("redis/Task 1") == recorded.mean_duration("Task 1") == 1.0
    assert recorded.mean_duration("Task 0", "verify") == 0.5
    assert recorded.mean_duration("Task 9") is None
    assert recorded.expected("site") == [("redis/Task 0", 3.0), ("redis/Task 1", 1.0)]
    assert recorded.expected("site", check=True) == [("redis/Task 0", 7.0)]
    assert recorded.expected("deploy") == []
    assert [(task.key, task.runs, task.longest) for task in recorded.slowest("site", 1)] == [("redis/Task 0", 4, 90.0)]


def test_changes_are_those_of_real_runs_without_their_differences(recorded: History) -> None:
    assert [change.task for change in recorded.changes(NOW - timedelta(hours=12))] == ["Install", "Start"]
    assert {change.task for change in recorded.changed_on("today")} <= {"Install", "Start"}
    assert b"may hold a secret" not in recorded.path.read_bytes()


def test_a_question_makes_no_file(tmp_path: Path) -> None:
    past = History(tmp_path / "history.sqlite")
    assert (past.runs(), past.expected("site"), past.changed_on("tuesday")) == ([], [], [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-24", date(2026, 11, 24)),
        ("Tuesday", date(2026, 11, 24)),
        ("thursday", THURSDAY),
        ("friday", date(2026, 11, 20)),
        ("yesterday", date(2026, 11, 25)),
    ],
)
def test_days(text: str, day: date) -> None:
    assert day_of(text, THURSDAY) == day


@pytest.mark.parametrize("text", ["tusday", "2026-13-01", "7x", ""])
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(BadInput, match=r"is no day\. Give a date as 2026-11-24, a weekday as tuesday"):
        moment_of(text)


def test_moments() -> None:
    assert moment_of("2d", NOW) == NOW - timedelta(days=2)
    assert moment_of("2026-11-24T18:00").isoformat().startswith("2026-11-24T18:00:00")
    assert moment_of("today", NOW).isoformat() == f"{NOW:%Y-%m-%d}T00:00:00+00:00"


def _record(path: Path, first: int) -> None:
    for number in range(first, first + 10):
        History(path).record(_run(number), _tasks(1.0))


def test_many_processes_record_at_once(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with ProcessPoolExecutor(8) as pool:
        list(pool.map(_record, [path] * 8, range(0, 80, 10)))
    assert len(History(path).runs(limit=100)) == 80


def test_it_is_bounded(recorded: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_RUNS", 3)
    recorded.record(_run(0), _tasks(1.0))
    assert [run.ident for run in recorded.runs()] == ["0000-site", "0001-verify", "0002-site"]
    recorded.record(replace(_run(0), ident="ancient", started=NOW - timedelta(days=500)), _tasks(1.0))
    assert "ancient" not in [run.ident for run in recorded.runs()]
    with sqlite3.connect(recorded.path) as database:
        [(left,)] = database.execute("SELECT count(DISTINCT ident) FROM task")
    assert left == 3


def test_a_damaged_file_is_told_and_stops_no_run(stack: Stack) -> None:
    assert stack.run("versions").ok
    path = stack.history.path
    good = path.read_bytes()
    path.write_bytes(b"this is no database, but it is long enough" * 100)
    with pytest.raises(HistoryError, match=r"history\.sqlite cannot be used: file is not a database"):
        stack.history.runs()
    run = stack.run("versions")
    assert run.ok
    assert "history.sqlite cannot be used" in run.output()
    path.write_bytes(good)


def test_a_newer_file_is_left_alone(recorded: History) -> None:
    with sqlite3.connect(recorded.path) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(HistoryError, match="of version 99, newer than"):
        recorded.runs()


def test_a_run_records_itself(stack: Stack) -> None:
    run = stack.run("loop", raise_on_failure=False)
    [past] = stack.history.runs("loop", limit=1)
    assert (past.ident, past.status, past.ok) == (run.ident, "failed", False)
    assert past.artifacts == run.artifacts


def _event(kind: str, task: str, seconds: float, host: str = "", **more: object) -> Event:
    return Event(1, kind, NOW + timedelta(seconds=seconds), role="redis", task=task, task_id=task, host=host, **more)  # type: ignore[arg-type]


def test_tasks_that_overlap_are_told_apart() -> None:
    times = TaskTimes()
    for event in (
        _event("playbook_on_task_start", "A", 0),
        _event("playbook_on_task_start", "B", 1),
        _event("runner_on_ok", "A", 3, "x", changed=True),
        _event("runner_on_failed", "B", 4, "x"),
        _event("runner_on_failed", "A", 5, "y", ignored=True),
        _event("playbook_on_task_start", "Nobody", 6),
    ):
        times(event)
    assert [(task.key, task.seconds, task.hosts, task.changed, task.failed) for task in times.times()] == [
        ("redis/A", 5.0, 2, 1, 0),
        ("redis/B", 3.0, 1, 0, 1),
    ]


def test_unknown_and_missing_sinks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"No sink `araa`\. Did you mean `ara`"):
        sinks.environment(("araa",), tmp_path, {})
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(BadInput, match=r'pip install "ara\[server\]"'):
        sinks.environment(("ara",), tmp_path, {})


def test_ara_records_a_run_and_no_extra_variable(stack: Stack, tmp_path: Path) -> None:
    secret = {"green_expected_key": "", "green_password": "not-for-ara-99"}
    run = replace(stack, cache=tmp_path, sinks=("ara",)).run("green", extra_vars=secret)
    assert run.ok
    [database] = (tmp_path / "ara").rglob("ansible.sqlite")
    with sqlite3.connect(database) as ara:
        [(status, path)] = ara.execute("SELECT status, path FROM playbooks")
        tasks = [name for (name,) in ara.execute("SELECT name FROM tasks")]
    assert (status, Path(path).name) == ("completed", "green.yml")
    assert "Change something" in tasks
    assert b"not-for-ara-99" not in database.read_bytes()
