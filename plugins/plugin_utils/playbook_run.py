"""Which run of ansible-playbook this is, and whether another one on this machine still runs."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import getpass
import os
import socket
import uuid
from pathlib import Path
from typing import Any

from ansible import constants
from ansible_collections.mcp.aws.plugins.plugin_utils import playbook_process

PROC = Path("/proc")
ENDED = ("Z", "X")


def started(pid: int) -> str:
    """Return when a process started, in ticks of its kernel; nothing when it has ended."""
    try:
        words = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if words[0] in ENDED else words[19]


def boot() -> str:
    """Return what tells one start of this machine from another, and one space of process ids from another.

    Containers share the kernel but not the processes. Nothing where there is no `/proc`.
    """
    try:
        return f"{(PROC / 'sys/kernel/random/boot_id').read_text().strip()}/{(PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def user() -> str:
    """Return who runs this, also behind sudo and where the user has no name."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


def holder() -> dict[str, Any]:
    """Return this run as the deploy lock knows it; the same in every task."""
    node, pid = socket.gethostname(), playbook_process.pid()
    # The folder of temporary files is of this run alone, and known to its tasks.
    known = {
        "node": node,
        "boot": boot(),
        "pid": pid,
        "started": started(pid) or Path(constants.DEFAULT_LOCAL_TMP).name,
    }
    run = uuid.uuid5(uuid.NAMESPACE_OID, "/".join(map(str, known.values())))
    return {"run": str(run), "who": f"{user()}@{node}", **known}


def gone(other: dict[str, Any], this: dict[str, Any]) -> bool:
    """Tell whether another run was of this machine and has ended."""
    here = bool(this["boot"]) and (other.get("node"), other.get("boot")) == (this["node"], this["boot"])
    return here and started(int(other["pid"])) != other.get("started")
