"""The stacks of a soak: a small playbook with all that can be left behind, in a folder that is its whole world."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bench.runner.soak.sshd import Sshd
from runner import Limits, Stack

VERB, KEEP = "soak", 10
LIGHT = """- name: Do a little here
  hosts: here
  gather_facts: false
  tasks:
    - name: Start a process
      ansible.builtin.raw: /bin/true
      changed_when: true
    - name: Go round a loop
      ansible.builtin.debug: {msg: "{{ item }}"}
      loop: [one, two, three]
    - name: Sleep
      ansible.builtin.raw: sleep 0.5
      changed_when: false
"""
FULL = """    - name: Work in the background
      ansible.builtin.command: sleep 0.5
      async: 30
      poll: 1
      changed_when: false
- name: Do a little over SSH
  hosts: there
  gather_facts: false
  tasks:
    - name: Open a connection that stays
      ansible.builtin.raw: /bin/true
      changed_when: true
    - name: Run a module
      ansible.builtin.command: /bin/true
      changed_when: true
    - name: Sleep there
      ansible.builtin.raw: sleep 0.5
      changed_when: false
"""
# How many events of each kind a whole run has; `runner_on_async_poll` depends on the clock and is not counted.
EXPECTED_LIGHT = {
    "playbook_on_play_start": 1,
    "playbook_on_start": 1,
    "playbook_on_stats": 1,
    "playbook_on_task_start": 3,
    "runner_item_on_ok": 3,
    "runner_on_ok": 3,
    "runner_on_start": 3,
}
EXPECTED_FULL = EXPECTED_LIGHT | {
    "playbook_on_play_start": 2,
    "playbook_on_task_start": 7,
    "runner_on_async_ok": 1,
    "runner_on_ok": 7,
    "runner_on_start": 7,
}


@dataclass(frozen=True)
class Stacks:
    """Inventories and a playbook in `folder`, and in `folder/world` the home, temporary files and artifacts of runs.

    A full one also works in the background and over SSH.
    """

    folder: Path
    count: int
    full: bool

    def build(self, sshd: Sshd | None) -> None:
        """Write it all."""
        (self.folder / "playbooks").mkdir()
        for name in ("home", "tmp", "cache"):
            (self.world / name).mkdir(parents=True)
        (self.folder / "playbooks" / f"{VERB}.yml").write_text(LIGHT + (FULL if self.full else ""))
        # Without these two, Ansible would go by the home that /etc/passwd tells.
        places = [
            f"ansible_remote_tmp={self.world}/home/.ansible/tmp",
            f"ansible_async_dir={self.world}/home/.ansible_async",
        ]
        lines = ["[all:vars]", "ansible_python_interpreter=/usr/bin/python3", *places]
        lines += ["[here]", "localhost ansible_connection=local", *(["[there]", sshd.line()] if sshd else [])]
        for number in range(self.count):
            self.inventory(number).write_text("\n".join(lines) + "\n")

    @property
    def world(self) -> Path:
        """Where runs may leave something."""
        return self.folder / "world"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the program that starts the runs."""
        places = {"HOME": "home", "TMPDIR": "tmp", "XDG_CACHE_HOME": "cache", "XDG_RUNTIME_DIR": "tmp"}
        return dict(os.environ) | {name: str(self.world / place) for name, place in places.items()}

    def inventory(self, number: int) -> Path:
        """Return the inventory of a stack."""
        return self.folder / f"lab{number}"

    def stack(self, number: int) -> Stack:
        """Return a stack."""
        return Stack(self.inventory(number), playbooks=self.folder / "playbooks", limits=Limits(runs=KEEP))

    def note(self) -> None:
        """Note for whoever looks on that a run is over."""
        with self._notes.open("a") as notes:
            notes.write("\n")

    @property
    def over(self) -> int:
        """How many runs are over."""
        return len(self._notes.read_text()) if self._notes.exists() else 0

    @property
    def _notes(self) -> Path:
        return self.folder / "over"

    @property
    def expected(self) -> dict[str, int]:
        """How many events of each kind a whole run has."""
        return EXPECTED_FULL if self.full else EXPECTED_LIGHT
