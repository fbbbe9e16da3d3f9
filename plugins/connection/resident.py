"""Connection plugin: run modules on the control node in one resident interpreter that has boto3 loaded."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from threading import Thread

from ansible import constants
from ansible.plugins.connection.local import Connection as Local
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible.utils.display import Display
from ansible_collections.mcp.aws.plugins.plugin_utils import playbook_process

DOCUMENTATION = r"""
name: resident
short_description: Run modules on the control node without starting an interpreter for each
description:
  - A module of AWS spends half a second on starting Python and importing boto3 before it asks AWS anything.
  - With this plugin the first task of a run starts one interpreter that has done so, and every module is a fork of it.
    It ends with the run.
  - What it cannot serve goes the way of P(ansible.builtin.local#connection), from which it inherits - tasks with
    C(become), with another interpreter, modules of no collection, and all when the interpreter does not start.
version_added: 0.1.0
author: The mcp.aws maintainers
requirements:
  - Linux
options:
  pipelining:
    description: Without it, every module goes the way of P(ansible.builtin.local#connection).
    type: boolean
    default: true
    vars: [{name: ansible_resident_pipelining}]
  start_timeout:
    description: Seconds that the interpreter may take to start.
    type: int
    default: 20
    vars: [{name: ansible_resident_start_timeout}]
  become_success_timeout:
    description: Seconds to wait for C(become), which goes the way of P(ansible.builtin.local#connection).
    type: int
    default: 10
    vars: [{name: ansible_local_become_success_timeout}]
  become_strip_preamble:
    description: Remove what C(become) prints before the command.
    type: bool
    default: true
    vars: [{name: ansible_local_become_strip_preamble}]
"""

RESIDENT = Path(__file__).parents[1] / "plugin_utils" / "resident.py"
OF_A_COLLECTION = re.compile(rb"module_fqn='ansible_collections\.[\w.]+'")
DIED = 70  # sysexits' EX_SOFTWARE

display = Display()


class Connection(Local):
    """The local connection, with modules of collections taken out of it."""

    transport = "mcp.aws.resident"
    has_pipelining = True

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a payload in the resident interpreter, anything else as the local connection does."""
        environment = environment_of(cmd) if in_data and not self.become else None
        if environment is not None and in_data and OF_A_COLLECTION.search(in_data):
            try:
                with self._reach() as connection:
                    return talk(connection, in_data, self.cwd or os.getcwd(), environment)
            except OSError as error:
                display.vv(f"The resident interpreter is not reached, this task starts its own: {error}")
        return super().exec_command(cmd, in_data=in_data, sudoable=sudoable)

    def _reach(self) -> socket.socket:
        """Connect to the interpreter of this run, after starting it if nobody has."""
        path = socket_of_run()
        if not path.exists():
            launch(path, playbook_process.pid(), AnsibleCollectionConfig.collection_paths)
            wait_for(path, self.get_option("start_timeout"))
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(path))
        return connection


def socket_of_run() -> Path:
    """Return where the interpreter of this run listens: in the run's own folder, which only this user may enter."""
    return Path(constants.DEFAULT_LOCAL_TMP) / "resident"


def environment_of(command: str) -> dict[str, str] | None:
    """Return the variables that a command sets for this very interpreter, None when it does anything else.

    Commands look like `/bin/sh -c 'LANG=C /usr/bin/python && sleep 0'`.
    """
    words = shlex.split(command)
    if len(words) != 3 or words[1] != "-c":
        return None
    *assignments, interpreter = shlex.split(words[2].removesuffix(" && sleep 0"))
    pairs = [word.split("=", 1) for word in assignments]
    if interpreter != sys.executable or any(len(pair) != 2 or not pair[0].isidentifier() for pair in pairs):
        return None
    return {name: value for name, value in pairs}


def launch(path: Path, parent: int, collections: Iterable[str]) -> None:
    """Start the interpreter, unless somebody else has started it for this run.

    :param path: the socket that it makes.
    :param parent: the process that it ends with.
    """
    try:
        log = path.with_suffix(".log").open("xb")
    except FileExistsError:
        return
    with log:
        command = [sys.executable, str(RESIDENT), str(path), str(parent), ":".join(collections)]
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def wait_for(path: Path, seconds: float) -> None:
    """Wait until the interpreter listens; OSError when it does not, for every later task at once."""
    failed = path.with_suffix(".failed")
    deadline = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > deadline:
            failed.write_text(f"it does not listen after {seconds} s")
        if failed.exists():
            raise OSError(failed.read_text())
        time.sleep(0.01)


def talk(
    connection: socket.socket, payload: bytes, folder: str, environment: dict[str, str]
) -> tuple[int, bytes, bytes]:
    """Send a payload and return its exit status, standard output and standard error."""
    head = json.dumps({"size": len(payload), "cwd": folder, "environment": environment}).encode() + b"\n"
    reading, writing = zip(os.pipe(), os.pipe(), strict=True)
    socket.send_fds(connection, [head], list(writing))
    for descriptor in writing:
        os.close(descriptor)
    said: list[bytes] = [b"", b""]

    def read(number: int) -> None:
        with open(reading[number], "rb") as stream:
            said[number] = stream.read()

    errors = Thread(target=read, args=(1,))
    errors.start()
    connection.sendall(payload)
    read(0)
    errors.join()
    status = connection.recv(16)
    return int(status) if status else DIED, said[0], said[1]
