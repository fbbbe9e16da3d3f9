"""The record of deploys and rollbacks on a host: one JSON object a line, the newest last."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils.deploy_lock import Lock, replace_file

FILE = "deploys.jsonl"
LINES = 1000
REASON = 2000  # characters; the evidence holds the rest
ABANDONED, REFUSED = "abandoned", "refused"
TOLD = ("release", "commit", "from", "slot", "evidence", "hook")


def entry(
    lock: Lock, now: datetime, outcome: str, reason: str = "", told: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the record of a run that has ended.

    :param lock: what it held, or would have.
    :param told: what the run says of its work, keys of `TOLD`.
    """
    began = lock.began or now.isoformat(timespec="milliseconds")
    return {
        "run": lock.run,
        "verb": lock.verb,
        "who": lock.who,
        "node": lock.node,
        "version": lock.version,
        **{name: (told or {}).get(name) or "" for name in TOLD},
        "started": began,
        "seconds": round(max(0.0, (now - datetime.fromisoformat(began)).total_seconds()), 1),
        "outcome": outcome,
        "reason": reason[:REASON],
    }


def read(folder: Path, count: int = LINES) -> list[dict[str, Any]]:
    """Return the last records, the newest last; damaged lines are left out."""
    try:
        lines = (folder / FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    found: list[dict[str, Any]] = []
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            found.append(record)
    return found[-count:] if count > 0 else []


def append(folder: Path, record: Mapping[str, Any]) -> None:
    """Add a record and drop the oldest beyond the limit; the caller guards the folder."""
    records: Iterable[Mapping[str, Any]] = [*read(folder, LINES - 1), record]
    replace_file(folder / FILE, "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records))


def statistic(host: str, told: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the custom statistic of a run that has ended on a host, which those of other hosts are merged with.

    :param told: what the task that released the lock was told.
    :param records: what it wrote down.
    """
    verb, outcome = told.get("verb") or "deploy", told["outcome"]
    before, tried = told.get("from") or "", told.get("release") or ""
    seconds = next((record["seconds"] for record in records if record.get("verb") == verb), None)
    ended = {
        "outcome": outcome,
        "before": before,
        "now": before if outcome == REFUSED else tried or before,  # one that failed later was not taken back
        "tried": tried,
        "commit": told.get("commit") or "",
        "slot": told.get("slot") or "",
        "reason": (told.get("reason") or "")[:REASON],
        "evidence": told.get("evidence") or "",
        "seconds": seconds,
    }
    return {verb: {"schema": f"mcp.aws/{verb}/1", "hosts": {host: ended}}}


def last_of(records: Iterable[Mapping[str, Any]], run: str) -> Mapping[str, Any]:
    """Return the last record of a run, or nothing."""
    return next((record for record in reversed(list(records)) if record.get("run") == run), {})
