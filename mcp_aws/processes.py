"""The processes of a run: found through /proc, ended to the last one."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
POLL = 0.02
JOB = re.compile(r"async_wrapper\.py (j\d+) ")
FOLDER = re.compile(r"/(ansible-tmp-[\d.]+-\d+-\d+)/")
if not sys.platform.startswith("linux"):
    raise ImportError("mcp.aws runs its playbooks from Linux only: it finds and ends their processes through /proc.")
_prctl = ctypes.CDLL(None, use_errno=True).prctl


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that a daemon does not get away."""
    if _prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "this process cannot become a subreaper")


def end_with_parent() -> None:
    """Get an interrupt when the parent ends, and heed it; for a child before it becomes another program."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)


def descendants(pid: int) -> list[int]:
    """Return the living processes that this one started, directly and through others."""
    parents: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                state, parent = Path(entry.path, "stat").read_text().rpartition(")")[2].split()[:2]
                if state not in "ZX":
                    parents.setdefault(int(parent), []).append(int(entry.name))
    found = list(parents.get(pid, ()))
    for child in found:
        found += parents.get(child, ())
    return found


def send(pids: Iterable[int], number: int) -> None:
    """Send a signal to those that still live."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def end_all(deadline: float) -> None:
    """Kill what this process started until nothing is left; it must have adopted the orphans.

    :param deadline: seconds after which to give up on what cannot be killed, as a process in uninterruptible sleep.
    """
    until = time.monotonic() + deadline
    while (left := descendants(os.getpid())) and time.monotonic() < until:
        send(left, signal.SIGKILL)
        reap()
        time.sleep(POLL)
    reap()


def end_marked(variable: str, deadline: float = 2.0) -> None:
    """Kill the processes of this user that were given a variable, as `NAME=value`, whoever their parent is now.

    :param deadline: seconds after which to give up.
    """
    until = time.monotonic() + deadline
    while (left := _marked(f"{variable}\0".encode())) and time.monotonic() < until:
        send(left, signal.SIGKILL)
        time.sleep(POLL)


def _marked(variable: bytes) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if variable in entry.read_bytes():
                found.append(int(entry.parent.name))
    return found


def reap() -> None:
    """Take the exit statuses of orphans that ended, as a parent must."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def with_text(text: str) -> list[int]:
    """Return the descendants whose command line holds a text."""
    found = []
    for pid in descendants(os.getpid()):
        with suppress(OSError):
            if text.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


class Leftovers:
    """What processes of tasks leave in this user's folders when they are killed."""

    def __init__(self) -> None:
        self._pids: set[int] = set()
        self._jobs: set[str] = set()
        self._folders: set[str] = set()

    def note(self) -> None:
        """Look at this process' descendants while they live."""
        for pid in descendants(os.getpid()):
            self._pids.add(pid)
            with suppress(OSError):
                line = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
                self._jobs.update(JOB.findall(line))
                self._folders.update(FOLDER.findall(line))

    def remove(self) -> None:
        """Remove unpacked modules, and the status of background jobs."""
        home = Path.home()
        # A worker's folder bears its number; that of a background job, whose worker has ended, is on its command line.
        for name in (*(f"ansible-tmp-*-{pid}-*" for pid in self._pids), *self._folders):
            for folder in (home / ".ansible" / "tmp").glob(name):
                shutil.rmtree(folder, ignore_errors=True)
        for job in self._jobs:
            for file in (home / ".ansible_async").glob(f"{job}.*"):
                file.unlink(missing_ok=True)
