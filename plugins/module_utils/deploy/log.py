"""The deploy lock and the record of deploys on a host, which the role stack writes as JSON."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

STATE = Path("/var/lib/mcp")
LOCK, FILE = "lock.json", "deploys.jsonl"
DAMAGED = "is damaged. Break it with -e stack_lock_break=true when no deploy is running."


def lock(folder: Path = STATE) -> dict[str, Any]:
    """Return who holds the lock; nothing when nobody does, `damaged` with a sentence when that cannot be known."""
    try:
        found = json.loads((folder / LOCK).read_text())
        datetime.fromisoformat(found["began"]).astimezone(UTC)
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return {"damaged": f"{folder / LOCK} {DAMAGED}"}
    return dict(found)


def describe(held: Mapping[str, Any], now: datetime) -> str:
    """Say who holds the lock since when, doing what."""
    if "damaged" in held:
        return str(held["damaged"]).removesuffix(".")
    since = datetime.fromisoformat(held["began"]).astimezone(UTC)
    return (
        f"{held.get('who')} holds the lock since {since:%Y-%m-%d %H:%M:%S} UTC, for "
        f"{duration((now - since).total_seconds())}: {held.get('verb')} of {held.get('version')} "
        f"by process {held.get('pid')} on {held.get('node')}"
    )


def duration(seconds: float) -> str:
    """Return a time in at most two units: `38 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`."""
    whole = max(0, round(seconds))
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    for (name, size), (smaller, part) in itertools.pairwise(units):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {name}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def read(folder: Path, count: int = 1000) -> list[dict[str, Any]]:
    """Return the last records, the newest last; damaged lines are left out."""
    try:
        lines = (folder / FILE).read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return []
    found: list[dict[str, Any]] = []
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            found.append(record)
    return found[-count:] if count > 0 else []
