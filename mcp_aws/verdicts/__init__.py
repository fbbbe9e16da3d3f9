"""What playbooks find out and publish with `set_stats`, typed by the kind of playbook.

A kind that joins is a dataclass in a file beside this one, imported here; `AnyVerdict` says what it needs.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mcp_aws.verdicts.aws import Instance, Preflight, Provision, RotateSecrets, Teardown
from mcp_aws.verdicts.hosts import (
    Configure,
    ConfiguredHost,
    Deploy,
    DeployedHost,
    Release,
    Rollback,
    Serving,
    Versions,
    VersionsHost,
)
from mcp_aws.verdicts.reading import AnyVerdict, listed, typed

__all__ = [
    "AnyVerdict",
    "Check",
    "Configure",
    "ConfiguredHost",
    "Deploy",
    "DeployedHost",
    "Instance",
    "Preflight",
    "Provision",
    "Release",
    "Rollback",
    "RotateSecrets",
    "Serving",
    "Teardown",
    "Verdict",
    "Versions",
    "VersionsHost",
    "read",
    "read_all",
]


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
    host: str = ""


@dataclass(frozen=True)
class Verdict(AnyVerdict, schema="mcp.aws/verdict/1"):
    """What `verify`, and `site` at its end, have measured; `started` and `finished` are in UTC."""

    checks: tuple[Check, ...]
    started: datetime
    finished: datetime

    @property
    def red(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if not check.ok)

    @property
    def words(self) -> str:
        """How many checks are green, and the titles of the others."""
        green = f"{len(self.checks) - len(self.red)} of {len(self.checks)} green"
        return green + (f"; red: {listed([check.title for check in self.red])}" if self.red else "")


def read_all(stats: Mapping[str, Any]) -> dict[str, AnyVerdict]:
    """Return what every playbook of a run found, by kind, given the run's custom statistics.

    Statistics of another schema, and of none, are left out.
    """
    return {verdict.kind: verdict for verdict in map(typed, stats.values()) if verdict}


def read(stats: Mapping[str, Any], verb: str) -> AnyVerdict | None:
    """Return what a playbook found, given the run's custom statistics and the playbook's name.

    A playbook without a kind of its own, as `site`, has the verdict of the checks that it ends with.
    """
    found = read_all(stats)
    return found.get(verb) or next((verdict for verdict in found.values() if isinstance(verdict, Verdict)), None)
