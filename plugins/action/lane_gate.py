"""Action plugin: let a lane wait for steps of others, and tell others what it has done."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.mcp.aws.plugins.plugin_utils import playbook_process

STOPPED = "stopped"
INTERVAL = 0.01  # seconds between looks; a look asks for some files


class ActionModule(ActionBase):
    """Lanes are tasks of one run on the control node: files in the run's own folder are how they see each other.

    Facts are not, as a task sees those that there were when it began.
    """

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Mark what is done, then wait until all that comes before is, or a lane has stopped."""
        result = super().run(tmp, task_vars)
        names = {"type": "list", "elements": "str", "default": []}
        _spec, args = self.validate_argument_spec(
            {
                "done": names,
                "after": names,
                "stopped": {"type": "bool", "default": False},
                "timeout": {"type": "int", "default": 3600},
            }
        )
        folder = Path(constants.DEFAULT_LOCAL_TMP) / f"lanes-{self._task.get_play()._uuid}"
        mark(folder, [*args["done"], *[STOPPED] * args["stopped"]])
        if not wait(folder, args["after"], args["timeout"]):
            raise AnsibleActionFail(
                f"Waited {args['timeout']} s in vain for {', '.join(args['after'])}. Run the playbook again."
            )
        result.update(changed=False, stopped=(folder / STOPPED).exists())
        return result


def mark(folder: Path, names: Iterable[str]) -> None:
    """Tell the others of this play."""
    for name in names:
        folder.mkdir(exist_ok=True)
        (folder / name).touch()


def wait(folder: Path, names: Iterable[str], seconds: float) -> bool:
    """Wait until all names are marked or a lane has stopped; False at the deadline.

    A playbook that is killed takes nobody along, so it ends too when the playbook is gone.
    """
    files, deadline = [folder / name for name in names], time.monotonic() + seconds
    while not (all(file.exists() for file in files) or (folder / STOPPED).exists()):
        if time.monotonic() > deadline or playbook_process.ended():
            return False
        time.sleep(INTERVAL)
    return True
