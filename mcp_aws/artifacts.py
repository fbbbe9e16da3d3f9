"""The artifacts of a stack's runs: bounded by count, age, size and files; those of a run at work stay."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from mcp_aws import events
from mcp_aws.errors import ArtifactsError
from mcp_aws.request import Limits

DAY = 86400
WANTED_BYTES = 32 << 20  # free space below which no run is begun
WANTED_FILES = 100
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
REMEDY = "Free some room, or set XDG_CACHE_HOME or Stack(cache=...) to a place that has it."


def prepare(path: Path) -> None:
    """Make a run's directory.

    :raises ArtifactsError: when it cannot be made, or when there is hardly any room for what will go into it.
    """
    try:
        path.mkdir(parents=True, mode=0o700)
        room = os.statvfs(path)
    except OSError as error:
        raise ArtifactsError(error.errno, f"The run's artifacts cannot be kept: {error.strerror}", str(path)) from error
    free = room.f_bavail * room.f_frsize
    few_files = bool(room.f_files) and room.f_favail < WANTED_FILES
    if free < WANTED_BYTES or few_files:
        path.rmdir()
        what = f"{free >> 20} MiB" if free < WANTED_BYTES else f"{room.f_favail} inodes"
        raise ArtifactsError(
            errno.ENOSPC, f"The run was not begun: {what} are left for its artifacts. {REMEDY}", str(path)
        )


def hold(path: Path) -> int:
    """Mark a run's directory as that of a run at work until this process ends; return the descriptor."""
    descriptor = os.open(path / events.FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


@dataclass(frozen=True)
class _Old:
    """What one run's directory takes."""

    path: Path
    age: float  # seconds
    size: int  # bytes
    files: int


def trim(folder: Path, limits: Limits) -> None:
    """Remove the oldest runs below a directory until the rest keeps the limits; the newest one always stays."""
    runs = size = files = 0
    for path in sorted(folder.iterdir(), reverse=True):  # names begin with the time
        old = _measure(path)
        runs, size, files = runs + 1, size + old.size, files + old.files
        over = runs > limits.runs or old.age > limits.days * DAY or size > limits.size or files > limits.files
        if over and runs > 1 and not _at_work(path):
            shutil.rmtree(path, ignore_errors=True)
            size, files = size - old.size, files - old.files


def _measure(path: Path) -> _Old:
    entries = [entry.stat(follow_symlinks=False) for entry in path.rglob("*") if not entry.is_symlink()]
    age = time.time() - path.stat().st_mtime
    return _Old(path, age, sum(entry.st_blocks * 512 for entry in entries), len(entries) + 1)


def _at_work(path: Path) -> bool:
    """Return whether a supervisor holds the directory."""
    try:
        descriptor = os.open(path / events.FILE, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def lost(error: OSError, path: Path) -> ArtifactsError:
    """Return the error of a run that was ended as its evidence could not be kept any more."""
    why = f"The run was ended, as its evidence could not be kept: {error.strerror or error}. {REMEDY}"
    return ArtifactsError(error.errno, why, str(path))
