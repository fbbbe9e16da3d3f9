"""Filter plugin: say in one message what stopped the lanes of a run."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils import lanes

DOCUMENTATION = r"""
name: lane_problems
short_description: Say in one message what stopped the lanes of a run
version_added: 0.1.0
description:
  - Lanes are worked on side by side, so that one cause, say expired credentials, can stop several of them.
  - Gives each cause once, with its remedy where it is known, and the tasks that met it.
options:
  _input:
    description: Of each lane that stopped, its name C(lane), the name of the C(task), and the task's C(result).
    type: list
    elements: dict
    required: true
author:
  - The mcp.aws maintainers
"""

EXAMPLES = r"""
message: "{{ groups.mcp_lanes | map('extract', hostvars, 'lane_problem') | select('defined') | mcp.aws.lane_problems }}"
"""

RETURN = r"""
_value:
  description: The message.
  type: str
"""


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"lane_problems": lanes.explain}
