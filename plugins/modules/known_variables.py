#!/usr/bin/python
"""Documentation of the action plugin `known_variables`, which runs on the control node alone."""

# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
---
module: known_variables
short_description: Refuse variables that a role does not know
version_added: 0.1.0
description:
  - Fails when somebody wrote a variable that begins with a role's name but is neither one of the options in the
    role's C(meta/argument_specs.yml) nor C(<role>_state). A misspelt variable thus never passes in silence.
  - Judges names out of inventory, playbook and variable files and extra variables. Facts and what inventory plugins
    bring, such as C(instance_id) of P(amazon.aws.aws_ec2#inventory), are left alone.
  - A name belongs to the role with the longest matching name, so C(log_rotation_keep) is never judged as role C(log)'s.
  - Runs on the control node and needs no connection to the host.
options:
  roles:
    description:
      - Roles to check, or V(all) for every role of the collection.
      - Inside a role the default is that role; outside a role the option is required.
    type: list
    elements: str
  others:
    description:
      - Variables that belong to no role, listed by the word that they begin with.
      - "V({mcp: [mcp_name, mcp_region]}) refuses C(mcp_regoin)."
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
- name: Refuse variables that the role does not know
  mcp.aws.known_variables:

- name: Refuse variables that nobody knows
  mcp.aws.known_variables:
    roles: all
    others:
      mcp: [mcp_name, mcp_region, mcp_tags, mcp_aws_connection]
"""

RETURN = r"""
unknown:
  description: The variables that nobody knows. Empty on success.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the variable.
      type: str
      sample: postgresql_prot
    owner:
      description: The role, or the word among O(others), that it begins with.
      type: str
      sample: postgresql
    nearest:
      description: The known name most like it, or null.
      type: str
      sample: postgresql_port
options:
  description: Argument specs of the variables in RV(places) that are options of roles, by name.
  returned: success
  type: dict
  sample: {network_cidr: {type: str, default: 10.20.0.0/16}}
places:
  description: Where each variable was written that a person wrote, by name. Defaults of roles are left out.
  returned: success
  type: dict
  sample: {network_cidr: "inventory/acme/group_vars/all/main.yml:7"}
"""
