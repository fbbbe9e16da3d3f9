"""Filter plugin: number what stands in the way, and say where it is written."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils.settings import numbered

DOCUMENTATION = r"""
name: problem_list
short_description: Number what stands in the way, and say where it is written
version_added: 0.2.0
description:
  - Lists sentences, each followed by the place of every variable that it speaks of.
positional: places
options:
  _input:
    description: The sentences.
    type: list
    elements: str
    required: true
  places:
    description: Where variables were written, by name, as M(mcp.aws.settings_info) returns it.
    type: dict
    default: {}
author:
  - The mcp.aws maintainers
"""

EXAMPLES = r"""
msg: "{{ __settings.problems | mcp.aws.problem_list(__settings.places) }}"
"""

RETURN = r"""
_value:
  description: A line that counts, and the list.
  type: str
"""


class FilterModule:
    """Names the filter."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"problem_list": lambda problems, places=None: numbered(problems, places or {})}
