"""What the measurements say, as text: pure functions over seconds by tool and step, and over what hosts are."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Seconds that ours may take.
LIMITS = {"fresh": 50.0, "no-op": 7.5}
# What a host draws for itself: the digest of its own administrator's password, and the mark of the file.
DRAWN = re.compile(r"(user admin on #|&file:)[0-9a-f]+")


@dataclass(frozen=True)
class Cost:
    """What one command took: seconds of the clock, and of the processors of both machines."""

    seconds: float
    control: float
    host: float

    def __str__(self) -> str:
        """Return it for a person."""
        return f"{self.seconds:.1f} s (processor {self.control:.1f} s here, {self.host:.1f} s on the host)"


Measured = dict[str, dict[str, list[Cost]]]


def median(costs: Sequence[Cost], part: str) -> float:
    """Return the median of a part of the costs."""
    return statistics.median(getattr(cost, part) for cost in costs)


def table(measured: Measured) -> list[str]:
    """Return the medians of the rounds beside each other, and every round behind."""
    lines = ["", f"{'medians':<16}{'seconds':>8}{'processor here':>16}{'on the host':>13}   rounds"]
    for tool, steps in measured.items():
        for step, costs in steps.items():
            parts = (median(costs, part) for part in ("seconds", "control", "host"))
            cells = "{:>8.2f}{:>16.2f}{:>13.2f}".format(*parts)
            rounds = " ".join(f"{cost.seconds:.1f}" for cost in costs)
            lines.append(f"{tool:<9}{step:<7}{cells}   {rounds}")
    return lines


def judgment(measured: Measured) -> list[str]:
    """Return for each step the ratio of the medians, and ours beside its limit."""
    lines = [""]
    for step, limit in LIMITS.items():
        ours, peer = (median(measured[tool][step], "seconds") for tool in ("ours", "pyinfra"))
        word = "kept" if ours <= limit else f"MISSED by {ours - limit:.1f} s"
        lines.append(f"{step:<6} ours/pyinfra {ours / peer:.2f}; ours {ours:.1f} s, wanted at most {limit} s: {word}")
    return lines


def own(file: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file without what each host draws for itself."""
    return {**file, "content": DRAWN.sub(r"\1*", file["content"])}


def differences(ours: Mapping[str, Any], peer: Mapping[str, Any]) -> Iterator[str]:
    """Say in which packages, files and answers two hosts are not equal."""
    files = ({file["path"]: own(file) for file in host["files"]} for host in (ours, peer))
    pairs = {
        "package": (ours["packages"], peer["packages"]),
        "file": tuple(files),
        "answer of": (ours["services"], peer["services"]),
    }
    for kind, (left, right) in pairs.items():
        for name in sorted(left.keys() | right.keys()):
            if left.get(name) != right.get(name):
                yield f"{kind} {name}: ours {left.get(name, 'nothing')}, pyinfra {right.get(name, 'nothing')}"


def shortcomings(services: Mapping[str, str]) -> Iterator[str]:
    """Say which service does not do what it is there for."""
    expected = {
        "compose": "2.",
        "login": "app|app|PostgreSQL 12.",
        "owner": "app",
        "redis": "PONG",
        "stranger": "NOAUTH",
        "enabled": "enabled enabled enabled",
        "active": "active active active",
    }
    for name, start in expected.items():
        if not services[name].removeprefix("v").startswith(start):
            yield f"{name} says `{services[name]}`, expected `{start}...`"
