"""Action plugin: announce in check mode what a module without a check mode of its own would change."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.mcp.aws.plugins.module_utils import differences


class ActionModule(ActionBase):
    """Compare on the control node; nothing is sent anywhere."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return whether a real run would change the resource, and what."""
        result = super().run(tmp, task_vars)
        _spec, args = self.validate_argument_spec(
            {
                "resource": {"type": "str", "required": True},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "wanted": {"type": "dict", "default": {}},
                "found": {"type": "dict", "default": {}},
                "unpredicted": {"type": "list", "elements": "str", "default": []},
            }
        )
        args = json.loads(json.dumps(args))  # plain values: YAML writes none that Ansible has tagged with their origin
        absent = args["state"] == "absent"
        found, wanted = args["found"], {} if absent else args["wanted"]
        lines = differences.between(found, wanted)
        changed = bool(found) if absent else bool(lines)
        said = [differences.headline(args["resource"], absent, bool(found), changed)] if wanted or absent else []
        result.update(
            changed=changed,
            msg=[*said, *(lines if found else [])],
            unpredicted=args["unpredicted"],
            diff=differences.diff(args["resource"], found, wanted) if changed else {},
            _ansible_verbose_always=changed or bool(args["unpredicted"]),
        )
        return result
