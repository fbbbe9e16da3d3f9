"""How a finished run gets into the tables of the history, and how the oldest leave them."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import getpass
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice

from mcp_aws.history.tasks import TaskTime
from mcp_aws.outcome import Outcome

RUN = "ident, verb, checked, status, ok, started, duration, changed, hosts, user, summary, artifacts"
MOST_ROWS = 10_000  # of one run in one table: a thousand hosts must not fill the disk; the run's counts stay right
LONGEST = 2000  # characters of a text that another program wrote


def store(database: sqlite3.Connection, run: Outcome, tasks: Sequence[TaskTime]) -> None:
    """Write a run; one of the same ident is replaced. No difference and no result is kept: they may hold secrets."""
    row = (
        *(run.ident, run.verb, run.check, run.status, run.ok, run.started.astimezone(UTC).isoformat(), run.duration),
        *(run.changed, len(run.hosts), _user(), run.headline, str(run.artifacts)),
    )
    database.execute(f"INSERT OR REPLACE INTO run ({RUN}) VALUES ({_marks(row)})", row)  # noqa: S608
    parts: dict[str, Iterable[tuple[object, ...]]] = {
        "task": ((task.key, task.path, task.seconds, task.hosts, task.changed, task.failed) for task in tasks),
        "change": ((change.host, change.role, change.task, change.item[:LONGEST]) for change in run.changes),
        "failure": ((one.host, one.task, one.message[:LONGEST], one.file, one.line) for one in run.failures),
        "red": ((one.host, one.id, one.measured[:LONGEST], one.limit[:LONGEST]) for one in run.red),
    }
    for table, rows in parts.items():
        numbered = [(run.ident, number, *values) for number, values in enumerate(islice(rows, MOST_ROWS))]
        if numbered:
            database.executemany(f"INSERT INTO {table} VALUES ({_marks(numbered[0])})", numbered)  # noqa: S608


def forget(database: sqlite3.Connection, runs: int, days: float) -> None:
    """Delete all but the newest runs of the last days; the file shrinks with the transaction."""
    oldest = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    database.execute(
        "DELETE FROM run WHERE started < ? OR ident NOT IN (SELECT ident FROM run ORDER BY started DESC LIMIT ?)",
        (oldest, runs),
    )


def _user() -> str:
    with suppress(OSError, KeyError):  # a container may run under a number without a name
        return getpass.getuser()
    return ""


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
