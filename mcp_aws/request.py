"""The request for a run: what the library hands to the supervisor, as one line of JSON on its standard input."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

RUN = "MCP_AWS_RUN"  # the variable that tells every process of a run which one it belongs to


@dataclass(frozen=True)
class Limits:
    """How much a stack's artifacts may be: runs, days, bytes, files. Those of the oldest runs go first."""

    runs: int = 50
    days: int = 90
    size: int = 1 << 30
    files: int = 2000


@dataclass(frozen=True)
class RunRequest:
    """What to run. `ident` names the run's directory below `cache/artifacts`; `timeout` is in seconds, 0 for none.

    `environment` is added to what the process inherits. `node` is the command of another control node's worker.
    """

    verb: str
    playbook: Path
    inventory: Path
    cache: Path
    ident: str
    arguments: tuple[str, ...] = ()
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    check: bool = False
    colour: bool = False
    timeout: float = 0.0
    limits: Limits = field(default_factory=Limits)
    program: int = 0  # the process that wants the run; when it ends, the run is ended
    lock: int = -1  # the file descriptor that holds the stack's lock
    node: Mapping[str, Any] = field(default_factory=dict)

    @property
    def artifacts(self) -> Path:
        """The run's directory."""
        return self.cache / "artifacts" / self.ident

    def held_by(self, lock: int) -> RunRequest:
        """Return the same request with the lock that its supervisor inherits."""
        return replace(self, lock=lock)

    def to_line(self) -> bytes:
        """Return the request as a line."""
        return json.dumps(asdict(self), default=str).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> RunRequest:
        """Return the request of a line."""
        data = json.loads(line)
        for name in ("playbook", "inventory", "cache"):
            data[name] = Path(data[name])
        return cls(**data | {"limits": Limits(**data["limits"]), "arguments": tuple(data["arguments"])})
