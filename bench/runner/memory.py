"""How much memory this process and the supervisors that it started had resident at most."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import threading
from pathlib import Path
from types import TracebackType

SUPERVISOR = b"mcp_aws.supervisor"
PAUSE = 0.2  # the kernel keeps the peak itself; only what comes after the last look is missed


def peak(pid: int | str = "self") -> int:
    """Return a process's peak in KiB, 0 when it has ended; `ru_maxrss` would hold the parent's from before exec."""
    try:
        found = re.search(r"^VmHWM:\s*(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def supervisors() -> list[int]:
    """Return the children of this process that watch over a run."""
    found = []
    for file in Path("/proc/self/task").glob("*/children"):
        try:
            found += [int(pid) for pid in file.read_text().split() if SUPERVISOR in _command(pid)]
        except OSError:  # a thread that has just ended
            continue
    return found


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


class Watch:
    """A context manager during which the peak of the supervisors is followed."""

    def __init__(self) -> None:
        self.supervisor = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._over.wait(PAUSE):
            self.supervisor = max([self.supervisor, *map(peak, supervisors())])

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
