#!/usr/bin/python
"""Documentation of the action plugin `deploy_table`, which runs on the control node alone."""

# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
---
module: deploy_table
short_description: Show what hosts serve, what they can go back to, and what was deployed
version_added: 0.2.0
description:
  - Prints a table for each host, out of what M(mcp.aws.deploy_info) returned.
  - Publishes all of it as the custom statistic C(versions), schema C(mcp.aws/versions/1), C(hosts) by name, as
    M(ansible.builtin.set_stats) would.
options:
  hosts:
    description: What M(mcp.aws.deploy_info) returned, by host.
    type: dict
    required: true
author:
  - The mcp.aws maintainers
attributes:
  check_mode:
    description: Does the same in check mode.
    support: full
"""

EXAMPLES = r"""
- name: Look at releases and deploys
  mcp.aws.deploy_info:
  become: true
  register: found

- name: Show them
  mcp.aws.deploy_table:
    hosts: "{{ {inventory_hostname: found} }}"
"""

RETURN = r"""
versions:
  description: What was shown, by host.
  returned: always
  type: dict
"""
