"""What a stack's runs were, changed and took: recorded in SQLite, asked with typed answers."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import getpass
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from runs.history_schema import prepare
from runs.history_tasks import TaskTime
from runs.history_times import day_of
from runs.outcome import Outcome

PATIENCE = 20.0  # seconds to wait for another process that writes
LEARNT_FROM = 5  # green runs that the expected times come from
MOST_RUNS, MOST_DAYS = 1000, 400
COLUMNS = "ident, verb, checked, status, ok, started, duration, changed, hosts, user, summary, artifacts"


class HistoryError(RuntimeError):
    """The history cannot be read or written. The message names its file and what to do."""


@dataclass(frozen=True)
class PastRun:
    """One run. `started` is in UTC, `duration` in seconds; `summary` is its headline; `artifacts` may be gone."""

    ident: str
    verb: str
    check: bool
    status: str
    ok: bool
    started: datetime
    duration: float
    changed: int
    hosts: int
    user: str
    summary: str
    artifacts: Path


@dataclass(frozen=True)
class PastChange:
    """One change that a real run made, and when that run began, in UTC."""

    started: datetime
    ident: str
    verb: str
    host: str
    role: str
    task: str
    item: str


@dataclass(frozen=True)
class PastTask:
    """A task over several runs: how many, and its seconds on the average and at most."""

    key: str
    runs: int
    mean: float
    longest: float


@dataclass(frozen=True)
class History:
    """The recorded runs of one stack. Nothing is open between two questions; any number of processes may record."""

    path: Path

    def record(self, run: Outcome, tasks: Sequence[TaskTime]) -> None:
        """Add a finished run; the oldest beyond 1000 runs or 400 days go."""
        with self._open() as database:
            row = (
                *(run.ident, run.verb, run.check, run.status, run.ok, run.started.isoformat(), run.duration),
                *(run.changed, len(run.hosts), _user(), run.headline, str(run.artifacts)),
            )
            database.execute(f"INSERT OR REPLACE INTO run ({COLUMNS}) VALUES ({_marks(row)})", row)  # noqa: S608
            database.executemany(
                "INSERT INTO task VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (run.ident, number, task.key, task.path, task.seconds, task.hosts, task.changed, task.failed)
                    for number, task in enumerate(tasks)
                ],
            )
            database.executemany(
                "INSERT INTO change VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (run.ident, number, change.host, change.role, change.task, change.item)
                    for number, change in enumerate(run.changes)
                ],
            )
            oldest = (datetime.now(UTC) - timedelta(days=MOST_DAYS)).isoformat()
            database.execute(
                "DELETE FROM run WHERE started < ?"
                " OR ident NOT IN (SELECT ident FROM run ORDER BY started DESC LIMIT ?)",
                (oldest, MOST_RUNS),
            )

    def runs(
        self,
        verb: str | None = None,
        *,
        ok: bool | None = None,
        check: bool | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 20,
    ) -> list[PastRun]:
        """Return runs, the newest first; `None` leaves a condition out."""
        wanted = {"verb = ?": verb, "ok = ?": ok, "checked = ?": check, "started >= ?": since, "started < ?": until}
        given = {words: value for words, value in wanted.items() if value is not None}
        where = " AND ".join(given) or "1"
        values = [_value(value) for value in given.values()]
        query = f"SELECT {COLUMNS} FROM run WHERE {where} ORDER BY started DESC LIMIT ?"  # noqa: S608
        return [_run(row) for row in self._ask(query, *values, limit)]

    def last(self, verb: str, *, ok: bool | None = True, check: bool = False) -> PastRun | None:
        """Return the last run of a verb, by default the last green one; None when there was none."""
        return next(iter(self.runs(verb, ok=ok, check=check, limit=1)), None)

    def mean_duration(self, task: str, verb: str | None = None) -> float | None:
        """Return a task's seconds on the average, None when it never ran; it is `role/task`, or the name alone."""
        [(mean,)] = self._ask(
            "SELECT avg(seconds) FROM task JOIN run USING (ident)"
            " WHERE (key = ?1 OR substr(key, instr(key, '/') + 1) = ?1) AND (?2 IS NULL OR verb = ?2)",
            task,
            verb,
        )
        return float(str(mean)) if mean is not None else None

    def slowest(self, verb: str, limit: int = 10) -> list[PastTask]:
        """Return the tasks of a verb that take longest on the average."""
        rows = self._ask(
            "SELECT key, count(*), avg(seconds) AS mean, max(seconds) FROM task JOIN run USING (ident)"
            " WHERE verb = ? GROUP BY key ORDER BY mean DESC LIMIT ?",
            verb,
            limit,
        )
        return [
            PastTask(str(key), int(str(runs)), float(str(mean)), float(str(longest)))
            for key, runs, mean, longest in rows
        ]

    def changes(self, since: datetime, until: datetime | None = None) -> list[PastChange]:
        """Return what real runs changed that began in this time, in its order."""
        rows = self._ask(
            "SELECT started, ident, verb, host, role, task, item FROM change JOIN run USING (ident)"
            " WHERE NOT checked AND started >= ? AND started < ? ORDER BY started, number",
            _value(since),
            _value(until or datetime.now(UTC)),
        )
        return [PastChange(datetime.fromisoformat(str(row[0])), *map(str, row[1:])) for row in rows]

    def changed_on(self, day: str) -> list[PastChange]:
        """Return what changed on a day of this machine's time zone: `2026-11-24`, `tuesday` for the last one.

        :raises BadInput: when that is no day.
        """
        date = day_of(day)
        begin = datetime.combine(date, time()).astimezone()
        return self.changes(begin, datetime.combine(date + timedelta(days=1), time()).astimezone())

    def expected(self, verb: str, check: bool = False) -> list[tuple[str, float]]:
        """Return the tasks of the last green run of a verb in their order, with the mean seconds of the last five."""
        recent = [run.ident for run in self.runs(verb, ok=True, check=check, limit=LEARNT_FROM)]
        if not recent:
            return []
        rows = self._ask(
            "SELECT last.key, (SELECT avg(seconds) FROM task WHERE task.key = last.key AND task.ident IN"
            " (SELECT value FROM json_each(?))) FROM task AS last WHERE last.ident = ? ORDER BY last.number",
            json.dumps(recent),
            recent[0],
        )
        return [(str(key), float(str(seconds))) for key, seconds in rows]

    def _ask(self, query: str, *values: object) -> list[tuple[object, ...]]:
        if not self.path.exists():  # a question makes no file
            with closing(sqlite3.connect(":memory:")) as database:
                prepare(database)
                return database.execute(query, values).fetchall()
        with self._open() as database:
            return database.execute(query, values).fetchall()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection in a transaction."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with closing(sqlite3.connect(self.path, timeout=PATIENCE, isolation_level="IMMEDIATE")) as database:
                prepare(database)
                with database:
                    yield database
        except (sqlite3.Error, OSError) as error:
            remedy = "Move it away when it is damaged; runs go on without it."
            raise HistoryError(f"The history {self.path} cannot be used: {error}. {remedy}") from error


def _user() -> str:
    with suppress(OSError, KeyError):
        return getpass.getuser()
    return ""


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _value(value: object) -> object:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _run(row: tuple[object, ...]) -> PastRun:
    ident, verb, check, status, ok, started, duration, changed, hosts, user, summary, artifacts = row
    return PastRun(
        *(str(ident), str(verb), bool(check), str(status), bool(ok), datetime.fromisoformat(str(started))),
        *(float(str(duration)), int(str(changed)), int(str(hosts)), str(user), str(summary), Path(str(artifacts))),
    )
