#!/usr/bin/python
"""Ansible module: keep what a refused release says of itself, without its secrets."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: slot_evidence
short_description: Keep the evidence of a refused release
version_added: 0.1.0
description:
  - Writes the end of the container's log, its inspection, the journal of its unit, the answer that failed and the
    Compose file into a folder that root alone reads, and deletes all but the newest folders.
  - What cannot be had (the container is gone, the engine is down) is named in the file in its stead. The module does
    not fail for it, as it runs where something else has failed already.
  - O(answer) and O(secrets) are not masked in what is returned, as each word of them would be taken out of the path.
    Give the task C(no_log); what is returned is covered already.
  - Covers every value of the container's environment, O(secrets), the release's own secrets, and passwords in URLs.
options:
  slot:
    description: Slot that the release was in; its container is C(mcp-<slot>), its unit C(mcp@<slot>).
    type: str
    required: true
  release:
    description: Name of the release.
    type: str
    required: true
  answer:
    description: What the task that failed said, kept as C(gate.json).
    type: dict
    default: {}
  start_timeout:
    description: Seconds that the server had to get ready.
    type: int
    default: 120
  secrets:
    description: Values that must not be kept anywhere.
    type: list
    elements: str
    default: []
  directory:
    description: Where the folders lie.
    type: path
    default: /var/lib/mcp/evidence
  releases:
    description: Where the releases lie.
    type: path
    default: /opt/mcp/releases
  keep:
    description: How many folders are kept.
    type: int
    default: 10
author:
  - The mcp.aws maintainers
attributes:
  check_mode:
    description: Writes nothing, and names the folder that it would write.
    support: full
"""

EXAMPLES = r"""
- name: Keep the evidence
  mcp.aws.slot_evidence:
    slot: green
    release: 3f786850e387-1b2c3d4e
    answer: "{{ ansible_failed_result }}"
    secrets: "{{ stack_secrets.values() }}"
  become: true
  no_log: true
"""

RETURN = r"""
path:
  description: The folder; empty where nothing could be written, for the reason in RV(problem).
  returned: always
  type: str
  sample: /var/lib/mcp/evidence/20261126T163000Z-3f786850e387-1b2c3d4e
last:
  description: The last 15 lines that the container said; of the journal where there is no container.
  returned: always
  type: list
  elements: str
reason:
  description: >-
    Why the server ended, where it did; otherwise why the task of O(answer) failed, without secrets; of a command,
    what it said last.
  returned: always
  type: str
problem:
  description: Why nothing could be written.
  returned: always
  type: str
"""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils.evidence import slot as evidence

SECONDS = 10
LOG_LETTERS = 2_000_000
LAST_LINES = 15


def said(command: Sequence[str]) -> tuple[bool, str]:
    """Return whether a command ended well, and what it said, errors in their place."""
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False, errors="replace"
        )
    except subprocess.TimeoutExpired:
        return False, f"`{' '.join(command)}` did not end within {SECONDS} s\n"
    except OSError as error:
        return False, f"`{' '.join(command)}` cannot run: {error.strerror}\n"
    return done.returncode == 0, done.stdout


def text_of(file: Path) -> str:
    """Return a file's text, or why there is none."""
    try:
        return file.read_text(errors="replace")
    except OSError as error:
        return f"# {file}: {error.strerror}\n"


def collect(slot: str, release: Path, answer: object, start_timeout: int) -> tuple[dict[str, str], list[str], str]:
    """Return the files by name, the last lines, and why the server ended; secrets are still in all."""
    container, unit = f"mcp-{slot}", f"mcp@{slot}"
    runs, log = said(["docker", "logs", "--timestamps", "--tail", "2000", container])
    _ok, inspected = said(["docker", "container", "inspect", container])
    _ok, journal = said(["journalctl", "--no-pager", "--output", "short-iso", "--lines", "200", "--unit", unit])
    files = {
        "container.log": evidence.whole_lines(log, LOG_LETTERS),
        "inspect.json": evidence.inspection(inspected),
        "journal.log": evidence.whole_lines(journal, LOG_LETTERS),
        "gate.json": json.dumps(answer, indent=1, ensure_ascii=False) + "\n",
        "compose.yml": text_of(release / "compose.yml"),
    }
    # Not the unit's own state, which its next start forgets.
    since = ["--since", evidence.began(inspected) or "now"]
    _ok, recent = said(["journalctl", "--no-pager", "--output", "cat", "--unit", unit, *since])
    why = evidence.why_it_ended(inspected, recent, start_timeout)
    return (
        files,
        evidence.last(log if runs else journal, LAST_LINES),
        f"The server in slot {slot} {why}." if why else "",
    )


def write(folder: Path, files: dict[str, str], keep: int) -> None:
    """Write the files, for root alone, and delete the oldest folders."""
    os.umask(0o077)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    for name in evidence.outdated((each.name for each in folder.parent.iterdir() if each.is_dir()), keep):
        shutil.rmtree(folder.parent / name, ignore_errors=True)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "slot": {"type": "str", "required": True},
            "release": {"type": "str", "required": True},
            "answer": {"type": "dict", "default": {}, "no_log": False},
            "start_timeout": {"type": "int", "default": 120},
            "secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "directory": {"type": "path", "default": "/var/lib/mcp/evidence"},
            "releases": {"type": "path", "default": "/opt/mcp/releases"},
            "keep": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
    )
    answer = module.params.pop("answer")
    secrets = [secret for secret in module.params["secrets"] if secret]
    folder = Path(module.params["directory"], evidence.folder_name(datetime.now(UTC), module.params["release"]))
    if module.check_mode:
        module.exit_json(changed=True, path=str(folder), last=[], reason="", problem="")

    release = Path(module.params["releases"], module.params["release"])
    for name in ("mcp.env", "secrets.env"):
        values = evidence.environment(text_of(release / name))
        secrets += values.values() if name == "secrets.env" else evidence.secrets_of(values)
    files, last, ended = collect(module.params["slot"], release, answer, module.params["start_timeout"])
    files = {name: evidence.cover(text, secrets) for name, text in files.items()}
    problem = ""
    try:
        write(folder, files, module.params["keep"])
    except OSError as error:
        problem = f"{folder}: {error.strerror}"
    last = evidence.cover("\n".join(last), secrets).splitlines()
    reason = evidence.cover(ended or evidence.reason(answer), secrets)
    path = "" if problem else str(folder)
    module.exit_json(changed=not problem, path=path, last=last, reason=reason, problem=problem)


if __name__ == "__main__":
    main()
