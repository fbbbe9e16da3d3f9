"""The command and the environment of ansible-playbook, as ansible-runner makes them and as this library needs them."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from ansible_runner import RunnerConfig

from mcp_aws.location import COLLECTION_ROOT
from mcp_aws.private import write_variables
from mcp_aws.request import RUN, RunRequest

CALLBACK = Path(__file__).parent / "callback" / "run_events.py"
# Set by ansible-runner over what ansible.cfg says; whoever wants another value sets the variable.
THEIRS = (
    "ANSIBLE_HOST_KEY_CHECKING",  # off, where it is on by default
    "ANSIBLE_CACHE_PLUGIN",
    "ANSIBLE_CACHE_PLUGIN_CONNECTION",
    "ANSIBLE_RETRY_FILES_ENABLED",
)


def command_of(request: RunRequest, private: Path) -> tuple[list[str], dict[str, str], Path]:
    """Return the command of a run, its environment and its working directory.

    What ansible-runner would keep in the artifacts, the environment among it, goes to the private directory or nowhere.
    """
    config = RunnerConfig(
        private_data_dir=str(private),
        artifact_dir=str(private),
        project_dir=str(COLLECTION_ROOT),
        ident="artifacts",
        inventory=str(request.inventory),
        playbook=str(request.playbook),
        cmdline=shlex.join([*request.arguments, *write_variables(private, request.extra_vars)]) or None,
        quiet=True,
        fact_cache_type="memory",  # a cache of its own would be in the artifacts; ansible.cfg says what there is
    )
    config.prepare()
    return config.command, _environment(request, private, config.env), COLLECTION_ROOT


def _environment(request: RunRequest, private: Path, prepared: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the process: this interpreter's Ansible, whose files are in the private directory."""
    ours = {name: str(value) for name, value in prepared.items()}
    for name in THEIRS:
        ours.pop(name, None)
        if name in os.environ:
            ours[name] = os.environ[name]
    ours["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{prepared.get('PATH', os.defpath)}"
    ours["ANSIBLE_STDOUT_CALLBACK"] = CALLBACK.stem
    ours["ANSIBLE_CALLBACK_PLUGINS"] = f"{CALLBACK.parent}{os.pathsep}{prepared['ANSIBLE_CALLBACK_PLUGINS']}"
    ours["TMPDIR"] = str(private / "tmp")  # where modules on this machine unpack themselves
    ours["ANSIBLE_LOCAL_TEMP"] = str(private / "tmp")
    ours["ANSIBLE_SSH_CONTROL_PATH_DIR"] = str(private / "cp")
    ours[RUN] = request.ident
    if ours.get("LC_ALL") in ("C", "POSIX"):  # Ansible refuses a locale that is not UTF-8
        ours["LC_ALL"] = "C.UTF-8"
    ours["ANSIBLE_FORCE_COLOR" if request.colour else "ANSIBLE_NOCOLOR"] = "1"
    ours.pop("ANSIBLE_NOCOLOR" if request.colour else "ANSIBLE_FORCE_COLOR", None)
    return ours
