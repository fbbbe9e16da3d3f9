"""How long each task of a run took, found from its events."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from mcp_aws.events import Event

STARTS = ("playbook_on_task_start", "playbook_on_handler_task_start")
ENDS = ("runner_on_ok", "runner_on_failed", "runner_on_skipped", "runner_on_unreachable")


@dataclass(frozen=True)
class TaskTime:
    """One task of one run: `key` is `role/task`, or `task` outside a role; `seconds` go to its last result."""

    key: str
    path: str
    started: datetime
    seconds: float = 0.0
    hosts: int = 0
    changed: int = 0
    failed: int = 0


class TaskTimes:
    """Takes events in their order; several tasks may be at work at once, as with the strategy `free`."""

    def __init__(self) -> None:
        self._tasks: dict[str, TaskTime] = {}

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if not event.task_id:
            return
        if event.kind in STARTS:
            key = f"{event.role}/{event.task}" if event.role else event.task
            self._tasks.setdefault(event.task_id, TaskTime(key, event.path, event.time))
        elif event.kind in ENDS and (task := self._tasks.get(event.task_id)):
            failed = event.kind in ("runner_on_failed", "runner_on_unreachable") and not event.ignored
            self._tasks[event.task_id] = replace(
                task,
                seconds=(event.time - task.started).total_seconds(),
                hosts=task.hosts + 1,
                changed=task.changed + event.changed,
                failed=task.failed + failed,
            )

    def times(self) -> list[TaskTime]:
        """Return the tasks that came to a result on any host, in the order of their starts."""
        return [task for task in self._tasks.values() if task.hosts]
