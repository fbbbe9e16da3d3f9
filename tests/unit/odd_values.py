"""Odd values for tests of runner.py: whatever JSON holds, and events made of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from mcp_aws.outcome import Outcome

settings.register_profile("steady", deadline=None, max_examples=50)  # this machine may be busy
settings.load_profile("steady")
ROOT = Path(__file__).resolve().parents[2]
TEXT = st.text(max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
SECRETS = st.text(st.characters(codec="utf-8"), min_size=6, max_size=40).filter(
    lambda text: len(text.strip()) >= 6 and not text.startswith(("/", "~", "./"))
)
KEY_TEXT = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA7\nq8Zt+/9aXx==\nab\n-----END KEY-----\n"
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
OUTCOME = Outcome("site", "i", Path("/a"), NOW, "successful", 0, 1.0)


def event_of(result: Any, kind: str = "runner_on_ok", **more: Any) -> dict[str, Any]:
    data = {"host": "web", "task": "It", "task_uuid": "t", "task_path": "/p.yml:3", "res": result}
    return {
        "event": kind,
        "counter": 1,
        "created": NOW.isoformat(),
        "uuid": "u",
        "stdout": "",
        "event_data": data | more,
    }
