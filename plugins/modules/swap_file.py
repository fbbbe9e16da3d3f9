#!/usr/bin/python
"""Keeps one swap file of a size, with the unit that brings it back at boot."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: swap_file
short_description: Keep a swap file of a size
version_added: 0.1.0
description:
  - Makes the file whole before it takes the old one's place, so that a run that was cut off leaves nothing half made.
  - A changed size makes the file anew. Size 0 takes file and unit away.
options:
  path: {type: path, required: true, description: The file. Its file system has to allow swap files; overlay does not.}
  size_mb: {type: int, required: true, description: Size in MiB; 0 for none.}
attributes:
  check_mode: {support: full, description: Says what would be done.}
  diff_mode: {support: none, description: There is nothing to compare.}
author: [The mcp.aws maintainers (@mcp-aws)]
"""

EXAMPLES = r"""
- name: Swap as large as the memory
  mcp.aws.swap_file:
    path: /swapfile
    size_mb: "{{ (ansible_facts.memtotal_mb | mcp.aws.sizing).swap_mb }}"
"""

RETURN = r"""
unit:
  description: The unit of the swap file.
  returned: always
  type: str
before_mb:
  description: The size that was found, 0 without a file.
  returned: always
  type: int
"""

MIB = 1024 * 1024
SPARE_MB = 512  # of the disk, for what a server writes while nobody looks
UNIT = """\
# Ansible managed
[Unit]
Description=Swap file {path}

[Swap]
What={path}

[Install]
WantedBy=swap.target
"""


class Swap:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.path = Path(module.params["path"])
        self.new = self.path.with_name(f".{self.path.name}.new")
        self.size = module.params["size_mb"]
        self.name = self.must(["systemd-escape", "--path", "--suffix=swap", str(self.path)], "name the unit").strip()
        self.unit = Path("/etc/systemd/system", self.name)
        self.content = UNIT.format(path=self.path)

    def must(self, command: list[str], doing: str) -> str:
        """The output of a command that has to succeed."""
        status, out, err = self.module.run_command(command)
        if status != 0:
            reason = (err or out).strip().splitlines() or ["no reason given"]
            self.module.fail_json(msg=f"Cannot {doing}: {reason[-1]}", evidence=reason[-10:])
        return str(out)

    def active(self) -> bool:
        """Whether the kernel swaps to the file."""
        return any(line.split()[0] == str(self.path) for line in Path("/proc/swaps").read_text().splitlines()[1:])

    def size_now(self) -> int:
        """The size of the file in MiB; 0 where it is none that could be swapped to."""
        if not self.path.exists():
            return 0
        with self.path.open("rb") as file:
            file.seek(os.sysconf("SC_PAGESIZE") - 10)
            return self.path.stat().st_size // MIB if file.read(10) == b"SWAPSPACE2" else 0

    def make(self) -> None:
        """Make the new file beside the old one."""
        self.new.unlink(missing_ok=True)
        disk = os.statvfs(self.path.parent)
        free = disk.f_bavail * disk.f_frsize // MIB
        if free < self.size + SPARE_MB:
            self.module.fail_json(
                msg=f"Cannot make a swap file of {self.size} MiB: {self.path.parent} has {free} MiB free, and "
                f"{SPARE_MB} of them are to stay so. Free space, enlarge the disk, or say a smaller size; 0 is none."
            )
        with self.new.open("wb") as file:
            self.new.chmod(0o600)
            try:
                os.posix_fallocate(file.fileno(), 0, self.size * MIB)
            except OSError as error:
                self.new.unlink()
                self.module.fail_json(msg=f"Cannot make a swap file of {self.size} MiB: {error.strerror}.")
        self.must(["mkswap", "--label", "swap", str(self.new)], f"format {self.new}")

    def leave(self) -> None:
        """Swap no longer; fails while the memory cannot take back what is out."""
        if self.active():
            self.must(["swapoff", str(self.path)], f"take {self.path} out of use, as its contents must fit into memory")

    def remove(self) -> None:
        """Take away file and unit."""
        if self.unit.exists():
            self.must(["systemctl", "disable", "--quiet", self.name], f"disable {self.name}")
        self.leave()
        self.unit.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)
        self.must(["systemctl", "daemon-reload"], "reload the units")

    def start(self) -> None:
        """Swap to the file now and at every boot."""
        self.unit.write_text(self.content)
        self.must(["systemctl", "daemon-reload"], "reload the units")
        status, _, err = (0, "", "") if self.active() else self.module.run_command(["swapon", str(self.path)])
        if status != 0:
            self.remove()
            self.module.fail_json(
                msg=f"The kernel does not swap to {self.path}: {err.strip()}. Its file system may not allow it, or a "
                "container may not: choose another path, or size 0 for none."
            )
        self.must(["systemctl", "enable", "--quiet", self.name], f"enable {self.name}")

    def apply(self, before: int) -> None:
        """Bring file, unit and kernel to what is wanted."""
        if not self.size:
            self.remove()
            return
        if before != self.size:
            self.make()
            self.leave()
            self.new.replace(self.path)
        self.start()

    def run(self) -> None:
        """Do what is needed, and no more."""
        if self.size < 0:
            self.module.fail_json(msg=f"A swap file cannot have {self.size} MiB; 0 is none.")
        before = self.size_now()
        found = self.unit.read_text() if self.unit.exists() else ""
        right = not found  # without our unit a file is somebody else's
        if self.size:
            right = found == self.content and before == self.size and self.active()
        if not right and not self.module.check_mode:
            self.apply(before)
        self.module.exit_json(changed=not right, unit=self.name, before_mb=before)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "size_mb": {"type": "int", "required": True},
        },
        supports_check_mode=True,
    )
    Swap(module).run()


if __name__ == "__main__":
    main()
