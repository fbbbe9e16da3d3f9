#!/usr/bin/python
"""Brings a systemd unit to a state and waits until the service answers."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils import systemd

DOCUMENTATION = r"""
module: service
short_description: Bring a systemd unit to a state and wait until it answers
version_added: 0.1.0
description:
  - Enables and starts, restarts or reloads a unit, then asks the service itself until it answers.
  - Where it does not, the failure names the process that holds its port, and shows the journal.
options:
  name: {type: str, required: true, description: Name of the unit.}
  state:
    description: What shall be. V(reloaded) starts a unit that is not running.
    type: str
    choices: [started, restarted, reloaded]
    default: started
  probe: {type: list, elements: str, required: true, description: Command that succeeds when the service answers.}
  environment: {type: dict, default: {}, description: Environment of the probe; the place for a password.}
  expect: {type: str, default: "", description: Regular expression that the answer has to hold.}
  timeout: {type: int, default: 60, description: Seconds until the service must have answered.}
  reads:
    description:
      - Files that the service reads only when it starts, its program among them. V(started) restarts a unit that
        started before one of them changed, so that what an interrupted run wrote comes in force too.
    type: list
    elements: path
    default: []
  port: {type: int, description: Port the service listens on.}
  log: {type: str, default: "", description: Log file to show beside the journal when the service does not answer.}
  hint: {type: str, default: "", description: What to look at when the service does not answer.}
attributes:
  check_mode: {support: full, description: Says what would be done. Asks nothing of a unit that is not there yet.}
  diff_mode: {support: none, description: There is nothing to compare.}
author: [The mcp.aws maintainers (@mcp-aws)]
"""

EXAMPLES = r"""
- name: Run Redis
  mcp.aws.service:
    name: redis-server
    probe: [redis-cli, ping]
    expect: PONG
    port: 6379
"""

RETURN = r"""
steps:
  description: The verbs given to systemctl.
  returned: always
  type: list
  elements: str
answer:
  description: What the service answered.
  returned: when not in check mode
  type: str
"""

ASKED = "LoadState,ActiveState,UnitFileState,NeedDaemonReload,ActiveEnterTimestampMonotonic"


def control_group(pid: str) -> str:
    """The control groups of a process, which name its unit; nothing when it has just ended."""
    path = Path("/proc", pid, "cgroup")
    return path.read_text() if path.exists() else ""


class Service:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params = module.params
        self.name = module.params["name"]

    def show(self) -> dict[str, str]:
        """State of the unit as systemd sees it."""
        _, out, _ = self.module.run_command(["systemctl", "show", self.name, "-p", ASKED])
        return systemd.properties(out)

    def probe(self) -> tuple[bool, str]:
        """Whether the service answers, and what it says."""
        status, out, err = self.module.run_command(self.params["probe"], environ_update=self.params["environment"])
        answer = (out + err).strip()
        return status == 0 and bool(re.search(self.params["expect"], answer)), answer

    def wait(self) -> str:
        """The answer of the service, asked until the deadline; ends early when the unit has given up."""
        deadline = time.monotonic() + self.params["timeout"]
        pause = 0.1
        while True:
            good, answer = self.probe()
            if good:
                return answer
            if self.show().get("ActiveState") == "failed":
                self.fail("has failed", answer)
            if time.monotonic() > deadline:
                said = answer.splitlines()[-1] if answer else "nothing"
                self.fail(f"does not answer as it should after {self.params['timeout']} s (it says: {said})", answer)
            time.sleep(pause)
            pause = min(pause * 1.5, 1)

    def strangers(self) -> str:
        """The processes outside the unit that hold its port."""
        if not self.params["port"]:
            return ""
        _, out, _ = self.module.run_command(["ss", "-Hltnp"])
        found = systemd.holders(out, self.params["port"]).items()
        return ", ".join(f"{name} (pid {pid})" for pid, name in found if self.name not in control_group(pid))

    def fail(self, problem: str, answer: str) -> None:
        """End with one sentence, and the evidence beside it."""
        remedy = self.params["hint"] or f"the end of its journal is below; the whole of it: journalctl -u {self.name}"
        if strangers := self.strangers():
            remedy = f"port {self.params['port']} is held by {strangers}. Stop that, or choose another port"
        journal = ["journalctl", "-u", self.name, "-n", "20", "--no-pager", "-o", "short-iso", "-q"]
        _, out, _ = self.module.run_command(journal)
        evidence = {"probe": answer.splitlines()[-5:], "journal": [line[:240] for line in out.splitlines()]}
        if self.params["log"] and Path(self.params["log"]).exists():
            evidence["log"] = Path(self.params["log"]).read_text(errors="replace").splitlines()[-15:]
        self.module.fail_json(msg=f"{self.name} {problem}: {remedy}.", evidence=evidence)

    def is_outdated(self, unit: dict[str, str]) -> bool:
        """Whether a file that the unit reads at its start has changed since: a package's files keep an old mtime."""
        files = [Path(path) for path in self.params["reads"]]
        changes = [path.stat().st_ctime for path in files if path.exists()]
        boot = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
        return any(change > systemd.active_since(unit, boot) for change in changes)

    def apply(self) -> None:
        """Do what is needed, then wait."""
        unit = self.show()
        loaded = unit.get("LoadState")
        if loaded != "loaded" and not self.module.check_mode:
            self.module.fail_json(msg=f"There is no unit {self.name} ({loaded}). Is its package installed?")
        state = self.params["state"]
        if self.is_outdated(unit):  # systemd does not see by itself that a unit has got its first drop-in
            unit, state = unit | {"NeedDaemonReload": "yes"}, "restarted"
        steps = systemd.steps(unit, state)
        if self.module.check_mode:
            self.module.exit_json(changed=bool(steps), steps=steps)
        for step in steps:
            command = ["systemctl", step] if step == "daemon-reload" else ["systemctl", step, self.name]
            status, _, err = self.module.run_command(command)
            if status != 0:
                self.fail(f"cannot {step}", err)
        self.module.exit_json(changed=bool(steps), steps=steps, answer=self.wait())


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["started", "restarted", "reloaded"], "default": "started"},
            "probe": {"type": "list", "elements": "str", "required": True},
            "environment": {"type": "dict", "default": {}, "no_log": True},
            "expect": {"type": "str", "default": ""},
            "timeout": {"type": "int", "default": 60},
            "reads": {"type": "list", "elements": "path", "default": []},
            "port": {"type": "int"},
            "log": {"type": "str", "default": ""},
            "hint": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    Service(module).apply()


if __name__ == "__main__":
    main()
