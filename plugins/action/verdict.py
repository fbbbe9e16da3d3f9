"""Action plugin: gather checks into one verdict, show it as a table, publish it as the custom statistic `verdict`."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.color import stringc
from ansible.utils.display import Display
from ansible_collections.mcp.aws.plugins.module_utils.health import verdict

display = Display()


class ActionModule(ActionBase):
    """Judge on the control node; nothing is sent to a host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the verdict, and with it the statistic that reaches runner.py and callbacks."""
        result = super().run(tmp, task_vars)
        _spec, args = self.validate_argument_spec(
            {
                "kind": {"type": "str", "required": True},
                "name": {"type": "str", "required": True},
                "checks": {"type": "list", "elements": "dict", "required": True},
                "sections": {"type": "list", "elements": "str", "default": []},
                "started": {"type": "str", "default": ""},
            }
        )
        now = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            judged = verdict.make(
                args["kind"], args["name"], args["checks"], args["started"] or now, now, args["sections"]
            )
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from error

        # Ansible measured the terminal in its own process; a task's has another output and would find 80 columns.
        display.display(verdict.table(judged, display.columns + 1, stringc))
        result.update(
            changed=False,
            verdict=judged,
            ok=judged["ok"],
            summary=verdict.summary(judged),
            red=[check["id"] for check in verdict.red(judged)],
            ansible_stats={"data": {"verdict": judged}, "per_host": False, "aggregate": False},
        )
        return result
