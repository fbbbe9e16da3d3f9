"""Filter plugin: turn the results of the health role's measuring tasks into checks."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.mcp.aws.plugins.module_utils.health import aws as checks_aws
from ansible_collections.mcp.aws.plugins.module_utils.health import endpoint as checks_door
from ansible_collections.mcp.aws.plugins.module_utils.health import host as checks_host
from ansible_collections.mcp.aws.plugins.module_utils.health.rules import Check, Rule, examine, facts_of

DOCUMENTATION = r"""
name: checks
short_description: Turn measurements into checks
version_added: 0.1.0
description:
  - Judges what M(mcp.aws.health_aws_info), M(mcp.aws.health_host_info), M(mcp.aws.mcp_probe) and a restart measured.
    A task that failed, was skipped or found its host unreachable gives checks too, red or not measured.
positional: expected, host
options:
  _input:
    description:
      - Registered results by source. The sources are C(aws), C(host), C(door), C(restart) and C(after),
        the door again after the restart.
    type: dict
    required: true
  expected:
    description: The limits and what was configured; C(__health_expected) of the role P(mcp.aws.health#role).
    type: dict
    required: true
  host:
    description: Name of the host that was measured.
    type: str
    default: ""
author:
  - The mcp.aws maintainers
"""

EXAMPLES = r"""
checks: "{{ {'host': __health_host} | mcp.aws.checks(__health_expected, inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: Checks, as M(mcp.aws.verdict) takes them.
  type: list
  elements: dict
"""

Complete = Callable[[Mapping[str, Any]], Mapping[str, Any]]
SOURCES: dict[str, tuple[Callable[[Mapping[str, Any]], list[Rule]], Complete]] = {
    "aws": (checks_aws.rules, checks_aws.complete),
    "host": (checks_host.rules, checks_host.complete),
    "door": (checks_door.rules, dict),
    "restart": (checks_host.restart_rules, dict),
    "after": (checks_door.after_rules, dict),
}


def checks(results: Mapping[str, Mapping[str, Any]], expected: Mapping[str, Any], host: str = "") -> list[Check]:
    """Judge the result of each source by the rules for it."""
    unknown = sorted(set(results) - set(SOURCES))
    if unknown:
        raise AnsibleFilterError(f"No rules for {', '.join(unknown)}; there are rules for {', '.join(SOURCES)}.")
    found: list[Check] = []
    for source, result in results.items():
        make_rules, complete = SOURCES[source]
        rules = make_rules(expected)
        facts = complete(facts_of(result, {rule.part for rule in rules}))
        found += examine(rules, facts, host)
    return found


class FilterModule:
    """Names the filter."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"checks": checks}
