#!/usr/bin/python
"""Keeps kernel settings in a file of sysctl.d, and sees that the running kernel follows them."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils import kernel

DOCUMENTATION = r"""
module: kernel_settings
short_description: Keep kernel settings in a file, and in force
version_added: 0.1.0
description:
  - Sets what differs in the running kernel, then writes the file that sets it at boot.
  - A value that the kernel rejects fails before the file is touched, and what was set goes back.
  - A container may not set all. What the kernel refuses or does not know is reported, and does no harm at boot.
options:
  path: {type: path, required: true, description: File under C(/etc/sysctl.d); owned whole.}
  settings: {type: dict, required: true, description: Values by name.}
attributes:
  check_mode: {support: full, description: Says what would be set.}
  diff_mode: {support: full, description: Shows the file.}
author: [The mcp.aws maintainers (@mcp-aws)]
"""

EXAMPLES = r"""
- name: Let Redis fork
  mcp.aws.kernel_settings:
    path: /etc/sysctl.d/90-redis.conf
    settings:
      vm.overcommit_memory: 1
"""

RETURN = r"""
set:
  description: The settings that the running kernel had otherwise.
  returned: always
  type: list
  elements: str
unknown:
  description: The settings that this kernel does not have.
  returned: always
  type: list
  elements: str
refused:
  description: The settings that this host may not set.
  returned: always
  type: list
  elements: str
"""

REJECTED = (errno.EINVAL, errno.ERANGE)


class Kernel:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.settings = {name: str(value) for name, value in module.params["settings"].items()}
        self.before: dict[str, str] = {}
        self.unknown: list[str] = []
        self.refused: list[str] = []

    def apply(self, name: str, value: str) -> None:
        """Bring one setting in force, and keep what it was."""
        file = kernel.place(name)
        try:
            now = file.read_text()
        except FileNotFoundError:
            self.unknown.append(name)
            return
        except OSError:  # some can be written alone
            now = ""
        if kernel.same(now, value):
            return
        if not self.module.check_mode:
            try:
                file.write_text(value)
            except OSError as error:
                if error.errno in REJECTED:
                    self.undo()
                    self.module.fail_json(
                        msg=f"The kernel rejects {name} = {value}: {error.strerror}. It stays {now.strip()}; "
                        "nothing was changed. Correct the value."
                    )
                self.refused.append(name)
                return
        self.before[name] = now.strip()

    def undo(self) -> None:
        """Set back what was set."""
        for name, value in self.before.items():
            kernel.place(name).write_text(value)

    def write(self) -> dict[str, str] | None:
        """Write the file where it differs; return the difference."""
        target = Path(self.module.params["path"])
        content = "\n".join(["# Ansible managed", *kernel.lines(self.settings), ""])
        old = target.read_text() if target.exists() else ""
        if old == content:
            return None
        if not self.module.check_mode:
            temporary = target.with_name(f".{target.name}.new")
            temporary.write_text(content)
            temporary.chmod(0o644)
            temporary.replace(target)
        return {"before_header": str(target), "before": old, "after_header": str(target), "after": content}

    def run(self) -> None:
        """Set, write, report."""
        for name, value in self.settings.items():
            self.apply(name, value)
        diff = self.write()
        if diff and self.refused:
            self.module.warn(
                f"This host may not set {', '.join(self.refused)}; as in a container, they are its keeper's."
            )
        if diff and self.unknown:
            self.module.warn(f"This kernel has no {', '.join(self.unknown)}: misspelt, or its module is not loaded.")
        changed = bool(self.before or diff)
        result = {"set": sorted(self.before), "unknown": self.unknown, "refused": self.refused}
        self.module.exit_json(changed=changed, diff=diff or {}, **result)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "settings": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    Kernel(module).run()


if __name__ == "__main__":
    main()
