"""The result of a run: plain frozen values that explain themselves."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from runs.changes import Change

CHECKOUT = Path(__file__).resolve().parents[1]
VERDICT_SCHEMA = "mcp.aws/verdict/1"
COLOUR = re.compile(r"\x1b\[[\d;]*m")


class BadInput(ValueError):
    """What was asked for cannot be run: no such inventory, no such verb. The message names the nearest right one."""


class RunFailed(RuntimeError):
    """A run did not end green. `run` is the whole result."""

    def __init__(self, run: Run) -> None:
        super().__init__(str(run))
        self.run = run


@dataclass(frozen=True)
class Check:
    """One criterion of a verdict. `measured` and `limit` are texts with their units, `hint` says what to look at."""

    id: str
    section: str
    title: str
    ok: bool
    measured: str = ""
    limit: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a playbook that judges has found, as it published it with `set_stats`."""

    kind: str
    name: str
    ok: bool
    checks: tuple[Check, ...]
    started: datetime
    finished: datetime

    @property
    def red(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if not check.ok)

    @classmethod
    def read(cls, stats: Mapping[str, Any]) -> Verdict | None:
        """Return the verdict among custom stats, or None when there is none of a schema known here."""
        data = stats.get("verdict") or {}
        if data.get("schema") != VERDICT_SCHEMA:
            return None
        names = [item.name for item in fields(Check)]
        return cls(
            kind=data["kind"],
            name=data["name"],
            ok=data["ok"],
            checks=tuple(Check(**{name: check[name] for name in names if name in check}) for check in data["checks"]),
            started=datetime.fromisoformat(data["started"]),
            finished=datetime.fromisoformat(data["finished"]),
        )


@dataclass(frozen=True)
class Failure:
    """A task that failed, or a run that failed before its first task (then `host` and `task` are empty)."""

    host: str
    task: str
    message: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        where = f"{self.file.removeprefix(f'{CHECKOUT}/')}:{self.line}" if self.file else ""
        what = f"{self.task} ({where})" if self.task and where else self.task or where
        return ": ".join(filter(None, [self.host, what, self.message]))


@dataclass(frozen=True)
class HostStats:
    """How many tasks ended which way on one host."""

    ok: int = 0
    changed: int = 0
    failed: int = 0
    unreachable: int = 0
    skipped: int = 0
    rescued: int = 0
    ignored: int = 0


@dataclass(frozen=True)
class Run:
    """One finished run of one playbook.

    `status` is `successful`, `failed`, `timeout` or `canceled`; `rc` is the exit status of ansible-playbook, -1 when
    it was killed; `duration` is in seconds; `artifacts` is the directory that holds the output (`stdout`) and this
    result (`result.json`). `changes` are what it changed, or in check mode would change; `unpredicted` are sentences on
    what only a real run can tell. `versions` is what the playbook `versions` found, by host.
    """

    playbook: str
    status: str
    rc: int
    duration: float
    artifacts: Path
    hosts: Mapping[str, HostStats] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    verdict: Verdict | None = None
    changes: tuple[Change, ...] = ()
    unpredicted: tuple[str, ...] = ()
    versions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every task succeeded and, where the playbook judges, its verdict is green."""
        return self.status == "successful" and self.rc == 0 and (self.verdict is None or self.verdict.ok)

    @property
    def changed(self) -> int:
        """The number of tasks that changed something, over all hosts."""
        return sum(host.changed for host in self.hosts.values())

    @property
    def headline(self) -> str:
        """The run in one line, for example `site green in 52.3 s: 3 changes on 2 hosts, 31 of 31 checks green`."""
        outcome = "green" if self.ok else "failed" if self.status == "successful" else self.status
        parts = []
        if self.hosts:
            parts.append(f"{count(self.changed, 'change')} on {count(len(self.hosts), 'host')}")
        if self.verdict:
            every = len(self.verdict.checks)
            parts.append(f"{every - len(self.verdict.red)} of {count(every, 'check')} green")
        return f"{self.playbook} {outcome} in {self.duration:.1f} s" + (f": {', '.join(parts)}" if parts else "")

    def tail(self, lines: int = 20) -> str:
        """Return the last lines of the output, without colours."""
        return "\n".join(self.output().splitlines()[-lines:])

    def output(self) -> str:
        """Return all that Ansible printed, without colours."""
        return COLOUR.sub("", (self.artifacts / "stdout").read_text(errors="replace"))

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain values that JSON takes: times in ISO 8601, paths as text."""
        whole = {"ok": self.ok, "changed": self.changed} | asdict(self)
        plain: dict[str, Any] = json.loads(json.dumps(whole, default=_plain))
        return plain

    def __str__(self) -> str:
        lines = [str(failure) for failure in self.failures]
        lines += [
            f"red: {check.title}: {check.measured}, limit {check.limit}. {check.hint}"
            for check in (self.verdict.red if self.verdict else ())
        ]
        if not self.ok:
            lines.append(f"output: {self.artifacts / 'stdout'}")
        return "\n".join([self.headline, *("  " + line.replace("\n", "\n    ") for line in lines)])


def count(number: int, noun: str) -> str:
    """Return `1 host`, `2 hosts`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _plain(value: object) -> str:
    """Return as text what JSON cannot hold."""
    return value.isoformat() if isinstance(value, datetime) else str(value)
