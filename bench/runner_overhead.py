"""Measure what the runner adds to ansible-playbook: medians of paired runs of one playbook, and their ratio."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))

from runner import Stack  # noqa: E402

TASKS, ROUNDS = 40, 7
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
""" + "".join(f"    - ansible.builtin.debug: {{msg: {number}}}\n" for number in range(TASKS))


def seconds(work: Callable[[], object]) -> float:
    """Return how long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Measure in turns, so that a slow moment of the machine meets both."""
    with tempfile.TemporaryDirectory() as directory:
        house = Path(directory)
        (house / "many.yml").write_text(PLAYBOOK)
        (house / "hosts").write_text("localhost ansible_connection=local\n")
        stack = Stack(house / "hosts", playbooks=house, cache=house / "cache")
        playbook = str(Path(sys.executable).parent / "ansible-playbook")
        command = [playbook, "-i", str(house / "hosts"), str(house / "many.yml")]

        def bare() -> None:
            subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)

        def through_runner() -> None:
            stack.run("many")

        pairs = [(seconds(bare), seconds(through_runner)) for _ in range(ROUNDS)]
    alone, driven = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(second / first for first, second in pairs)
    print(f"{TASKS} tasks, medians of {ROUNDS} pairs, in seconds:")
    print(f"ansible-playbook {alone:.2f}, through the runner {driven:.2f}, ratio {ratio:.3f}")


if __name__ == "__main__":
    main()
