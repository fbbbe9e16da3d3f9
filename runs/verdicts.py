"""What playbooks find out and publish with `set_stats`, typed by the kind of playbook."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

VERDICT_SCHEMA = "mcp.aws/verdict/1"


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


AnyVerdict = Verdict


def read(stats: Mapping[str, Any], verb: str) -> AnyVerdict | None:
    """Return what a playbook found, given its custom statistics and its name."""
    return Verdict.read(stats)
