"""What the history answers with: frozen values; every time is in UTC, every duration in seconds."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class PastRun:
    """One run. `changed` counts its changes, `hosts` its hosts; `summary` is its headline; `artifacts` may be gone."""

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
class PastTask:
    """A task, `role/task` or `task` as its key, over several runs: how many, its seconds on the average and at most."""

    key: str
    runs: int
    mean: float
    longest: float


@dataclass(frozen=True)
class PastChange:
    """One change that a real run made, and when that run began. What differed is in the run's artifacts alone."""

    started: datetime
    ident: str
    verb: str
    host: str
    role: str
    task: str
    item: str


@dataclass(frozen=True)
class PastFailure:
    """One failure that was not rescued; `host` and `task` are empty when a run failed before its first task."""

    started: datetime
    ident: str
    verb: str
    host: str
    task: str
    message: str
    file: str
    line: int


@dataclass(frozen=True)
class PastCheck:
    """One success criterion that was red: what was measured, and its limit."""

    started: datetime
    ident: str
    verb: str
    host: str
    check: str
    measured: str
    limit: str
