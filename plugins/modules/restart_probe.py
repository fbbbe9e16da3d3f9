#!/usr/bin/python
"""Ansible module: kill a service's main process and measure how long it takes to come back."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: restart_probe
short_description: Prove that a service comes back by itself
version_added: 0.1.0
description:
  - Kills the main process of a Compose project's container, as a crash would end it, and measures the time until a page
    answers 200 again and the systemd unit is active.
  - C({slot}) in an option stands for the name of the slot that serves.
  - Kills nothing when the page does not answer before.
  - Reports no change, because the host ends as it began.
options:
  project:
    description: Compose project; its first container by name is the victim.
    type: str
    default: mcp-{slot}
  url:
    description: Page that answers 200 while the service can work.
    type: str
    required: true
  unit:
    description: Unit that has to be active again.
    type: str
    default: mcp@{slot}.service
  deadline:
    description: Seconds to wait.
    type: float
    default: 60
author:
  - The mcp.aws maintainers
attributes:
  check_mode:
    description: Kills nothing, and says so.
    support: full
"""

EXAMPLES = r"""
- name: Kill the server and see it come back
  mcp.aws.restart_probe:
    url: http://127.0.0.1:8000/ready
  become: true
"""

RETURN = r"""
measured:
  description: The part C(restart), or C(error) or C(skipped) in it.
  returned: always
  type: dict
  sample: {restart: {container: mcp-blue, pid: 4711, seconds: 4.2, settled: 4.9, unit: mcp@blue.service}}
"""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils.host_facts import in_slot
from ansible_collections.mcp.aws.plugins.module_utils.slots import serving

POLL_SECONDS = 0.1
COMMAND_SECONDS = 10


def run(*command: str) -> str:
    """Return a command's output, whether it ended well or not."""
    return subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False).stdout.strip()


def answers(url: str) -> str:
    """Return nothing when the page answers 200, otherwise what happened instead."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 (the caller names the page)
            return "" if answer.status == 200 else f"HTTP {answer.status}"
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}"
    except OSError as error:
        return str(getattr(error, "reason", error))


def victim(project: str) -> tuple[str, int]:
    """Return name and main process of the project's container; 0 when none runs."""
    label = f"label=com.docker.compose.project={project}"
    names = sorted(run("docker", "ps", "--format", "{{.Names}}", "--filter", label).split())
    if not names:
        return "", 0
    found = json.loads(run("docker", "inspect", names[0]))[0]
    return names[0], int(found["State"]["Pid"])


def alive(pid: int) -> bool:
    """Tell whether a process exists; one that ended but was not waited for does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


def probe(project: str, url: str, unit: str, deadline: float) -> dict[str, Any]:
    """Kill, and wait until the page answers and the unit is active."""
    before = answers(url)
    if before:
        return {"error": f"nothing was killed: {url} did not answer before the test ({before})"}
    container, pid = victim(project)
    if not pid:
        return {"error": f"nothing was killed: no container of the project {project} runs"}

    start = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    result = {"container": container, "pid": pid, "unit": unit, "seconds": None, "settled": None, "last": "still alive"}
    while time.monotonic() - start < deadline:
        # While the old process lives, an answer would be its own.
        result["last"] = "the killed process lives on" if alive(pid) else answers(url)
        if result["seconds"] is None and not result["last"]:
            result["seconds"] = time.monotonic() - start
        if result["seconds"] is not None and run("systemctl", "is-active", unit) == "active":
            result["settled"] = time.monotonic() - start
            break
        time.sleep(POLL_SECONDS)
    return result | {"waited": time.monotonic() - start}


def main() -> None:
    """Measure one restart."""
    module = AnsibleModule(
        argument_spec={
            "project": {"type": "str", "default": "mcp-{slot}"},
            "url": {"type": "str", "required": True},
            "unit": {"type": "str", "default": "mcp@{slot}.service"},
            "deadline": {"type": "float", "default": 60},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False, measured={"restart": {"skipped": "check mode kills nothing"}})
    try:
        slot = serving()
        named = {name: in_slot(module.params[name], slot) for name in ("project", "unit")}
        restart = probe(url=module.params["url"], deadline=module.params["deadline"], **named)
    except (OSError, ValueError, LookupError, subprocess.TimeoutExpired) as error:
        restart = {"error": str(error)}
    module.exit_json(changed=False, measured={"restart": restart})


if __name__ == "__main__":
    main()
