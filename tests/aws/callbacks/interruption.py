"""Callback plugin of the tests: kill the playbook after its n-th change, or copy the account after each.

INTERRUPTION is the path of a file of JSON: `record` names a file that gets a line of JSON for each change, items of
loops too; `kill_after` is n, 0 for never; `copy` is where copies are asked for, and `files` are the folders to copy.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import shutil
import signal
import urllib.request
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Counts what reports a change."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "interruption"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._wanted = json.loads(Path(os.environ["INTERRUPTION"]).read_text())
        self._count = 0

    def v2_runner_on_ok(self, result: Any) -> None:
        """Count a task; a loop has counted with its items."""
        if "results" not in result.result:
            self._changed(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Count an item."""
        self._changed(result)

    def _changed(self, result: Any) -> None:
        """Write a change down with the copy of the account, and kill this process when it was the last one."""
        if not result.result.get("changed"):
            return
        self._count += 1
        line = {"task": f"{result.host.get_name()}: {result.task.get_name()}", **self._copied()}
        with Path(self._wanted["record"]).open("a") as file:
            file.write(f"{json.dumps(line)}\n")
        if self._count == self._wanted["kill_after"]:
            os.kill(os.getpid(), signal.SIGKILL)

    def _copied(self) -> dict[str, Any]:
        """Return where the copy of the account is, and copy the deployment's files."""
        if not self._wanted["copy"]:
            return {}
        folder = Path(f"{self._wanted['record']}-{self._count}")
        folder.mkdir()
        for path in map(Path, self._wanted["files"]):
            if path.exists():
                shutil.copytree(path, folder / path.name)
        with urllib.request.urlopen(urllib.request.Request(self._wanted["copy"], b""), timeout=60) as answer:  # noqa: S310
            return {"folder": str(folder), **json.load(answer)}
