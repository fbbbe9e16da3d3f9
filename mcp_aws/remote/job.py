"""What another control node is sent: the collection, the playbooks, the inventory and the variables of one run."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import shlex
import shutil
from pathlib import Path
from typing import Any

from ansible_runner.streaming import Transmitter

from mcp_aws.location import COLLECTION_ROOT
from mcp_aws.remote.node import Node
from mcp_aws.request import RunRequest

PARTS = ("playbooks", "roles", "plugins", "meta", "galaxy.yml", "MANIFEST.json", "FILES.json")
VARIABLES = ("group_vars", "host_vars")  # lie beside an inventory that is one file
NEEDLESS = shutil.ignore_patterns("__pycache__", ".*_cache")
# Ansible looks for collections beside a playbook before it looks anywhere else.
COLLECTION = Path("project", "playbooks", "collections", "ansible_collections", "mcp", "aws")
SETTINGS = {"pexpect_timeout": 0.5, "suppress_output_file": True}  # how soon it hears a signal; events hold the output


def write(request: RunRequest, node: Node, folder: Path) -> Path:
    """Write the job as the stream that a worker takes, and return the file."""
    private = folder / "private"
    _copy(request.playbook.parent, private / "project" / "playbooks")
    for part in PARTS:
        _copy(COLLECTION_ROOT / part, private / COLLECTION / part)
    _copy(_configuration(request), private / "project" / "ansible.cfg")
    _copy(request.inventory, private / "inventory" / request.inventory.name)
    for name in VARIABLES if request.inventory.is_file() else ():
        _copy(request.inventory.with_name(name), private / "inventory" / name)
    (private / "env").mkdir(mode=0o700)
    _keep(private / "env" / "settings", SETTINGS)
    if request.extra_vars:  # as an argument of the worker they would show in that node's list of processes
        _keep(private / "env" / "extravars", dict(request.extra_vars))
    job = folder / "job"
    with job.open("wb") as stream:
        Transmitter(_output=stream, private_data_dir=str(private), **_arguments(request, node)).run()
    return job


def nearer(request: RunRequest, cwd: str) -> list[tuple[bytes, bytes]]:
    """Return the paths of the node, whose directory is gone after the run, beside those here that say the same."""
    far = Path(cwd).parent
    pairs = {
        far / COLLECTION: COLLECTION_ROOT,
        far / "project" / "playbooks": request.playbook.parent,
        far / "inventory" / request.inventory.name: request.inventory,
    }
    return [(_quoted(there), _quoted(here)) for there, here in pairs.items()]


def _configuration(request: RunRequest) -> Path:
    """Return the ansible.cfg that counts here."""
    chosen = Path((os.environ | dict(request.environment)).get("ANSIBLE_CONFIG") or COLLECTION_ROOT)
    return chosen / "ansible.cfg" if chosen.is_dir() else chosen


def _arguments(request: RunRequest, node: Node) -> dict[str, Any]:
    """Return what the worker's ansible-runner is told."""
    return {
        "ident": request.ident,
        "playbook": f"playbooks/{request.playbook.name}",
        "inventory": f"inventory/{request.inventory.name}",
        "cmdline": shlex.join(request.arguments) or None,
        "envvars": _environment(request, node),
        "fact_cache_type": "memory",  # a cache of the job's own would end with it; ansible.cfg says what there is
    }


def _environment(request: RunRequest, node: Node) -> dict[str, str]:
    """Return the variables that are sent: those that the node names, and ours."""
    given = os.environ | dict(request.environment)
    return {
        "ANSIBLE_HOST_KEY_CHECKING": "True",  # ansible-runner turns it off where nobody says anything
        "ANSIBLE_FORCE_COLOR" if request.colour else "ANSIBLE_NOCOLOR": "1",
        "MCP_AWS_RUN": request.ident,
    } | {name: given[name] for name in node.environment}


def _copy(source: Path, target: Path) -> None:
    """Copy a file or a directory, with what its links lead to; one that is not there is left out."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if source.is_dir():
        shutil.copytree(source, target, ignore=NEEDLESS, dirs_exist_ok=True)
    elif source.is_file():
        shutil.copy2(source, target)


def _keep(path: Path, data: Any) -> None:
    """Write a file that its owner alone can read, here and there."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(data, file, default=str)


def _quoted(path: Path) -> bytes:
    """Return a path as it stands in a line of JSON."""
    return json.dumps(str(path))[1:-1].encode()
