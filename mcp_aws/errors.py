"""The errors of this library; none of another library's reaches its users."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_aws.run import Run


class BadInput(ValueError):
    """What was asked for cannot be run: no such inventory, no such verb. The message names the nearest right one."""


class RunFailed(RuntimeError):
    """A run did not end green. `run` is the whole result."""

    def __init__(self, run: Run) -> None:
        super().__init__(str(run))
        self.run = run


class Unplayable(RunFailed, BadInput):
    """Ansible refused what it was given before any task: bad syntax, an unknown module, a vault without password."""


def error_of(run: Run) -> RunFailed:
    """Return the error that says how a run failed."""
    return Unplayable(run) if run.outcome.refused else RunFailed(run)


class Locked(RuntimeError):
    """Another run is at work on the stack. `holder` says which: pid, verb, user, host, started, ident."""

    def __init__(self, message: str, holder: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.holder = holder


class ArtifactsError(OSError):
    """A run's evidence cannot be kept: a full disk, a directory that cannot be written."""
