"""Callback plugin of the tests: kill the playbook after its n-th change, and write down every change.

STOP_AFTER is n, 0 for never; STOP_AFTER_COUNT names the file that gets a line for each change. Items of loops count.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Counts what reports a change."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "stop_after"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._left = int(os.environ["STOP_AFTER"])

    def v2_runner_on_ok(self, result: Any) -> None:
        """Count a task; a loop has counted with its items."""
        if "results" not in result.result:
            self._count(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Count an item."""
        self._count(result)

    def _count(self, result: Any) -> None:
        """Write a change down, and kill this process when it was the last one."""
        if not result.result.get("changed"):
            return
        with Path(os.environ["STOP_AFTER_COUNT"]).open("a") as file:
            file.write(f"{result.host.get_name()}: {result.task.get_name()}\n")
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
