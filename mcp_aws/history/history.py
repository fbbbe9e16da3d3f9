"""What a stack's runs were, changed and took: recorded in SQLite, asked with typed answers."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from mcp_aws.history.answers import PastChange, PastCheck, PastFailure, PastRun, PastTask
from mcp_aws.history.schema import prepare
from mcp_aws.history.store import RUN, forget, store
from mcp_aws.history.tasks import TaskTime
from mcp_aws.history.times import begin_of, day_of
from mcp_aws.outcome import Outcome

__all__ = ["History", "HistoryError", "PastChange", "PastCheck", "PastFailure", "PastRun", "PastTask"]

PATIENCE = 20.0  # seconds to wait for another process that writes
PAUSE = 0.02  # seconds between two tries
MOST = 1 << 62  # rows; SQLite's numbers end there
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
ALONE = threading.RLock()  # held while a thread is inside SQLite, and never while it waits for another process
Answer = TypeVar("Answer")
LEARNT_FROM = 5  # green runs that the expected times come from
WHEN = "started, ident, verb"


class HistoryError(RuntimeError):
    """The history cannot be read or written. The message names its file and what to do."""


@dataclass(frozen=True)
class History:
    """The recorded runs of one stack. Nothing is open between two questions; any number of processes may record.

    :param most_runs: how many runs stay.
    :param most_days: for how many days they stay.
    """

    path: Path
    most_runs: int = field(default=1000, kw_only=True)
    most_days: float = field(default=400.0, kw_only=True)

    def record(self, run: Outcome, tasks: Sequence[TaskTime]) -> None:
        """Add a finished run; what is beyond `most_runs` or `most_days` goes.

        :raises HistoryError: when it cannot be written, as every method here when it cannot be read.
        """

        def work(database: sqlite3.Connection) -> None:
            store(database, run, tasks)
            forget(database, self.most_runs, self.most_days)

        self._do(work)

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
        return [_run(row) for row in self._select(RUN, "run", verb, since, until, limit, ok=ok, checked=check)]

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
        return mean

    def slowest(self, verb: str, limit: int = 10) -> list[PastTask]:
        """Return the tasks of a verb that take longest on the average."""
        rows = self._ask(
            "SELECT key, count(DISTINCT ident), avg(seconds) AS mean, max(seconds) FROM task JOIN run USING (ident)"
            " WHERE verb = ? GROUP BY key ORDER BY mean DESC LIMIT ?",
            verb,
            _bounded(limit),
        )
        return [PastTask(*row) for row in rows]

    def changes(self, since: datetime, until: datetime | None = None, *, verb: str | None = None) -> list[PastChange]:
        """Return what real runs changed that began in this time, in its order."""
        columns = f"{WHEN}, host, role, task, item"
        rows = self._select(columns, "change JOIN run USING (ident)", verb, since, until, checked=False)
        return [PastChange(_time(began), *row) for began, *row in reversed(rows)]

    def changed_on(self, day: date | str) -> list[PastChange]:
        """Return what changed on a day of this machine's time zone: `2026-11-24`, `tuesday` for the last one.

        :raises BadInput: when that is no day.
        """
        when = day_of(day) if isinstance(day, str) else day
        if when == date.max:
            return []
        return self.changes(begin_of(when), begin_of(when + timedelta(days=1)))

    def failures(
        self, verb: str | None = None, *, since: datetime | None = None, until: datetime | None = None, limit: int = 20
    ) -> list[PastFailure]:
        """Return the failures of runs that began in this time, the newest first."""
        columns = f"{WHEN}, host, task, message, file, line"
        rows = self._select(columns, "failure JOIN run USING (ident)", verb, since, until, limit)
        return [PastFailure(_time(began), *row) for began, *row in rows]

    def red_checks(
        self, verb: str | None = None, *, since: datetime | None = None, until: datetime | None = None, limit: int = 20
    ) -> list[PastCheck]:
        """Return the success criteria that were red in runs that began in this time, the newest first."""
        rows = self._select(
            f"{WHEN}, host, id, measured, most", "red JOIN run USING (ident)", verb, since, until, limit
        )
        return [PastCheck(_time(began), *row) for began, *row in rows]

    def expected(self, verb: str, check: bool = False) -> list[tuple[str, float]]:
        """Return the tasks of a verb in their order, with their mean seconds in the last five green runs.

        The order is that of the run of these that had most tasks: the last may have been one of a few tags.
        """
        recent = json.dumps([run.ident for run in self.runs(verb, ok=True, check=check, limit=LEARNT_FROM)])
        return self._ask(
            "WITH recent AS (SELECT value AS ident FROM json_each(?)),"
            " whole AS (SELECT ident FROM task JOIN run USING (ident) WHERE ident IN recent"
            "  GROUP BY ident ORDER BY count(*) DESC, started DESC LIMIT 1)"
            " SELECT key, (SELECT avg(seconds) FROM task AS each WHERE each.key = task.key AND each.ident IN recent)"
            " FROM task WHERE ident IN whole ORDER BY number",
            recent,
        )

    def _select(
        self,
        columns: str,
        tables: str,
        verb: str | None,
        since: datetime | None,
        until: datetime | None,
        limit: int = -1,
        **equal: bool | None,
    ) -> list[tuple[Any, ...]]:
        """Return columns of what fits, the newest first."""
        wanted: dict[str, object] = {"verb = ?": verb, "started >= ?": _text(since), "started < ?": _text(until)}
        wanted |= {f"{column} = ?": value for column, value in equal.items()}
        given = {words: value for words, value in wanted.items() if value is not None}
        where = " AND ".join(given) or "1"
        order = "started DESC, ident DESC" + (", number DESC" if "JOIN" in tables else "")
        query = f"SELECT {columns} FROM {tables} WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608
        return self._ask(query, *given.values(), _bounded(limit))

    def _ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        if not self.path.exists():  # a question makes no file
            _keep_forks_apart()
            with ALONE, closing(sqlite3.connect(":memory:")) as database:
                prepare(database)
                return database.execute(query, values).fetchall()
        return self._do(lambda database: database.execute(query, values).fetchall())

    def _do(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Return what work gives in a transaction, which is done again when another process was at it."""
        _keep_forks_apart()
        until = time.monotonic() + PATIENCE
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            while True:
                try:
                    return self._try(work)
                except sqlite3.OperationalError as error:
                    if (error.sqlite_errorcode & 0xFF) not in BUSY or time.monotonic() >= until:
                        raise
                time.sleep(PAUSE)
        except (sqlite3.Error, OSError) as error:
            remedy = "Move it away when it is damaged; runs go on without it."
            raise HistoryError(f"The history {self.path} cannot be used: {error}. {remedy}") from error

    def _try(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        with ALONE, closing(sqlite3.connect(self.path, timeout=0, isolation_level="IMMEDIATE")) as database:
            if not self.path.stat().st_size:
                self.path.chmod(0o600)  # SQLite's files beside it get the same
            prepare(database)
            with database:
                return work(database)


@cache
def _keep_forks_apart() -> None:
    """Let no fork begin while a thread is inside SQLite, whose locks a child would never free; from the first use on.

    A fork waits for one transaction at most, and a program that never asks a history never waits.
    """
    os.register_at_fork(before=ALONE.acquire, after_in_parent=ALONE.release, after_in_child=ALONE.release)


def _text(moment: datetime | None) -> str | None:
    try:
        return moment.astimezone(UTC).isoformat() if moment else None
    except (OverflowError, ValueError):  # the first or the last day of all calendars, in another zone
        return moment.replace(tzinfo=UTC).isoformat() if moment else None


def _bounded(limit: int) -> int:
    return max(-1, min(limit, MOST))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _run(row: tuple[Any, ...]) -> PastRun:
    ident, verb, check, status, ok, started, duration, changed, hosts, user, summary, artifacts = row
    return PastRun(
        *(ident, verb, bool(check), status, bool(ok), _time(started)),
        *(duration, changed, hosts, user, summary, Path(artifacts)),
    )
