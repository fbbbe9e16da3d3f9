"""The private directory of a run: what must not outlive it and what nobody else may read."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mcp_aws.processes import end_marked

PREFIX = "mcp-run-"


@contextmanager
def private_directory() -> Iterator[Path]:
    """Yield a directory for one run and remove it afterwards; those of killed supervisors go too.

    Its path is short, as it holds the sockets of SSH connections.
    """
    _remove_abandoned()
    path = Path(tempfile.mkdtemp(prefix=PREFIX))
    held = _lock(path)
    try:
        for name in ("cp", "tmp"):
            (path / name).mkdir(mode=0o700)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(held)


def write_variables(directory: Path, variables: Mapping[str, Any]) -> list[str]:
    """Return the arguments that hand over variables; on the command line anybody on the machine could read them."""
    if not variables:
        return []
    path = directory / "extra_vars.json"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(dict(variables), file, default=str)
    return ["--extra-vars", f"@{path}"]


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def _remove_abandoned() -> None:
    """End what this user's killed supervisors left, and remove their directories: nobody holds their locks."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # another's, one at work, or one that has just gone
            # One that is being made has no lock yet.
            if path.stat().st_uid == os.getuid() and any(path.iterdir()):
                descriptor = _lock(path)
                end_marked(f"TMPDIR={path / 'tmp'}")
                shutil.rmtree(path, ignore_errors=True)
                os.close(descriptor)
