"""Keeps account of a run's events, one by one, so that a lost, doubled or displaced one shows."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from mcp_aws.events import Event

RECAP = re.compile(r"^([\w.-]+) +: ok=(\d+)", re.MULTILINE)
# What ends a task on a host, and what may come more or less often, as it depends on the clock.
ENDS = ("runner_on_ok", "runner_on_failed", "runner_on_skipped", "runner_on_unreachable")
UNSTEADY = ("runner_on_async_poll",)


class EventLog:
    """What was counted. It keeps numbers, never the events: memory must not grow with them."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.hosts: Counter[str] = Counter()
        self.problems: list[str] = []
        self._last = 0
        self._times: dict[str, datetime] = {}
        self._open: dict[str, int] = {}

    def take(self, event: Event) -> None:
        """Count an event."""
        if event.number != self._last + 1:
            self._complain(f"event {event.number} follows {self._last}")
        self._last = event.number
        if event.host:  # lines between the events have the time at which they were read
            if event.time < self._times.get(event.host, event.time):
                self._complain(f"event {event.number} of host {event.host} is older than the one before it")
            self._times[event.host] = event.time
        self.kinds[event.kind] += 1
        if event.kind == "runner_on_start":
            self._open[event.host] = self._open.get(event.host, 0) + 1
        elif event.kind in ENDS:
            self.hosts[event.host] += 1
            self._open[event.host] = self._open.get(event.host, 0) - 1
            if self._open[event.host] < 0:
                self._complain(f"event {event.number} ends a task on {event.host} that did not begin")

    def took(self, events: Iterable[Event]) -> EventLog:
        """Count them all and return itself."""
        for event in events:
            self.take(event)
        return self

    @property
    def steady(self) -> dict[str, int]:
        """How many there were of each kind whose number does not depend on the clock."""
        return {kind: number for kind, number in sorted(self.kinds.items()) if kind not in UNSTEADY}

    def _complain(self, problem: str) -> None:
        if len(self.problems) < 5:  # the first ones tell the story
            self.problems.append(problem)


def expected(hosts: int, tasks: int) -> dict[str, int]:
    """Return how many events of each kind a playbook of one play makes in which each task succeeds on each host."""
    each = hosts * tasks
    whole = dict.fromkeys(("playbook_on_play_start", "playbook_on_start", "playbook_on_stats"), 1)
    return whole | {"playbook_on_task_start": tasks, "runner_on_ok": each, "runner_on_start": each}


def recap(output: str) -> dict[str, int]:
    """Return the number of tasks that were `ok` on each host, from Ansible's own PLAY RECAP."""
    return {host: int(number) for host, number in RECAP.findall(output.rpartition("PLAY RECAP")[2])}


def differences(counted: Mapping[str, int], wanted: Mapping[str, int]) -> Iterator[str]:
    """Say what was counted otherwise than wanted."""
    for name in sorted(counted.keys() | wanted.keys()):
        if counted.get(name, 0) != wanted.get(name, 0):
            yield f"{name}: {counted.get(name, 0)}, wanted {wanted.get(name, 0)}"
