"""Action plugin: tell the module who runs it, look whether who holds the lock lives, and publish how a deploy ended."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.mcp.aws.plugins.module_utils import deploy_lock, deploy_log
from ansible_collections.mcp.aws.plugins.plugin_utils import playbook_process, playbook_run

display = Display()
STRETCH = 2  # seconds that the host waits before this node looks at the process again


class ActionModule(ActionBase):
    """The lock is judged and changed on the host, under its guard; a look at a process is all that is done here."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module does in the end."""
        result = super().run(tmp, task_vars)
        given, this = self._task.args, playbook_run.holder()
        if playbook_run.gone(this, this):  # a task outlives its playbook: it must not hold what nobody would let go of
            return result | {"failed": True, "msg": "The playbook has ended; the deploy lock was left as it is."}

        def module(**more: Any) -> dict[str, Any]:
            arguments = {**given, "holder": this, **more}
            return dict(
                self._execute_module(module_name="mcp.aws.deploy_lock", module_args=arguments, task_vars=task_vars)
            )

        if given.get("state") == "released":
            answer = module()
            return result | answer | self._published(answer, (task_vars or {}).get("inventory_hostname", ""))
        started, gone, said, wait, last = time.monotonic(), "", False, 0.0, False
        while True:
            answer = module(gone=gone, wait=wait, last=last)
            other = answer.get("held_by")
            if answer.get("failed") or not other:
                return result | answer
            if other["run"] != gone and playbook_run.gone(other, this):
                gone = other["run"]
                continue
            if self._task.check_mode:
                return result | answer
            left = _seconds(given.get("wait")) - (time.monotonic() - started)
            last = left <= 0 or playbook_process.ended()
            wait = max(0.0, min(left, STRETCH))
            if not last and not said:
                said = True
                host = (task_vars or {}).get("inventory_hostname", "the host")
                display.display(f"[{host}] waiting up to {deploy_lock.duration(left)}: {_who(other)}")

    def _published(self, answer: dict[str, Any], host: str) -> dict[str, Any]:
        """Return what reaches runner.py and callbacks; a check has deployed nothing."""
        given = self._task.args
        if not given.get("outcome") or self._task.check_mode:
            return {}
        told = deploy_log.statistic(host, given, answer.get("recorded") or [])
        return {"ansible_stats": {"data": told, "per_host": False, "aggregate": True}}


def _seconds(value: Any) -> float:
    """Return a number of seconds; what is none is for the module to refuse."""
    try:
        return float(value or 0)
    except (TypeError, ValueError):
        return 0.0


def _who(other: dict[str, Any]) -> str:
    """Say who is waited for; for how long it has gone on is not said, as that is by the host's clock."""
    since = other["began"][:19].replace("T", " ")
    return f"{other['who']} holds the lock since {since} UTC: {other['verb']} of {other['version']}"
