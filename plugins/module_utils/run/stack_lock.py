"""One run at a time on a stack: a lock that runner.py, cron and plain ansible-playbook share on a control node.

Needs the standard library only, and is loaded by its file where there is no Ansible. The kernel keeps the lock (flock)
for whoever has the descriptor until the last of them ends, so it is never stale; what the file says is for messages.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import getpass
import hashlib
import json
import os
import re
import socket
import stat
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DIRECTORY = Path("/run/lock")
LOOKS = frozenset({"plan", "preflight", "report", "versions"})  # verbs that change nothing
POLL = 0.1  # seconds between tries while another run holds the lock
GRACE = 0.3  # seconds that everybody waits: who asks with `taken_by` has the lock for a moment
LONGEST = 4096  # bytes that are read of a file which every user may write
ADVICE = "wait for it or give --wait"


class Held(RuntimeError):
    """Another run has the stack.

    :param holder: what `taken_by` returns.
    """

    def __init__(self, holder: Mapping[str, Any]) -> None:
        super().__init__(describe(holder))
        self.holder = dict(holder)


def changes_things(verb: str, check: bool) -> bool:
    """Tell whether a run needs the lock: check mode and verbs that only look do not."""
    return not check and verb not in LOOKS


def path_of(inventory: Path) -> Path:
    """Return the file that is locked for an inventory, whichever way its path is written.

    :param inventory: relative to the working directory, or absolute; it need not exist.
    """
    real = os.path.realpath(inventory)
    stem = re.sub(r"[^\w.-]", "_", Path(real).stem, flags=re.ASCII)
    return _directory() / f"mcp.aws-{stem}-{hashlib.sha256(os.fsencode(real)).hexdigest()[:8]}.lock"


def take(inventory: Path, *, verb: str, ident: str, wait: float = 0.0) -> int:
    """Take the lock and return the descriptor that holds it; processes that inherit the descriptor hold it too.

    :param verb: what the run does, as `ident` for messages.
    :param wait: seconds to wait for another run.
    :raises Held: when another run still had it then.
    :raises OSError: the file cannot be made or opened.
    """
    path, deadline = path_of(inventory), time.monotonic() + max(wait, GRACE)
    while True:
        try:
            descriptor = _open(path)
        except PermissionError:  # somebody has just made it and not yet given it to all users
            if time.monotonic() >= deadline:
                raise
            time.sleep(POLL)
            continue
        try:
            locked = _flock(descriptor, fcntl.LOCK_EX)
            if locked and _is(path, descriptor):
                _write(descriptor, _holder(inventory, verb, ident))
                return descriptor
            holder = _read(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if locked:  # the last holder has removed this file meanwhile
            continue
        if time.monotonic() >= deadline:
            raise Held(holder)
        time.sleep(POLL)


def release(descriptor: int) -> None:
    """Let the next run begin and remove the file, also where other processes still have the descriptor."""
    try:
        # Only the holder removes the file, and only this very file: another run may have made the next.
        path = path_of(Path(str(_read(descriptor).get("inventory", ""))))
        if _is(path, descriptor):
            with suppress(OSError):  # it belongs to another user, who cannot remove ours either
                path.unlink()
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def hand_over(descriptor: int, pid: int) -> None:
    """Say that another process, which has inherited the descriptor, holds the lock from now on."""
    _write(descriptor, _read(descriptor) | {"pid": pid})


def taken_by(inventory: Path) -> dict[str, Any] | None:
    """Return who holds the lock, or None: stack, inventory, verb, ident, pid, user, host, started (UTC, ISO 8601).

    Keys may be missing, as every user may write the file.
    """
    try:
        descriptor = os.open(path_of(inventory), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return None if _flock(descriptor, fcntl.LOCK_SH) else _read(descriptor)
    finally:
        os.close(descriptor)


def describe(holder: Mapping[str, Any], advice: str = ADVICE) -> str:
    """Say in one line who holds the lock since when (local time), and what to do."""
    what = f"{holder.get('verb') or 'another run'} of {holder.get('stack') or 'this stack'} has been running"
    try:
        began = datetime.fromisoformat(str(holder["started"])).astimezone()
        today = began.date() == datetime.now().astimezone().date()
        what += f" since {began:%H:%M}" if today else f" since {began:%Y-%m-%d %H:%M}"
    except (KeyError, ValueError, OverflowError):
        pass
    who = [f"pid {holder['pid']}"] if holder.get("pid") else []
    who += [str(holder["user"])] if holder.get("user") else []
    who += [f"on {holder['host']}"] if holder.get("host", socket.gethostname()) != socket.gethostname() else []
    return f"{what} ({', '.join(who)}); {advice}" if who else f"{what}; {advice}"


def _directory() -> Path:
    """Return where all users of this machine can write: the same for each of them, whatever their TMPDIR says."""
    for place in (DIRECTORY, Path("/tmp")):  # noqa: S108 - a known name is the point; files are opened with care
        with suppress(OSError):
            if place.stat().st_mode & stat.S_IWOTH and os.access(place, os.W_OK):
                return place
    return Path(tempfile.gettempdir())


def _open(path: Path) -> int:
    """Return a descriptor of the file, made if need be, and no one else's idea of a file."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
    while True:
        # The kernel (fs.protected_regular) refuses O_CREAT on a file of another user in a sticky directory.
        with suppress(FileNotFoundError):
            descriptor = os.open(path, flags)
            break
        with suppress(FileExistsError):
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
            break
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:  # a second name may be that of a file which matters
        os.close(descriptor)
        raise OSError(f"{path} is not a file of its own; remove it")
    with suppress(PermissionError):  # the umask took some; a file of another user is already as it should be
        os.fchmod(descriptor, 0o666)
    return descriptor


def _flock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is(path: Path, descriptor: int) -> bool:
    """Tell whether the descriptor's file is still the one of that name."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except OSError:
        return False


def _holder(inventory: Path, verb: str, ident: str) -> dict[str, Any]:
    real = os.path.realpath(inventory)
    return {
        "stack": Path(real).stem,
        "inventory": real,
        "verb": verb,
        "ident": ident,
        "pid": os.getpid(),
        "user": _user(),
        "host": socket.gethostname(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _user() -> str:
    """Return who runs this, also behind sudo and where the user has no name."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


def _write(descriptor: int, holder: Mapping[str, Any]) -> None:
    """Write who holds it; a full disk takes the message and not the lock."""
    with suppress(OSError):
        text = json.dumps(holder).encode()
        os.pwrite(descriptor, text, 0)
        os.ftruncate(descriptor, len(text))


def _read(descriptor: int) -> dict[str, Any]:
    """Return what the file says, as far as a terminal can be shown it."""
    try:
        found = json.loads(os.pread(descriptor, LONGEST, 0))
    except (OSError, ValueError, RecursionError):
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {name: _plain(value) for name, value in pairs if isinstance(value, str | int)}


def _plain(value: str | int) -> str | int:
    return value if isinstance(value, int) else "".join(letter if letter.isprintable() else "?" for letter in value)
