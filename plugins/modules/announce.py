#!/usr/bin/python
"""Documentation of the action plugin `announce`, which runs on the control node alone."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: announce
short_description: Announce in check mode what a module cannot predict itself
description:
  - Some modules have no check mode, or need an identifier that exists only after a real run.
  - This action stands beside such a task, under the same name and with C(when) C(ansible_check_mode), and reports what
    the task would change.
  - It runs on the control node and changes nothing, whatever it reports.
version_added: 0.1.0
author: The mcp.aws maintainers
options:
  resource:
    description: What would be changed, in words.
    type: str
    required: true
  state:
    description: Whether the resource should be there.
    type: str
    choices: [present, absent]
    default: present
  wanted:
    description: The resource as a real run leaves it. Its keys alone are compared; without any, nothing is announced.
    type: dict
    default: {}
  found:
    description: The resource as it is now. Empty means that there is none.
    type: dict
    default: {}
  unpredicted:
    description: Sentences about what only a real run can tell.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Create the bucket
  mcp.aws.announce:
    resource: bucket mcp-123456789012
    wanted: {versioning: Enabled}
    found: "{{ {'versioning': bucket_facts.versioning} }}"
  when: ansible_check_mode
"""

RETURN = r"""
msg:
  description: What a real run does to the resource, and each difference in a line.
  returned: always
  type: list
  elements: str
  sample: ["A real run changes bucket mcp-123456789012.", "versioning: Suspended -> Enabled"]
unpredicted:
  description: The sentences that were given.
  returned: always
  type: list
  elements: str
diff:
  description: Before and after.
  returned: when something would change
  type: dict
"""
