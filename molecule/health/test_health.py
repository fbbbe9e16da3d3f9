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
# What the server is not said to have.
NOT_MEASURED = {"write", "read", "stored", "cached", "durable", "cleaned"}


def test_what_the_host_has_is_green() -> None:
    assert {name for name, check in CHECKS.items() if check.get("ok")} == GREEN, CHECKS


def test_what_nobody_says_is_not_measured() -> None:
    assert {name for name, check in CHECKS.items() if "skipped" in check} == NOT_MEASURED
    assert CHECKS["write"]["skipped"] == "not measured: no tool of the server is named for it (health_write_tool)"


@pytest.mark.parametrize(
    ("name", "measured", "hint"),
    [
        ("docker", "docker", "systemctl status docker"),
        ("postgresql", "postgres", "pg_lsclusters"),
        ("redis", "redis-cli", "redis-server"),
        ("unit", "no slot serves", "journalctl -u mcp@"),
        ("http_ready", "ConnectError", "docker logs"),
        ("websocket", "ConnectionRefusedError", "Upgrade"),
        ("call", "ConnectError", "docker logs"),
        ("health_checks", "ConnectError", "journalctl"),
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
