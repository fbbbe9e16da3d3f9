#!/usr/bin/python
"""Owns the list of a group's members."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import grp
import pwd

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: group_members
short_description: Own the list of a group's members
version_added: 0.1.0
description:
  - Makes users the members of a group, and takes everybody else out, who M(ansible.builtin.user) would leave in.
  - Refuses users that the host does not have. In check mode they give a warning, as they may be about to come.
options:
  name: {type: str, required: true, description: The group.}
  members: {type: list, elements: str, required: true, description: Its members.}
  hint: {type: str, default: Correct the list., description: What to do about a user that the host does not have.}
attributes:
  check_mode: {support: full, description: Says what would be changed.}
  diff_mode: {support: full, description: Shows the members.}
author: [The mcp.aws maintainers (@mcp-aws)]
"""

EXAMPLES = r"""
- name: Let one user read the system's logs
  mcp.aws.group_members:
    name: adm
    members: [alice]
"""

RETURN = r"""
members:
  description: The members that the group had before.
  returned: always
  type: list
  elements: str
"""


def exists(user: str) -> bool:
    """Whether the host knows a user."""
    try:
        return bool(pwd.getpwnam(user))
    except KeyError:
        return False


def current(group: str) -> list[str] | None:
    """The members of a group; None when there is no such group."""
    try:
        return sorted(grp.getgrnam(group).gr_mem)
    except KeyError:
        return None


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "members": {"type": "list", "elements": "str", "required": True},
            "hint": {"type": "str", "default": "Correct the list."},
        },
        supports_check_mode=True,
    )
    name, wanted = module.params["name"], sorted(set(module.params["members"]))
    before = current(name)
    problems = [f"This host has no user {user}. {module.params['hint']}" for user in wanted if not exists(user)]
    if before is None:
        problems.append(f"This host has no group {name}. Install the package that makes it.")
    for problem in problems:
        if not module.check_mode:
            module.fail_json(msg=problem)
        module.warn(problem)
    changed = wanted != (before or [])
    if changed and not module.check_mode:
        module.run_command(["gpasswd", "--members", ",".join(wanted), name], check_rc=True)
    lines = {"before": "\n".join([*(before or []), ""]), "after": "\n".join([*wanted, ""])}
    module.exit_json(changed=changed, members=before or [], diff={"before_header": name, "after_header": name, **lines})


if __name__ == "__main__":
    main()
