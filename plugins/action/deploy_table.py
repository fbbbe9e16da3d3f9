"""Action plugin: show what `deploy_info` found on hosts, and publish it as the custom statistic `versions`."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.color import stringc
from ansible.utils.display import Display
from ansible_collections.mcp.aws.plugins.module_utils import deploy_overview

display = Display()
SCHEMA = "mcp.aws/versions/1"
FIELDS = ("releases", "serving", "slots", "lock", "deploys")


class ActionModule(ActionBase):
    """Show on the control node; nothing is sent to a host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what was shown, and with it the statistic that reaches runner.py and callbacks."""
        result = super().run(tmp, task_vars)
        _spec, args = self.validate_argument_spec({"hosts": {"type": "dict", "required": True}})
        hosts = {host: {name: found[name] for name in FIELDS} for host, found in args["hosts"].items()}
        now, width = datetime.now(UTC), display.columns + 1  # a task's own streams are no terminal
        for host, found in hosts.items():
            display.display("\n" + deploy_overview.table(host, found, now, width, stringc))
        told = {"schema": SCHEMA, "hosts": hosts}
        result.update(
            changed=False,
            versions=hosts,
            ansible_stats={"data": {"versions": told}, "per_host": False, "aggregate": True},
        )
        return result
