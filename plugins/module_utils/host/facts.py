"""What a host says about itself, from the text of files and commands to facts. Pure functions."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

MIB = 1024 * 1024


class FileSystem(Protocol):
    """What `os.statvfs` returns, as far as it is read here."""

    @property
    def f_frsize(self) -> int: ...
    @property
    def f_blocks(self) -> int: ...
    @property
    def f_bfree(self) -> int: ...
    @property
    def f_bavail(self) -> int: ...


def in_slot(text: str, slot: str) -> str:
    """Return text with the serving slot for `{slot}`; while none serves with `*`, which systemd takes for any."""
    return text.replace("{slot}", slot or "*")


def assignments(text: str, separator: str = "=") -> dict[str, str]:
    """Return the names and values of lines like `NAME=value`, without quotes and comments."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition(separator) for line in lines if separator in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def cpu_times(stat: str) -> tuple[int, int]:
    """Return busy and total jiffies of all processors out of /proc/stat."""
    # user nice system idle iowait irq softirq steal; guest times are in user already.
    numbers = [int(word) for word in stat.splitlines()[0].split()[1:9]]
    return sum(numbers) - numbers[3] - numbers[4], sum(numbers)


def busy_percent(before: tuple[int, int], after: tuple[int, int]) -> float:
    """Return how busy the processors were between two readings."""
    busy, total = after[0] - before[0], after[1] - before[1]
    return round(100 * busy / total, 1) if total > 0 else 0.0


def memory(meminfo: str) -> dict[str, Any]:
    """Return total and available memory in MiB out of /proc/meminfo."""
    kilobytes = {name: int(value.split()[0]) for name, value in assignments(meminfo, ":").items()}
    return {
        "total_mb": kilobytes["MemTotal"] // 1024,
        "available_mb": kilobytes["MemAvailable"] // 1024,
        "swap_used_mb": (kilobytes.get("SwapTotal", 0) - kilobytes.get("SwapFree", 0)) // 1024,
    }


def disk(status: FileSystem) -> dict[str, Any]:
    """Return how full a file system is, as `df` counts it: what root alone may use is not free."""
    used = status.f_blocks - status.f_bfree
    reachable = used + status.f_bavail
    return {
        "percent": round(100 * used / reachable, 1) if reachable else 0.0,
        "free_mb": status.f_bavail * status.f_frsize // MIB,
    }


def cloud_init(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what cloud-init reports in result.json once it has finished."""
    return {"datasource": result["v1"].get("datasource"), "errors": list(result["v1"].get("errors") or [])}


def units(shown: str) -> dict[str, dict[str, str]]:
    """Return the properties of units, by name, out of `systemctl show`."""
    blocks = (assignments(block) for block in shown.split("\n\n"))
    return {block["Id"]: block for block in blocks if "Id" in block}


def container(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what matters of `docker inspect`."""
    state = found["State"]
    return {
        "name": found["Name"].lstrip("/"),
        "status": state["Status"],
        "health": (state.get("Health") or {}).get("Status", "no health check"),
        "restarts": found.get("RestartCount", 0),
        "policy": (found["HostConfig"].get("RestartPolicy") or {}).get("Name") or "no",
        "image": found["Config"]["Image"],
        "started": state.get("StartedAt", ""),
    }


def image(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what matters of `docker image inspect`."""
    return {
        "name": next(iter(found.get("RepoTags") or []), found["Id"][7:19]),
        "id": found["Id"].removeprefix("sha256:")[:12],
        "created": found["Created"][:19],
        "size_mb": found["Size"] // 1000_000,
        "labels": (found.get("Config") or {}).get("Labels") or {},
    }
