"""The two sides, each a process from the same directory with the same environment, and how they take turns."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
ANSIBLE = Path(sys.executable).parent / "ansible-playbook"


class TurnFailed(Exception):
    """A turn did not end green, so that its time says nothing."""


@dataclass(frozen=True)
class Bare:
    """What a bare ansible-playbook took and printed."""

    seconds: float
    output: str


@dataclass(frozen=True)
class ViaRunner:
    """What a run through the runner took, in seconds and KiB, and what was counted meanwhile."""

    seconds: float
    playbook_seconds: float
    library: int
    supervisor: int
    lines: int
    changed: int
    kinds: dict[str, int] = field(default_factory=dict)
    hosts: dict[str, int] = field(default_factory=dict)
    recap: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


Pair = tuple[Bare, ViaRunner]


def bare(inventory: Path, playbook: Path) -> Bare:
    """Run a playbook as everybody does."""
    began = time.perf_counter()
    done = _execute([str(ANSIBLE), "-i", str(inventory), str(playbook)])
    return Bare(time.perf_counter() - began, done)


def via_runner(inventory: Path, verb: str, **places: object) -> ViaRunner:
    """Run the same through the runner; its own seconds count, from the call to the finished run."""
    more = [word for name, value in places.items() for word in (f"--{name}", str(value))]
    printed = _execute([sys.executable, "-m", "bench.runner.via_runner", str(inventory), verb, *more])
    said: dict[str, Any] = json.loads(printed.splitlines()[-1])
    ok, text = said.pop("ok"), said.pop("said")
    if not ok:
        raise TurnFailed(f"Through the runner it did not end green:\n{text}")
    return ViaRunner(**said)


def take(number: int, one: Callable[[], Bare], other: Callable[[], ViaRunner]) -> Pair:
    """Measure both; each is first in every other pair, so that what drifts meets both alike."""
    if number % 2:
        second = other()
        return one(), second
    first = one()
    return first, other()


def _execute(command: list[str]) -> str:
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        raise TurnFailed(f"{' '.join(command)}\nended with {done.returncode}:\n{tail}")
    return done.stdout
