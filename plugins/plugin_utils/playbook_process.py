"""The process of ansible-playbook, as the process of a task sees it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import multiprocessing
import os


def pid() -> int:
    """Return the process that forked this one for a task; this one where nobody did.

    Python notes it before it forks: `os.getppid` names init already when the playbook was killed right after.
    """
    parent = multiprocessing.parent_process()
    return os.getpid() if parent is None or parent.pid is None else parent.pid


def ended() -> bool:
    """Tell whether the playbook is gone, which takes no process of a task along when it is killed."""
    return pid() not in (os.getpid(), os.getppid())
