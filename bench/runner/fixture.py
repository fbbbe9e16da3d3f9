"""The playbook of many hosts and tasks, in a directory of its own."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# A raw command goes through the connection and starts a process, but needs no Python on the other side: a module would
# take 0.2 s of two processors for each of 20,000, over an hour a turn, in which nobody would find the runner's share.
TASK = """    - name: Do task {number}
      ansible.builtin.raw: /bin/true
      changed_when: false
"""
HEAD = """- name: Do little on many hosts
  hosts: all
  gather_facts: false
  tasks:
"""
VARIABLES = "[all:vars]\nansible_connection=local\n[all]\n"


@dataclass(frozen=True)
class Fixture:
    """A directory with an inventory, one playbook for each number of tasks, and a cache."""

    folder: Path
    hosts: int

    def build(self, *tasks: int) -> None:
        """Write it."""
        for number in tasks:
            body = "".join(TASK.format(number=each + 1) for each in range(number))
            self.playbook(number).write_text(HEAD + body)
        self.inventory.write_text(VARIABLES + "".join(f"host{number:04}\n" for number in range(self.hosts)))

    @property
    def inventory(self) -> Path:
        """The inventory."""
        return self.folder / "hosts"

    def playbook(self, tasks: int) -> Path:
        """The playbook with that many tasks."""
        return self.folder / f"many{tasks}.yml"
