"""Runs on the host as root: watches its memory for a while, and prints what it came to as JSON.

python3 watch.py SECONDS
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

# Control groups of version 1, as the host sees its own; of version 2 where there is no such folder.
MEMORY = Path("/sys/fs/cgroup/memory")
OLD = MEMORY.is_dir()
GROUPS = MEMORY if OLD else Path("/sys/fs/cgroup")
PEAK, EVENTS = ("memory.max_usage_in_bytes", "memory.oom_control") if OLD else ("memory.peak", "memory.events.local")


def number(path: Path, word: str = "") -> int:
    """Return the number in a file, or the one after a word; 0 where the file or the word is not there."""
    try:
        found = re.search(rf"^{word}\s*(\d+)", path.read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def available() -> int:
    """Return the KiB that programs could still get. lxcfs counts shared memory in, which nobody can take back."""
    told, shared = (number(Path("/proc/meminfo"), word) for word in ("MemAvailable:", "Shmem:"))
    return told - shared


def oom_kills() -> int:
    """Return how many processes the kernel has killed for memory, in any control group of the host."""
    return sum(number(file, "oom_kill") for file in GROUPS.rglob(EVENTS))


def containers() -> dict[str, str]:
    """Return the names of running containers by id."""
    words = ["docker", "ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}"]
    listed = subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()
    return dict(line.split(maxsplit=1) for line in listed)


def unit(group: str, names: dict[str, str]) -> str:
    """Return whose a process is, by its control group: a container, a unit, or a login."""
    for name in names:
        if name in group:
            return f"container {names[name]}"
    parts = [part for part in group.split("/") if part.endswith((".service", ".scope", ".socket"))]
    return re.sub(r"^session-\w+\.scope$", "logins", parts[-1]) if parts else "others"


def resident() -> dict[str, int]:
    """Return the KiB of each unit; memory that processes share is counted once."""
    names, units = containers(), Counter[str]()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            groups = (process / "cgroup").read_text()
            found = re.search(r"^\d+:(?:name=systemd|memory|):(\S+)$", groups, re.MULTILINE)
            units[unit(found[1] if found else "", names)] += number(process / "smaps_rollup", "Pss:")
        except OSError:  # it has just ended
            continue
    return dict(units)


def main(seconds: float) -> None:
    """Look four times a second, and at the units in the middle."""
    end = time.monotonic() + seconds
    values = [available()]
    units: dict[str, int] = {}
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(0.25, left))
        values.append(available())
        if not units and left < seconds / 2:
            units = resident()
    memory = {"available": sorted(values)[len(values) // 2], "least": min(values), "units": units}
    memory |= {"total": number(Path("/proc/meminfo"), "MemTotal:"), "peak": number(GROUPS / PEAK) // 1024}
    print(json.dumps(memory | {"oom_kills": oom_kills()}))


if __name__ == "__main__":
    os.nice(-5)  # so that a busy processor does not keep it from looking
    main(float(sys.argv[1]))
