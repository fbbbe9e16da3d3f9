"""What systemctl and ss say, read as pure functions."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re


def properties(show_output: str) -> dict[str, str]:
    """The `Key=value` lines of `systemctl show`."""
    return dict(line.split("=", 1) for line in show_output.splitlines() if "=" in line)


def steps(unit: dict[str, str], state: str) -> list[str]:
    """The systemctl verbs that bring a unit to `state` (started, restarted, reloaded) and enabled."""
    active = unit.get("ActiveState") in ("active", "activating", "reloading")
    verbs = []
    if unit.get("NeedDaemonReload") == "yes":
        verbs.append("daemon-reload")
    if unit.get("UnitFileState") == "disabled":
        verbs.append("enable")
    if state == "restarted":
        verbs.append("restart")
    elif not active:
        verbs.append("start")
    elif state == "reloaded":
        verbs.append("reload")
    return verbs


def active_since(unit: dict[str, str], boot: float) -> float:
    """When a unit became active, as seconds of the epoch; `boot` is when the machine's monotonic clock was zero."""
    return boot + int(unit.get("ActiveEnterTimestampMonotonic") or 0) / 1e6


def holders(ss_output: str, port: int) -> dict[str, str]:
    """Name by process id of what `ss -Hltnp` shows listening on a port."""
    found: dict[str, str] = {}
    for line in ss_output.splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[3].endswith(f":{port}"):
            found.update((pid, name) for name, pid in re.findall(r'\("([^"]+)",pid=(\d+)', line))
    return found
