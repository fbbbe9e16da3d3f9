"""Tables of what systemctl and ss say, and what we make of it."""

# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from ansible_collections.mcp.aws.plugins.module_utils import systemd

RUNNING = {"ActiveState": "active", "UnitFileState": "enabled", "NeedDaemonReload": "no"}
LISTENING = """\
LISTEN 0 511 127.0.0.1:6379 0.0.0.0:* users:(("redis-server",pid=12,fd=6))
LISTEN 0 511 0.0.0.0:5432 0.0.0.0:* users:(("nc",pid=99,fd=3))
LISTEN 0 511 [::]:5432 [::]:* users:(("nc",pid=99,fd=4))
LISTEN 0 511 0.0.0.0:15432 0.0.0.0:* users:(("other",pid=7,fd=3))
"""


@pytest.mark.parametrize(
    ("unit", "state", "steps"),
    [
        ({}, "started", []),
        ({}, "restarted", ["restart"]),
        ({}, "reloaded", ["reload"]),
        ({"ActiveState": "inactive"}, "started", ["start"]),
        ({"ActiveState": "failed"}, "reloaded", ["start"]),
        ({"ActiveState": "activating"}, "started", []),
        ({"UnitFileState": "disabled"}, "started", ["enable"]),
        ({"UnitFileState": "enabled-runtime"}, "started", []),
        ({"UnitFileState": "disabled", "NeedDaemonReload": "yes"}, "restarted", ["daemon-reload", "enable", "restart"]),
    ],
)
def test_steps(unit: dict[str, str], state: str, steps: list[str]) -> None:
    assert systemd.steps(RUNNING | unit, state) == steps


@pytest.mark.parametrize(("port", "holders"), [(6379, {"12": "redis-server"}), (5432, {"99": "nc"}), (80, {})])
def test_holders(port: int, holders: dict[str, str]) -> None:
    assert systemd.holders(LISTENING, port) == holders


def test_properties() -> None:
    assert systemd.properties("A=b\nExec=x=y\n\n") == {"A": "b", "Exec": "x=y"}


@pytest.mark.parametrize(
    ("unit", "since"),
    [({"ActiveEnterTimestampMonotonic": "2500000"}, 102.5), ({"ActiveEnterTimestampMonotonic": ""}, 100.0)],
)
def test_active_since(unit: dict[str, str], since: float) -> None:
    assert systemd.active_since(unit, 100.0) == since
