"""Filter plugin: say what each lane of a run does, and where it waits for another."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.mcp.aws.plugins.module_utils import lane_steps

DOCUMENTATION = r"""
name: lane_steps
short_description: Say what each lane of a run does, and where it waits for another
version_added: 0.2.0
description:
  - Lanes are inventory hosts that work side by side, each on its own steps in order. A step applies a part of a role.
  - A step of one lane may come after steps of another. P(mcp.aws.lane_gate#action) waits for those.
positional: part, tags
options:
  _input:
    description:
      - By the name of a lane its steps in order, by the name of a step a dictionary.
      - Its keys are C(role) (the step's name by default), C(part) (the role's entry point) and C(after) (steps' names).
    type: dict
    required: true
  part:
    description: Entry point of the steps that name none.
    type: str
    required: true
  tags:
    description: Steps of roles with one of these names are taken, and all that those come after.
    type: list
    elements: str
    default: [all]
author:
  - The mcp.aws maintainers
"""

EXAMPLES = r"""
lanes:
  network:
    network: {}
  host:
    instance: {after: [network]}
stretches: "{{ lanes | mcp.aws.lane_steps('create') }}"
"""

RETURN = r"""
_value:
  description:
    - By the name of a lane its stretches, the steps between which it looks at others.
    - A stretch says which steps are C(done) that others wait for, names those that it comes C(after), and lists its
      C(steps), each with C(role) and C(part).
  type: dict
"""


def lanes(value: Any, part: str, tags: Any = ("all",)) -> dict[str, list[dict[str, Any]]]:
    """Return the stretches of each lane."""
    try:
        return lane_steps.lane_steps(value, part, tags)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"lane_steps": lanes}
