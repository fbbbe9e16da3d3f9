"""What the display knows of a run: made of its events alone, so that any recorded run can be shown again."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mcp_aws.changes import Changes
from mcp_aws.collection import module
from mcp_aws.display.gather import Gather, Note
from mcp_aws.display.progress import Progress
from mcp_aws.events import Event
from mcp_aws.outcome import COLOUR
from mcp_aws.recorder import message

WARNING = re.compile(r"^\[(?:DEPRECATION )?WARNING\]: (.+?)(?=\n\n|\n\[|\Z)", re.M | re.S)
STARTS = ("playbook_on_task_start", "playbook_on_handler_task_start")
RESULTS = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
    "runner_on_skipped": "skipped",
}


@dataclass
class Work:
    """A task that is at work, with the hosts that it works on and the time it began there."""

    role: str
    task: str
    hosts: dict[str, datetime] = field(default_factory=dict)
    retry: str = ""


class State:
    """What is known so far.

    :param expected: tasks and their seconds in earlier runs.
    """

    def __init__(
        self,
        verb: str,
        started: datetime,
        expected: Sequence[tuple[str, float]] = (),
    ) -> None:
        self.verb = verb
        self.started = started
        self.progress = Progress(expected)
        self.phases: dict[str, datetime] = {}  # each with its begin, in the order in which they began
        self.phase = ""
        self.latest = ("", "")  # role and task
        self.counts: Counter[str] = Counter()
        self.cancelling = False
        self._phased = False
        self._work: dict[str, Work] = {}
        self._crowds: dict[str, set[str]] = {}  # the hosts of each task at work, those that are done among them
        self._changes = Changes()
        self._gather = Gather()
        self._changed_here: set[tuple[str, str]] = set()  # hosts and tasks: a hidden result does not tell again
        self._warned: set[str] = set()

    @property
    def work(self) -> list[Work]:
        """The tasks that work on a host now, those that began first first."""
        return [work for work in self._work.values() if work.hosts]

    def take(self, event: Event) -> list[Note]:
        """Take the next event, and return what it adds to the lines that stay."""
        notes = [*self._warnings(event), *self._changed(event)]
        if event.kind in STARTS:
            notes += [*self.rest(), *self._start(event)]
        elif event.kind == "runner_on_start":
            work = self._work.setdefault(event.task_id, Work(event.role, event.task))
            work.hosts[event.host] = event.time
            self._crowds.setdefault(event.task_id, set()).add(event.host)
        elif event.kind == "runner_retry" and (retrying := self._work.get(event.task_id)):
            tries, attempts = event.result.get("retries"), event.result.get("attempts")
            number = attempts + 1 if isinstance(attempts, int) else 1
            retrying.retry = f"try {number}" + (f" of {tries}" if tries else "")
        elif outcome := RESULTS.get(event.kind):
            notes += self._end(event, "ignored" if outcome == "failed" and event.ignored else outcome)
        elif event.kind == "playbook_on_stats":
            notes += self.rest()
        return notes

    def rest(self) -> list[Note]:
        """Return what was held back as more hosts might have said it, too."""
        self._crowds = {work: hosts for work, hosts in self._crowds.items() if work in self._work}
        return self._gather.rest()

    def _start(self, event: Event) -> Iterator[Note]:
        self.latest = (event.role, event.task)
        self.progress.start(event.role, event.task, event.time)
        phase = module("run.phases").phase_of(event.role, event.play_path)
        self._phased = self._phased or bool(phase)
        if not self._phased:  # a playbook outside the workflow has its plays
            phase = event.play
        if phase and phase != self.phase:
            self.phase = phase
            if phase not in self.phases:  # plays may go back to one
                self.phases[phase] = event.time
                yield Note("phase", text=phase)

    def _end(self, event: Event, outcome: str) -> Iterator[Note]:
        self.counts[outcome] += 1
        self.counts["changed"] += event.changed or (event.host, event.task_id) in self._changed_here
        self._changed_here.discard((event.host, event.task_id))
        if work := self._work.get(event.task_id):
            work.hosts.pop(event.host, None)
            if not work.hosts:
                del self._work[event.task_id]
        if outcome in ("failed", "ignored", "unreachable"):
            yield from self._notes(event, outcome, event.task, message(event.result))

    def _changed(self, event: Event) -> Iterator[Note]:
        self._changes({"event": event.kind, "event_data": event.data, "stdout": event.output})
        found, self._changes.found = self._changes.found, []
        for change in found:
            self._changed_here.add((event.host, event.task_id))
            yield from self._notes(event, "change", change.task, change.item)

    def _notes(self, event: Event, kind: str, task: str, text: str) -> list[Note]:
        note = Note(kind, (event.host,), event.role, task, text)
        return self._gather.take(note, len(self._crowds.get(event.task_id, ())))

    def _warnings(self, event: Event) -> Iterator[Note]:
        """Find what Ansible warns of; the same warning is told once."""
        if "WARNING]: " not in event.output:
            return
        for found in WARNING.findall(COLOUR.sub("", event.output).replace("\r\n", "\n")):
            text = " ".join(found.split())
            if text not in self._warned:
                self._warned.add(text)
                yield Note("warning", text=text)
