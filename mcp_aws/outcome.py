"""What is known of a run: plain frozen values that explain themselves."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcp_aws import verdicts
from mcp_aws.changes import Change
from mcp_aws.errors import BadInput
from mcp_aws.location import COLLECTION_ROOT
from mcp_aws.text import count
from mcp_aws.verdicts import AnyVerdict, Check

FILE = "result.json"
COLOUR = re.compile(r"\x1b\[[\d;]*m")
SCHEMA = "mcp.aws/run/1"
REFUSALS = (1, 4, 5)  # ansible-playbook's exit statuses: what it was given is wrong, unreadable, no option
UNLISTED = "The hosts cannot be listed."  # by a plugin that asks a service: nothing that was given is wrong
LONGEST = 2000  # characters of a message that are shown; the artifacts hold all


@dataclass(frozen=True)
class Failure:
    """A task that failed, or a run that failed before its first task (then `host` and `task` are empty)."""

    host: str
    task: str
    message: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        where = f"{self.file.removeprefix(f'{COLLECTION_ROOT}/')}:{self.line}" if self.file else ""
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
class Outcome:
    """All that is known of one run of one playbook, at its end or so far; `Run` says what each part means."""

    verb: str
    ident: str
    artifacts: Path
    started: datetime
    status: str = "running"
    rc: int = -1
    duration: float = 0.0
    check: bool = False
    events: int = 0
    hosts: Mapping[str, HostStats] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    changes: tuple[Change, ...] = ()
    unpredicted: tuple[str, ...] = ()
    published: Mapping[str, Any] = field(default_factory=dict)  # what the playbook told by set_stats

    @property
    def verdict(self) -> AnyVerdict | None:
        """What the playbook found, typed; None where it publishes nothing."""
        return verdicts.read(self.published, self.verb)

    @property
    def verdicts(self) -> Mapping[str, AnyVerdict]:
        """What each playbook that took part found, by its kind: `site` has those of `provision`, `deploy` and more."""
        return verdicts.read_all(self.published)

    @property
    def red(self) -> tuple[Check, ...]:
        """The checks of the verdict that failed."""
        return tuple(getattr(self.verdict, "red", ()))

    @property
    def ok(self) -> bool:
        """Whether every task succeeded and, where the playbook judges, its verdict is green."""
        verdict = self.verdict
        return self.status == "successful" and self.rc == 0 and (verdict is None or verdict.ok)

    @property
    def refused(self) -> bool:
        """Whether Ansible refused what it was given, so that nothing was run."""
        unlisted = any(failure.message.startswith(UNLISTED) for failure in self.failures)
        return self.status == "failed" and self.rc in REFUSALS and not self.hosts and not unlisted

    @property
    def changed(self) -> int:
        """The number of tasks that changed something, over all hosts."""
        return sum(host.changed for host in self.hosts.values())

    @property
    def headline(self) -> str:
        """The run in one line, for example `site green in 52.3 s: 3 changes on 2 hosts, 31 of 31 checks green`."""
        word = "green" if self.ok else "failed" if self.status == "successful" else self.status
        parts = []
        if self.hosts:
            parts.append(f"{count(self.changed, 'change')} on {count(len(self.hosts), 'host')}")
        if checks := getattr(self.verdict, "checks", ()):
            parts.append(f"{len(checks) - len(self.red)} of {count(len(checks), 'check')} green")
        time = f"for {self.duration:.0f} s" if self.status == "running" else f"in {self.duration:.1f} s"
        return f"{self.verb} {word} {time}" + (f": {', '.join(parts)}" if parts else "")

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain values that JSON takes: times in ISO 8601, paths as text."""
        whole = {"schema": SCHEMA, "ok": self.ok, "changed": self.changed} | asdict(self)
        whole["verdict"] = self.verdict.as_dict() if self.verdict else None
        plain: dict[str, Any] = json.loads(json.dumps(whole, default=_plain))
        return plain

    @classmethod
    def read(cls, artifacts: Path) -> Outcome:
        """Return what a run's directory holds.

        :raises FileNotFoundError: when the run has not ended, or its artifacts are gone.
        :raises BadInput: when the file is no result, or one of another schema.
        """
        path = artifacts / FILE
        try:
            data = json.loads(path.read_text("utf-8"))
            schema = data.get("schema") if isinstance(data, dict) else None
            if schema != SCHEMA:
                raise BadInput(f"{path} is no result of a run: its schema is {schema!r}, and not {SCHEMA!r}.")
            return cls._of(data, artifacts)
        except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
            if isinstance(error, BadInput):
                raise
            what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
            raise BadInput(f"{path} is no result of a run: {what}.") from error

    @classmethod
    def _of(cls, data: Mapping[str, Any], artifacts: Path) -> Outcome:
        plain = {"verb": str, "ident": str, "status": str, "rc": int, "duration": int | float, "check": bool}
        for name, kind in {**plain, "events": int, "published": Mapping}.items():
            if not isinstance(data[name], kind):
                raise TypeError(f"its {name} is {data[name]!r}")
        return replace(
            cls(data["verb"], data["ident"], artifacts, datetime.fromisoformat(data["started"])),
            **{name: data[name] for name in ("status", "rc", "duration", "check", "events", "published")},
            hosts={host: HostStats(**stats) for host, stats in data["hosts"].items()},
            failures=tuple(Failure(**failure) for failure in data["failures"]),
            changes=tuple(Change(**change) for change in data["changes"]),
            unpredicted=tuple(data["unpredicted"]),
        )

    def lines(self) -> list[str]:
        """Return the headline, what failed, what is red, and where the output is."""
        lines = [_short(str(failure)) for failure in self.failures]
        lines += [f"red: {check.title}: {check.measured}, limit {check.limit}. {check.hint}" for check in self.red]
        if not self.ok and self.status != "running":
            lines.append(f"output: {self.artifacts / 'stdout'}")
        return [self.headline, *("  " + line.replace("\n", "\n    ") for line in lines)]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def _short(text: str) -> str:
    """Return a text that is no wall: the beginning of a long one says what it is, the end how it ended."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}\n(...)\n{text[-LONGEST // 2 :]}"


def _plain(value: object) -> str:
    """Return as text what JSON cannot hold."""
    return value.isoformat() if isinstance(value, datetime) else str(value)
