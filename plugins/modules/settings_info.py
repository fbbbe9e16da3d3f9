#!/usr/bin/python
"""Documentation of the action plugin `settings_info`, which runs on the control node alone."""

# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
---
module: settings_info
short_description: Judge every setting of a deployment at once
version_added: 0.2.0
description:
  - Works out the variables of roles as a play would see them, without applying a role, and lists everything that is
    wrong with them instead of stopping at the first.
  - Looks for variables that no role knows, as M(mcp.aws.known_variables) does.
  - Compares values with the roles' C(meta/argument_specs.yml).
  - Lets the roles' own rules judge. A role has them as C(__<role>_problems), a list of sentences, in C(vars/main.yml).
  - Compares settings of several roles that must agree, such as ports.
  - Fails only without C(mcp_name), C(mcp_region), C(mcp_tags) or C(mcp_aws_connection), from which all others follow.
options:
  roles:
    description:
      - Roles that are applied on this machine.
      - Of the collection's other roles only values that need nothing of their host are looked at.
    type: list
    elements: str
    required: true
  others:
    description: Variables that belong to no role, listed by the word that they begin with.
    type: dict
    default: {}
author:
  - The mcp.aws maintainers
attributes:
  check_mode:
    description: Does the same in check mode.
    support: full
"""

EXAMPLES = r"""
- name: Judge every setting
  mcp.aws.settings_info:
    roles: [network, instance]
    others: {mcp: [mcp_name, mcp_region, mcp_tags, mcp_aws_connection]}
  register: __settings
"""

RETURN = r"""
problems:
  description: What is wrong, a sentence each with its remedy.
  returned: success
  type: list
  elements: str
settings:
  description:
    - Values by name, as the argument specs take them. Those that are wrong are left out.
    - Dictionaries other than C(mcp_tags) and options with C(no_log) are left out too, as they may hold credentials.
  returned: success
  type: dict
  sample: {mcp_name: mcp, network_cidr: 10.20.0.0/16}
places:
  description: Where variables were written, by name.
  returned: success
  type: dict
  sample: {network_cidr: "inventory/acme/group_vars/all/main.yml:7"}
"""
