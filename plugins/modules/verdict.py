#!/usr/bin/python
"""Documentation of the action plugin `verdict`, which runs on the control node alone."""

# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
---
module: verdict
short_description: Show checks as a table and publish them as one verdict
version_added: 0.1.0
description:
  - Prints a table of checks by section, the red ones again below it with what to look at.
  - Publishes the verdict as the custom statistic C(verdict), as M(ansible.builtin.set_stats) would.
  - Does not fail when a check is red, because ansible-core publishes no statistics of a failed task.
    Let the next task fail, as the role P(mcp.aws.health#role) does.
options:
  kind:
    description: What was done, for example V(verify).
    type: str
    required: true
  name:
    description: Name of the deployment.
    type: str
    required: true
  checks:
    description:
      - Checks with the keys C(id), C(section), C(title), C(ok), C(measured), C(limit) and C(hint), optionally C(host).
      - One with C(skipped) (a reason) instead of C(ok) and C(measured) is shown and counts neither way.
    type: list
    elements: dict
    required: true
  sections:
    description: Sections in which something must have been measured. An empty one is a red check.
    type: list
    elements: str
    default: []
  started:
    description: When the measuring began, ISO 8601. Without it, now.
    type: str
    default: ""
author:
  - The mcp.aws maintainers
attributes:
  check_mode:
    description: Does the same in check mode.
    support: full
"""

EXAMPLES = r"""
- name: Give the verdict
  mcp.aws.verdict:
    kind: verify
    name: "{{ mcp_name }}"
    checks:
      - id: disk
        section: system
        title: Disk
        ok: true
        measured: 41 %
        limit: < 85 %
        hint: Look at `du -xh / | sort -h | tail`.
  register: __verdict

- name: Refuse a red verdict
  ansible.builtin.assert:
    that: __verdict.ok
    fail_msg: "{{ __verdict.summary }}. Red: {{ __verdict.red | join(', ') }}."
"""

RETURN = r"""
verdict:
  description: The verdict, schema C(mcp.aws/verdict/1).
  returned: always
  type: dict
  sample: {schema: mcp.aws/verdict/1, kind: verify, name: mcp-example, ok: true, checks: [], skipped: []}
ok:
  description: Whether something was measured and every check is green.
  returned: always
  type: bool
summary:
  description: The result in one line.
  returned: always
  type: str
  sample: "verify mcp-example: 27 of 27 green"
red:
  description: The ids of the red checks.
  returned: always
  type: list
  elements: str
  sample: [disk]
"""
