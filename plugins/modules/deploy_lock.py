#!/usr/bin/python
"""Takes and releases the deploy lock of a host, and records how each deploy ended."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils import deploy_lock, deploy_log
from ansible_collections.mcp.aws.plugins.module_utils.deploy_lock import Lock

DOCUMENTATION = r"""
module: deploy_lock
short_description: One deploy at a time on a host, and a record of each
version_added: 0.2.0
description:
  - Takes the lock of a host for this run of ansible-playbook, or releases it and records what was done.
  - A run that holds the lock takes it again at will, which renews it. A long run renews it within its lease.
  - The lock of a dead run is taken over, and the run recorded as C(abandoned). A run of this control node is dead when
    its process has ended. A run of another one is dead when it was not heard of for O(lease) seconds, or when its SSH
    connection is closed and it was not heard of for 120 seconds.
  - Of another connection than SSH nothing is known but its lease.
  - A task on the host goes on when its run is killed. It gets 60 seconds to end before the lock is taken over.
  - A release with an O(outcome) is published as the custom statistic of its O(verb), schema C(mcp.aws/deploy/1) or
    C(mcp.aws/rollback/1), as M(ansible.builtin.set_stats) would, but not in check mode.
options:
  state:
    description: V(released) lets go of what this run holds, and never fails for want of it.
    type: str
    choices: [held, released]
    default: held
  verb: {type: str, default: deploy, description: What the run does.}
  version: {type: str, default: "", description: What it does it with.}
  wait: {type: float, default: 0, description: Seconds to wait for another run before it fails.}
  lease: {type: float, default: 1800, description: Seconds that a run of another control node may go without renewal.}
  outcome:
    description: How the run ended, for the record. Without it nothing is recorded.
    type: str
    choices: ["", ok, unchanged, refused, failed]
    default: ""
  reason: {type: str, default: "", description: Why it did not end well. The record holds 2000 characters of it.}
  from: {type: str, default: "", description: Release that served before.}
  release: {type: str, default: "", description: Release that was brought.}
  commit: {type: str, default: "", description: Commit of the release.}
  slot: {type: str, default: "", description: Slot that was filled.}
  evidence: {type: str, default: "", description: Where the evidence of a refusal lies.}
  hook: {type: str, default: "", description: Hook that failed.}
  path: {type: path, default: /var/lib/mcp, description: Folder of the lock and the record.}
  holder: {type: dict, default: {}, description: Who runs this. The action plugin fills it in.}
  gone: {type: str, default: "", description: Run whose process has ended. The action plugin fills it in.}
  last: {type: bool, default: true, description: Whether to fail without the lock. The action plugin fills it in.}
attributes:
  check_mode: {support: full, description: Changes nothing, and warns of a run that holds the lock.}
  diff_mode: {support: none, description: There is nothing to compare.}
notes:
  - Taking and releasing is no change, as the host ends as it began. Taking over is.
author: [The mcp.aws maintainers (@mcp-aws)]
"""

EXAMPLES = r"""
- name: Take the lock
  mcp.aws.deploy_lock:
    verb: deploy
    version: main
    wait: 600

- name: Release the lock, and record the deploy
  mcp.aws.deploy_lock:
    state: released
    outcome: ok
    release: 3f2a91c04d7e-1a2b3c4d
"""

RETURN = r"""
held:
  description: Whether this run holds the lock now; in check mode, whether a real run would get it.
  returned: success
  type: bool
lock:
  description: What this run holds, or held.
  returned: when it held something
  type: dict
held_by:
  description: The run that holds the lock instead.
  returned: when another run does
  type: dict
taken_over:
  description: The dead run that held the lock, and C(why) it counts as dead.
  returned: when there was one
  type: dict
recorded:
  description: The records that were written.
  returned: success
  type: list
  elements: dict
"""

POLL_SECONDS = 0.5
LEFTOVER_SECONDS = 60  # what the last task of a dead run gets to end


class DeployLock:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params = module.params
        self.folder = Path(module.params["path"])
        holder = {**module.params["holder"], "verb": module.params["verb"], "version": module.params["version"]}
        self.this = Lock.of(holder)
        self.recorded: list[dict[str, Any]] = []

    def judge(self) -> tuple[Lock | None, str, datetime]:
        """Return who else holds the lock, why that run is dead, and the time of the look."""
        now = datetime.now(UTC)
        found = deploy_lock.read(self.folder)
        if found is None or found.run == self.this.run:
            return None, "", now
        open_ = deploy_lock.connected(found)
        return found, deploy_lock.why_dead(found, self.this, now, self.params["lease"], open_, self.params["gone"]), now

    def hold(self) -> None:
        """Take the lock, or wait for it."""
        started = time.monotonic()
        while True:
            with deploy_lock.guarded(self.folder):
                other, dead, now = self.judge()
                waited = time.monotonic() - started
                left = deploy_lock.at_work(other.connection, os.getpid()) if other and dead else []
                if other is None or (dead and (not left or waited > LEFTOVER_SECONDS)):
                    self.take(other, dead, now, left)
                if not dead and waited >= self.params["wait"]:
                    self.refuse(other, now)
            time.sleep(POLL_SECONDS)

    def take(self, other: Lock | None, dead: str, now: datetime, left: list[int]) -> None:
        """Take the lock, renew it, or take it over."""
        mine = deploy_lock.read(self.folder) if other is None else None
        connection = deploy_lock.connection_of(os.getpid())
        lock = (mine or self.this).renewed_at(now, connection, self.this.verb, self.this.version)
        if other is None:
            deploy_lock.write(self.folder, lock)
            self.end(changed=False, held=True, lock=lock.as_dict())
            return
        self.record(deploy_log.entry(other, now, deploy_log.ABANDONED, dead))
        deploy_lock.write(self.folder, lock)
        if left:
            self.module.warn(
                f"A task of the dead run may still be at work on this host after {LEFTOVER_SECONDS} s: "
                f"processes {', '.join(map(str, left))}."
            )
        self.module.warn(f"Took the lock over, as that run is dead ({dead}): {deploy_lock.describe(other, now)}.")
        self.end(changed=True, held=True, lock=lock.as_dict(), taken_over=other.as_dict() | {"why": dead})

    def refuse(self, other: Lock, now: datetime) -> None:
        """Say who holds the lock."""
        if not self.params["last"]:
            self.end(changed=False, held=False, held_by=other.as_dict())
        file = self.folder / deploy_lock.FILE
        reason = deploy_lock.refusal(other, self.this, now, self.params["lease"], file)
        self.record(deploy_log.entry(self.this, now, deploy_log.REFUSED, reason))
        self.module.fail_json(msg=reason, held_by=other.as_dict(), recorded=self.recorded)

    def release(self) -> None:
        """Let go of the lock, and record the run once."""
        with deploy_lock.guarded(self.folder):
            now = datetime.now(UTC)
            found = deploy_lock.read(self.folder)
            mine = found if found and found.run == self.this.run else None
            told = deploy_log.last_of(deploy_log.read(self.folder), self.this.run)
            # A run that was refused has its record; one that was taken for dead has a wrong one.
            if self.params["outcome"] and (mine or told.get("outcome") in (None, deploy_log.ABANDONED)):
                self.record(
                    deploy_log.entry(mine or self.this, now, self.params["outcome"], self.params["reason"], self.params)
                )
            if mine:
                deploy_lock.remove(self.folder)
        self.end(changed=False, held=False, **({"lock": mine.as_dict()} if mine else {}))

    def foresee(self) -> None:
        """Say in check mode who holds the lock."""
        other, dead, now = self.judge()
        if self.params["state"] == "released" or other is None:
            self.end(changed=False, held=self.params["state"] == "held")
        elif dead:
            self.module.warn(
                f"A real run takes the lock over, as that run is dead ({dead}): {deploy_lock.describe(other, now)}."
            )
            self.end(changed=True, held=True, taken_over=other.as_dict() | {"why": dead})
        else:
            self.module.warn(f"A real run would have to wait: {deploy_lock.describe(other, now)}.")
            self.end(changed=False, held=False, held_by=other.as_dict())

    def record(self, record: dict[str, Any]) -> None:
        deploy_log.append(self.folder, record)
        self.recorded.append(record)

    def end(self, **result: Any) -> None:
        self.module.exit_json(recorded=self.recorded, **result)


def main() -> None:
    """Entry point."""
    text = {"type": "str", "default": ""}
    told = {name: text for name in (*deploy_log.TOLD, "reason", "version", "gone")}
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["held", "released"], "default": "held"},
            "verb": {"type": "str", "default": "deploy"},
            "wait": {"type": "float", "default": 0},
            "lease": {"type": "float", "default": 1800},
            "outcome": {"type": "str", "choices": ["", "ok", "unchanged", "refused", "failed"], "default": ""},
            "path": {"type": "path", "default": str(deploy_lock.STATE)},
            "holder": {"type": "dict", "default": {}},
            "last": {"type": "bool", "default": True},
            **told,
        },
        supports_check_mode=True,
    )
    try:
        lock = DeployLock(module)
        if module.check_mode:
            lock.foresee()
        elif module.params["state"] == "held":
            lock.hold()
        else:
            lock.release()
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"The deploy lock cannot be changed: {error}")


if __name__ == "__main__":
    main()
