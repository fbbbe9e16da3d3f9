"""Callback plugin: the phases of the workflow in what ansible-playbook prints, and one run at a time on a stack."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: workflow
type: aggregate
short_description: Show the phases of the workflow, and let one run at a time have a stack
description:
  - Prints a line where a phase of the workflow begins, and at the end the phases with their times, the slowest tasks,
    what changed, what failed, and the result of the verdict.
  - Takes the lock of the stack, which is its inventory, when a playbook starts that changes something. While another
    run on this control node has it, C(ansible-playbook) ends at once with the exit status 4 and says who has it.
  - Check mode, C(preflight) and C(versions) need no lock. An inventory that is a list of host names is no stack; of
    several inventories the first that is a path names the stack.
  - Looks at plays of this collection's playbooks only, also where a playbook of somebody else imports them.
  - Does neither where E(MCP_AWS_RUN) is set, as by C(runner.py), which has a display and the lock itself.
  - Prints nothing beside a callback that prints JSON.
  - Lets each line out when it is printed, also where the output is a pipe or a file, in which Ansible keeps it back.
version_added: 0.2.0
author: The mcp.aws maintainers
requirements:
  - Enabled in C(ansible.cfg) with C(callbacks_enabled = mcp.aws.workflow), before callbacks that start something.
options:
  lock_wait:
    description: Seconds to wait for another run on the same stack.
    type: float
    default: 0
    env: [{name: MCP_AWS_LOCK_WAIT}]
    ini: [{section: callback_workflow, key: lock_wait}]
"""

import atexit
import os
import sys
import time
from collections.abc import Iterable
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from ansible import constants, context
from ansible.plugins.callback import CallbackBase
from ansible.utils.color import stringc
from ansible_collections.mcp.aws.plugins.module_utils.health import verdict
from ansible_collections.mcp.aws.plugins.module_utils.run import phases, stack_lock, workflow

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
LOCKED = 4  # exit status
ANSWERS = frozenset({"report", "versions"})  # playbooks whose output is an answer, and no work
ADVICE = "wait for it, or give MCP_AWS_LOCK_WAIT=600 to wait for so many seconds"


def stem_of(play_path: str) -> str:
    """Return the name of the collection's playbook that a play stands in; nothing for plays of others.

    :param play_path: file and line, as `Play.get_path` returns them.
    """
    path = Path(play_path.rpartition(":")[0]).resolve()
    return path.stem if path.parent == PLAYBOOKS else ""


def stack_of(inventories: Iterable[str]) -> Path | None:
    """Return the inventory that names the stack: the first that is a path, as a list of host names is none."""
    return next((Path(name) for name in inventories if Path(name).exists()), None)


class Lock:
    """Holds the lock until ansible-playbook ends; processes that it forks for tasks do not."""

    def __init__(self) -> None:
        self._descriptor = -1

    @property
    def taken(self) -> bool:
        """Whether this process has it, perhaps for a playbook before."""
        return self._descriptor >= 0

    def take(self, stack: Path, verb: str, wait: float) -> None:
        """Take it.

        :raises stack_lock.Held: another run still had it after `wait` seconds.
        """
        self._descriptor = stack_lock.take(stack, verb=verb, ident="ansible-playbook", wait=wait)
        os.register_at_fork(after_in_child=self._forget)  # a task may outlive a playbook that is killed
        atexit.register(self._release)

    def _forget(self) -> None:
        if self.taken:
            os.close(self._descriptor)
            self._descriptor = -1

    def _release(self) -> None:
        if self.taken:
            stack_lock.release(self._descriptor)
            self._descriptor = -1


class CallbackModule(CallbackBase):
    """Takes events down in a `Course` for each playbook, and shows it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "mcp.aws.workflow"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.disabled = bool(os.environ.get("MCP_AWS_RUN"))
        self._lock = Lock()
        self._course = workflow.Course("", ())
        self._plays: list[Any] = []
        self._at = -1  # where in them the run is
        self._silent = True
        self._verdict: Any = None

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Take the lock and announce the first phase, or stand aside."""
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)  # who waits must say so at once, in a pipe and a log, too
        self._plays, self._at = playbook.get_plays(), -1
        stems = [stem for stem in (stem_of(play.get_path()) for play in self._plays) if stem]
        # Who has nothing to say need not be told every result; only a playbook that comes after this one may be ours.
        self.disabled = not stems and len(context.CLIARGS["args"]) == 1
        verb, stack = Path(playbook._file_name).stem, stack_of(context.CLIARGS["inventory"] or ())
        changing = any(stack_lock.changes_things(stem, context.CLIARGS["check"]) for stem in stems)
        if changing and stack and not self._lock.taken:
            self._take(stack, verb)
        text_only = not constants.DEFAULT_STDOUT_CALLBACK.rpartition(".")[2].startswith("json")
        self._silent = not stems or verb in ANSWERS or not text_only
        stages = dict.fromkeys(filter(None, map(self._stage, self._plays)))
        self._course = workflow.Course(f"{verb} of {stack.stem}" if stack else verb, stages)

    def set_play_context(self, play_context: Any) -> None:
        """Announce the phase of the play whose line comes next; another batch of a serial play is announced already."""
        at_work = self._plays[self._at] if self._at >= 0 else None
        if self._at + 1 < len(self._plays) and not (at_work and at_work.serial):
            self._enter(self._plays[self._at + 1])

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Note where the run is, and announce what could not be foreseen."""
        first = self._at if self._at >= 0 and self._plays[self._at].serial else self._at + 1
        places = range(first, len(self._plays))
        self._at = next((at for at in places if self._plays[at].get_path() == play.get_path()), self._at)
        self._enter(play)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._course.begin(task._uuid, host.get_name(), time.monotonic())

    def v2_runner_on_ok(self, result: Any) -> None:
        self._end(result, changed=result.is_changed())

    def v2_runner_on_failed(self, result: Any, **how: bool) -> None:
        ignored = how.get("ignore_errors", False)
        self._end(result, changed=ignored and result.is_changed(), failed=not ignored)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._end(result, failed=True)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._course.skip(result.task._uuid, result.host.get_name())

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Show what came of it."""
        red = [host for numbers in (stats.failures, stats.dark) for host, number in numbers.items() if number]
        self._course.close(time.monotonic(), red)
        judged, before = stats.custom.get("_run", {}).get("verdict"), self._verdict
        self._verdict = judged  # statistics are those of all playbooks of a command
        if self._silent:
            return
        width = self._display.columns + 1
        text = workflow.report(self._course, width, check=context.CLIARGS["check"], colour=stringc)
        if isinstance(judged, dict) and judged.get("schema") == verdict.SCHEMA and judged != before:
            text += f"\n\n{verdict.closing(judged, width, stringc)}"
        self._display.display(text)

    def _take(self, stack: Path, verb: str) -> None:
        """Take the lock, or end ansible-playbook; only SystemExit gets out of a callback."""
        wait = self.get_option("lock_wait")
        try:
            holder = stack_lock.taken_by(stack)
            if holder is not None and wait:
                self._display.display(stack_lock.describe(holder, f"waiting for up to {wait:g} s"))
            self._lock.take(stack, verb, wait)
        except stack_lock.Held as held:
            self._display.error(stack_lock.describe(held.holder, ADVICE), wrap_text=False)
            raise SystemExit(LOCKED) from None
        except OSError as error:
            self._display.error(f"The lock of this stack cannot be taken: {error}", wrap_text=False)
            raise SystemExit(LOCKED) from None

    @staticmethod
    def _stage(play: Any) -> str:
        """Return the phase of a play; the name of its playbook where that is no phase; nothing for plays of others."""
        stem = stem_of(play.get_path())
        return phases.phase_of("", stem) or stem

    def _enter(self, play: Any) -> None:
        stage = self._stage(play)
        if self._course.enter(stage, time.monotonic()) and not self._silent:
            clock = datetime.now().astimezone().strftime("%H:%M:%S")
            self._display.display(f"\n{workflow.header(stage, clock, self._display.columns + 1)}", color="bright blue")

    def _end(self, result: Any, *, changed: bool = False, failed: bool = False) -> None:
        task, host = result.task, result.host
        name = task.get_name().replace("mcp.aws.", "", 1).replace(" : ", ": ", 1)
        self._course.end(task._uuid, name, host.get_name(), time.monotonic(), changed=changed, failed=failed)
