"""What runs leave: processes, held locks and files on the machine, descriptors and threads in the program itself.

All that a soak does happens below one folder, which is also its `HOME` and `TMPDIR`: the path marks what is its own.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

Found = dict[str, list[str]]


def processes(mark: str) -> list[str]:
    """Return the living processes that have a text in their environment or command line, without this one."""
    return [told for pid, told in _processes(mark) if pid != os.getpid()]


def _processes(mark: str) -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            command, state = (entry / "cmdline").read_bytes(), (entry / "stat").read_text().rpartition(")")[2].split()
            if state[0] in "ZX":
                # Nothing but a name is left of it, and only its parent can take that away.
                continue
            if mark.encode() in command + (entry / "environ").read_bytes():
                said = command.replace(b"\0", b" ").decode(errors="replace").strip()
                yield int(entry.name), f"{said[:160]} (pid {entry.name}, parent {state[1]})"


def zombies() -> list[str]:
    """Return this process's children that ended and were not waited for."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
            state, parent = rest.split()[:2]
            if state == "Z" and int(parent) == os.getpid():
                found.append(name)
    return found


def descriptors() -> list[str]:
    """Return what this process has open, without numbers that differ each time."""
    found = []
    for entry in os.scandir("/proc/self/fd"):
        with suppress(OSError):  # the one that lists them
            found.append(os.readlink(entry.path).partition(":[")[0])
    return found


def own() -> Found:
    """Return what this process has of its own."""
    return {
        "descriptors": descriptors(),
        "threads": [thread.name for thread in threading.enumerate()],
        "zombies": zombies(),
    }


def files(folder: Path, *without: str) -> list[str]:
    """Return all below a folder, without the branches named."""
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if str(Path(root, name).relative_to(folder)) not in without]
        found += [str(Path(root, name).relative_to(folder)) for name in (*folders, *names)]
    return sorted(found)


def locks(folder: Path) -> list[str]:
    """Return the files below a folder that somebody holds a lock on."""
    held = {line.split()[-3].rpartition(":")[2] for line in Path("/proc/locks").read_text().splitlines()}
    found = []
    for path in folder.rglob("*"):
        with suppress(OSError):
            if str(path.stat().st_ino) in held:
                found.append(str(path.relative_to(folder)))
    return found


def more(before: Found, after: Found) -> Found:
    """Return what there is afterwards and was not before."""
    return {
        kind: sorted((Counter(found) - Counter(before.get(kind, []))).elements())
        for kind, found in after.items()
        if Counter(found) - Counter(before.get(kind, []))
    }


def settled(look: Callable[[], Found], before: Found, patience: float) -> Found:
    """Return what is more than before, once nothing is or patience has ended."""
    until = time.monotonic() + patience
    while (left := more(before, look())) and time.monotonic() < until:
        time.sleep(0.1)
    return left
