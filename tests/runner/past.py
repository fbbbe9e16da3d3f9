"""Runs that are over, as tests of the history record them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mcp_aws.history.tasks import TaskTime
from mcp_aws.outcome import HostStats, Outcome

NOW = datetime.now(UTC).replace(microsecond=0)
RED = {
    "schema": "mcp.aws/verdict/1",
    "ok": False,
    "started": NOW.isoformat(),
    "finished": NOW.isoformat(),
    "checks": [
        {"id": "latency", "section": "http", "title": "Fast", "ok": False, "measured": "3 s", "limit": "< 2 s"},
        {"id": "tls", "section": "http", "title": "Safe", "ok": True},
    ],
}


def outcome(ident: str = "r1", verb: str = "site", *, days: float = 0, ok: bool = True, **more: Any) -> Outcome:
    """A finished run that began so many days ago."""
    given: dict[str, Any] = {
        "status": "successful" if ok else "failed",
        "rc": 0 if ok else 2,
        "duration": 12.5,
        "hosts": {"web": HostStats(ok=3, changed=1)},
    }
    started = NOW - timedelta(days=days)
    return Outcome(verb=verb, ident=ident, artifacts=Path("/a", ident), started=started, **given | more)


def task(key: str, seconds: float = 1.0) -> TaskTime:
    return TaskTime(key, "site.yml:3", NOW, seconds, hosts=1)
