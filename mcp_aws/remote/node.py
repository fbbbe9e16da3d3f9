"""Another control node: the command whose input and output speak the streams of ansible-runner's worker."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEEPER = Path(__file__).with_name("keeper.py")


@dataclass(frozen=True)
class Node:
    """Where a stack's runs go: `Stack("inventory/production", node=Node.ssh("control-2"))`.

    :param command: takes a job on its standard input and gives events on its standard output, as
        `ansible-runner worker` does.
    :param environment: names of variables of this process to send with a run; no others are sent.
    :param name: what messages call it; by default the command.
    :param kept: whether the command ends its playbook when its standard input closes. Cancelling a run on a node that
        does not do so is up to the command, which gets an interrupt and after three seconds a kill.
    :param trial: a sentence that says how to see whether the node answers.
    """

    command: tuple[str, ...]
    environment: tuple[str, ...] = ()
    name: str = ""
    kept: bool = False
    trial: str = ""

    @classmethod
    def ssh(cls, host: str, *options: str, runner: str = "ansible-runner", environment: tuple[str, ...] = ()) -> Node:
        """Return the node that SSH reaches without asking anything.

        :param options: more options of `ssh`, as `-p`, `2222`.
        :param runner: ansible-runner there, with its path where that node's PATH has none; Ansible lies beside it.
        """
        ssh = ("ssh", "-T", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=15", *options, "--", host)
        trial = f"See whether `{shlex.join(['ssh', *options, host, runner, '--version'])}` answers without a question."
        return cls((*ssh, shlex.join(_kept(runner))), environment, host, kept=True, trial=trial)

    @classmethod
    def local(cls, *, runner: str = "", environment: tuple[str, ...] = ()) -> Node:
        """Return a node on this machine: another process that is given the run by the same streams."""
        runner = runner or str(Path(sys.executable).with_name("ansible-runner"))
        trial = f"See whether `{runner} --version` answers."
        return cls(_kept(runner, sys.executable), environment, "local", kept=True, trial=trial)

    @classmethod
    def receptor(
        cls,
        node: str,
        *options: str,
        socket: str,
        worktype: str = "ansible-runner",
        environment: tuple[str, ...] = (),
    ) -> Node:
        """Return a node of a Receptor mesh.

        :param options: more options of `receptorctl work submit`, as `--signwork`.
        :param socket: the control socket of the Receptor on this machine.
        :param worktype: the work type there whose command is `ansible-runner worker`.
        """
        submit = ("work", "submit", "--node", node, "--payload", "-", "--follow", "--rm")
        trial = f"See whether `receptorctl --socket {socket} status` names it, with the work type `{worktype}`."
        return cls(("receptorctl", "--socket", socket, *submit, *options, worktype), environment, node, trial=trial)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Node:
        """Return the node of an order."""
        return cls(**dict(data) | {name: tuple(data[name]) for name in ("command", "environment")})

    def __str__(self) -> str:
        return self.name or shlex.join(self.command)


def _kept(runner: str, python: str = "python3") -> tuple[str, ...]:
    """Return the command of a worker that ends when its input does."""
    return (python, "-c", KEEPER.read_text(), runner, "worker")
