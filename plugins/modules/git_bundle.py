#!/usr/bin/python
"""Ansible module: pack a directory into a git bundle of one reproducible commit."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils.git_bundle import pack

DOCUMENTATION = r"""
module: git_bundle
short_description: Pack a directory into a git bundle of one reproducible commit
version_added: 0.1.0
description:
  - Makes a file that C(git clone) takes in place of a URL.
  - The commit has a fixed author and date, so equal content gives an equal commit, on every machine and day.
  - The bundle is named after its commit. A bundle that is in the cache already is not made again.
  - Runs where the directory is, as a rule on the control node.
options:
  directory:
    description: What to pack. Its own C(.gitignore) files are honoured.
    type: path
    required: true
  cache:
    description: Folder for the bundles. It is made when it does not exist.
    type: path
    default: ~/.cache/mcp.aws
  exclude:
    description: What to leave out, in the notation of C(.gitignore).
    type: list
    elements: str
    default: [__pycache__/, "*.pyc", .pytest_cache/, .mypy_cache/, .ruff_cache/, .venv/, "*.egg-info/", .coverage]
  message:
    description: Message of the commit.
    type: str
    default: Packed by mcp.aws
attributes:
  check_mode:
    support: full
    description: Computes the commit and writes nothing.
requirements: [git]
author: The mcp.aws maintainers (@mcp-aws)
"""

EXAMPLES = r"""
- name: Pack the server
  mcp.aws.git_bundle:
    directory: "{{ role_path }}/files/server"
  delegate_to: localhost
  become: false
  register: packed

- name: Send the bundle to the host
  ansible.builtin.copy:
    src: "{{ packed.path }}"
    dest: /opt/mcp/reference.bundle
    mode: "0644"

- name: Clone the server
  ansible.builtin.git:
    repo: /opt/mcp/reference.bundle
    dest: /opt/mcp/source
    version: "{{ packed.commit }}"
"""

RETURN = r"""
commit:
  description: The commit in the bundle.
  type: str
  returned: success
  sample: 3f786850e387550fdab836ed7e6dc881de23001b
path:
  description: The bundle. In check mode it may not exist yet.
  type: str
  returned: success
  sample: /home/me/.cache/mcp.aws/3f786850e387550fdab836ed7e6dc881de23001b.bundle
"""

EXCLUDE = [
    "__pycache__/",
    "*.pyc",
    ".pytest_cache/",
    ".mypy_cache/",
    ".ruff_cache/",
    ".venv/",
    "*.egg-info/",
    ".coverage",
]


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "cache": {"type": "path", "default": "~/.cache/mcp.aws"},
            "exclude": {"type": "list", "elements": "str", "default": EXCLUDE},
            "message": {"type": "str", "default": "Packed by mcp.aws"},
        },
        supports_check_mode=True,
    )
    directory, cache = Path(module.params["directory"]), Path(module.params["cache"])
    if not directory.is_dir():
        module.fail_json(msg=f"{directory} is no directory, so there is nothing to pack.")
    program = module.get_bin_path("git", required=True)

    def git(arguments: list[str], environment: dict[str, str]) -> str:
        code, output, errors = module.run_command([program, *arguments], environ_update=environment, cwd=str(directory))
        if code:
            module.fail_json(msg=f"git {arguments[0]} failed on {directory}: {errors.strip()}", rc=code)
        return str(output)

    try:
        bundle = pack(git, directory, cache, module.params["exclude"], module.params["message"], not module.check_mode)
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"Cannot pack {directory}: {error}")
    module.exit_json(changed=bundle.changed, commit=bundle.commit, path=str(bundle.path))


if __name__ == "__main__":
    main()
