"""What the role health says of a host that bears nothing: red where nothing is, and why, and where to look."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

STATE = json.loads((Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "health_state.json").read_text())
CHECKS: dict[str, dict[str, Any]] = {check["id"]: check for check in STATE["checks"]}
GREEN = {"public_ip_reachable", "ssh", "cloud_init", "failed_units", "cpu", "memory", "disk"}


def test_what_the_host_has_is_green() -> None:
    assert {name for name, check in CHECKS.items() if check["ok"]} == GREEN, CHECKS


@pytest.mark.parametrize(
    ("name", "measured", "hint"),
    [
        ("docker", "docker", "systemctl status docker"),
        ("postgresql", "postgres", "pg_lsclusters"),
        ("redis", "redis-cli", "redis-server"),
        ("unit", "no slot serves", "journalctl -u mcp@"),
        ("http_ready", "ConnectError", "docker logs"),
        ("websocket", "ConnectionRefusedError", "Upgrade"),
        ("environment", "mcp.env", "stack"),
        ("slots", "no slot serves", "proxy-slot show"),
        ("last_deploy", "deploys.jsonl", "mcp.aws.versions"),
        ("restart", "nothing was killed", "journalctl"),
        ("error_rate", "ConnectError", "docker logs"),
    ],
)
def test_what_is_missing_is_red_and_says_where_to_look(name: str, measured: str, hint: str) -> None:
    check = CHECKS[name]
    assert not check["ok"]
    assert measured in check["measured"]
    assert hint in check["hint"]


def test_there_is_no_entry_to_look_for_in_the_log() -> None:
    assert STATE["started"] == 0
