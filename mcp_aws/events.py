"""One event of a run, and how to follow the file that holds all of them."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

FILE = "events.jsonl"
COLLECTION = "mcp.aws."


@dataclass(frozen=True)
class Event:
    """Something that happened in a run.

    `number` counts from 1 without a gap; `kind` is Ansible's name for it, as `playbook_on_task_start`, `runner_on_ok`,
    `runner_on_failed` or `playbook_on_stats`; `time` is in UTC. `task_id` tells tasks of one name apart; `path` and
    `play_path` are the files and lines of the task and of its play. `result` is what the task returned, without what
    `no_log` hides. `output` is what Ansible printed for it, `data` the whole event as ansible-runner has it.
    """

    number: int
    kind: str
    time: datetime
    play: str = ""
    play_path: str = ""
    role: str = ""
    task: str = ""
    task_id: str = ""
    path: str = ""
    action: str = ""
    host: str = ""
    changed: bool = False
    ignored: bool = False
    result: Mapping[str, Any] = field(default_factory=dict)
    output: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Event:
        """Return the event that ansible-runner's dictionary tells of."""
        data = raw.get("event_data") or {}
        result = data.get("res")
        result = result if isinstance(result, Mapping) else {}
        return cls(
            number=raw["counter"],
            kind=raw["event"],
            time=datetime.fromisoformat(raw["created"]),
            play=data.get("play") or "",
            play_path=data.get("play_path") or "",
            role=(data.get("role") or "").removeprefix(COLLECTION),
            task=data.get("task") or "",
            task_id=data.get("task_uuid") or "",
            path=data.get("task_path") or "",
            action=data.get("resolved_action") or data.get("task_action") or "",
            host=data.get("host") or "",
            changed=bool(result.get("changed")),
            ignored=bool(data.get("ignore_errors")),
            result=result,
            output=raw.get("stdout") or "",
            data=data,
        )


class Tail:
    """Reads a file of events while it grows; each reader goes at a pace of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def raw(self) -> Iterator[dict[str, Any]]:
        """Yield what was written since the last time; a line that is not whole yet waits."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        return
                    self._offset += len(line)
                    yield json.loads(line)
        except FileNotFoundError:  # nothing has happened yet
            return
