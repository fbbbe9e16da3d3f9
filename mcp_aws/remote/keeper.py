"""Stands before ansible-runner's worker on another control node and ends all that it started when its input closes.

A worker by itself goes on when the connection is gone, and leaves modules when it is interrupted. This program is sent
along as the argument of `python3 -c`, so that node needs nothing but Python 3.9 and ansible-runner; Receptor runs it
from a file. The arguments are the command of the worker.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

POLL = 0.05
GRACE = 2.5  # seconds that an interrupted playbook has to end its modules before all is killed
PR_SET_CHILD_SUBREAPER = 36

hung_up: list[bool] = []  # not an event of `threading`, whose lock a handler of signals may find taken


def descendants(pid: int) -> list[int]:
    """Return the living processes below this one, its children first."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if state not in "ZX":
                parents.setdefault(int(parent), []).append(int(path.parent.name))
    found = list(parents.get(pid, ()))
    for child in found:
        found += parents.get(child, ())
    return found


def send(pids: list[int], number: int) -> None:
    """Send a signal to those that still live."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def feed(descriptor: int) -> None:
    """Hand over what comes; its end is the wish that the run ends, unless it was a file, as under Receptor."""
    while chunk := os.read(0, 1 << 16):
        with suppress(BrokenPipeError):  # the worker needs no more
            while chunk:
                chunk = chunk[os.write(descriptor, chunk) :]
    if not stat.S_ISREG(os.fstat(0).st_mode):
        hung_up.append(True)


def interrupt(worker: subprocess.Popen[bytes]) -> None:
    """Interrupt the playbook, which ends its modules; the worker then tells how it ended, if anybody still listens."""
    below = descendants(worker.pid)
    send(below[:1] or [worker.pid], signal.SIGINT)
    until = time.monotonic() + GRACE
    while worker.poll() is None and time.monotonic() < until:
        time.sleep(POLL)
    send(descendants(os.getpid()), signal.SIGKILL)
    worker.wait()
    for pid in below:  # where modules were unpacked
        for folder in Path("~/.ansible/tmp").expanduser().glob(f"ansible-tmp-*-{pid}-*"):
            shutil.rmtree(folder, ignore_errors=True)


def keep(command: list[str], folder: Path) -> int:
    """Run the worker in this directory until it ends or nobody wants it any more; return its exit status."""
    private = {"ANSIBLE_LOCAL_TEMP": folder / "local", "ANSIBLE_SSH_CONTROL_PATH_DIR": folder / "cp"}
    environment = os.environ | {name: str(path) for name, path in private.items()}
    beside = os.path.dirname(command[0])  # where ansible-playbook lies too, in a virtual environment
    environment["PATH"] = os.pathsep.join(filter(None, [beside, environment.get("PATH", os.defpath)]))
    worker = subprocess.Popen(
        [*command, "--private-data-dir", str(folder)], stdin=subprocess.PIPE, env=environment, bufsize=0
    )
    assert worker.stdin
    threading.Thread(target=feed, args=(worker.stdin.fileno(),), daemon=True).start()
    while worker.poll() is None and not hung_up:
        time.sleep(POLL)
    if worker.poll() is None:
        interrupt(worker)
    send(descendants(os.getpid()), signal.SIGKILL)  # masters of SSH connections, which outlive a playbook
    return worker.returncode


def main() -> int:
    """Leave nothing of the run on this node."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # what leaves its parent becomes ours
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: hung_up.append(True))
    folder = Path(tempfile.mkdtemp(prefix="mcp-node-"))
    try:
        return keep(sys.argv[1:], folder)
    except FileNotFoundError:
        print(f"{sys.argv[1]}: not found", file=sys.stderr)
        return 127
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
