"""What the measurements say, as text: pure functions over seconds by tool and step, and over what hosts are."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# Seconds that ours may take.
LIMITS = {"fresh": 50.0, "no-op": 7.5}

Seconds = Mapping[str, Mapping[str, Sequence[float]]]


def table(seconds: Seconds) -> list[str]:
    """Return the medians of the rounds beside each other, and every round behind."""
    lines = ["", f"{'seconds':<12}" + "".join(f"{step:>10}" for step in LIMITS) + "   rounds"]
    for tool, steps in seconds.items():
        rounds = "; ".join(" ".join(f"{time:.1f}" for time in steps[step]) for step in LIMITS)
        cells = "".join(f"{statistics.median(steps[step]):>10.2f}" for step in LIMITS)
        lines.append(f"{tool:<12}{cells}   {rounds}")
    return lines


def judgment(seconds: Seconds) -> list[str]:
    """Return for each step the ratio of the medians, and ours beside its limit."""
    lines = [""]
    for step, limit in LIMITS.items():
        ours, peer = (statistics.median(seconds[tool][step]) for tool in ("ours", "pyinfra"))
        word = "kept" if ours <= limit else f"MISSED by {ours - limit:.1f} s"
        lines.append(f"{step:<6} ours/pyinfra {ours / peer:.2f}; ours {ours:.1f} s, wanted at most {limit} s: {word}")
    return lines


def differences(ours: Mapping[str, Any], peer: Mapping[str, Any]) -> Iterator[str]:
    """Say in which packages, files and answers two hosts are not equal."""
    files = ({file["path"]: file for file in host["files"]} for host in (ours, peer))
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
