"""What a run changed, or in check mode would change, gathered from Ansible's events."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

# Where a result is censored or too big for an event, what was printed still says that it changed something.
PRINTED = re.compile(r"^(?:\x1b\[[\d;]*m)*changed: \[", re.M)


@dataclass(frozen=True)
class Change:
    """A task, or an item of its loop, that reported a change.

    `role` is empty for a task of the playbook itself, `item` for a task without loop; a hidden item is told by its
    number. `diff` is what differs, in lines that begin with `-`, `+` or a blank; empty where the module does not tell.
    """

    host: str
    role: str
    task: str
    item: str = ""
    diff: str = ""


class Changes:
    """Takes Ansible's events and keeps the changes and the sentences on what cannot be predicted."""

    def __init__(self) -> None:
        self.found: list[Change] = []
        self.unpredicted: dict[str, None] = {}  # a set that keeps its order
        self._items: dict[tuple[str, str], int] = {}

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Record an event."""
        kind, data = event["event"], event.get("event_data") or {}
        key = (data.get("host") or "", data.get("task_uuid") or "")
        if kind.startswith("runner_item_on_"):
            self._items[key] = number = self._items.get(key, 0) + 1
            if kind == "runner_item_on_ok":
                self._record(event, data, _label(data.get("res"), number))
        elif kind == "runner_on_ok" or (kind == "runner_on_failed" and data.get("ignore_errors")):
            if not self._items.pop(key, 0):  # a loop's items have spoken for it
                self._record(event, data)
        elif kind in ("runner_on_failed", "runner_on_skipped", "runner_on_unreachable"):
            self._items.pop(key, 0)

    def _record(self, event: Mapping[str, Any], data: Mapping[str, Any], item: str = "") -> None:
        """Keep what one result says."""
        result = data.get("res")
        result = result if isinstance(result, Mapping) else {}
        # A `debug` stands for a module that cannot predict: its message is what differs, or what nobody knows before.
        message = result.get("msg")
        message = message if isinstance(message, Mapping) else {}
        sentences = message.get("unpredicted")
        self.unpredicted |= dict.fromkeys(map(str, sentences)) if isinstance(sentences, list) else {}
        if result.get("changed", bool(PRINTED.search(event.get("stdout") or ""))):
            role = str(data.get("role") or "").rpartition(".")[2]
            diff = differences(result.get("diff") or message)
            self.found.append(Change(data["host"], role, data.get("task") or "", item, diff))


def differences(diff: Any) -> str:
    """Return the `diff` of a result as lines that begin with `-`, `+` or a blank, without a page of what stays."""
    parts = diff if isinstance(diff, list) else [diff]
    return "\n".join(line for part in parts if isinstance(part, Mapping) for line in _lines(part))


def _lines(part: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of one difference; `before` and `after` are texts or values."""
    if "prepared" in part:
        yield from str(part["prepared"]).splitlines()
    if "before" in part and "after" in part:
        unified = list(difflib.unified_diff(_text(part["before"]), _text(part["after"]), n=1, lineterm=""))
        yield from (line for line in unified[2:] if not line.startswith("@@"))
    elif any(key.startswith(("src_", "dst_")) for key in part):
        yield "  (too big, or no text)"


def _text(value: Any) -> list[str]:
    """Return one side of a difference as lines."""
    if not isinstance(value, str):
        value = yaml.safe_dump(value, default_flow_style=False) if value else ""
    return value.splitlines()


def _label(result: Any, number: int) -> str:
    """Return what tells an item from its siblings: its label, its number where nothing of it may be shown."""
    if not isinstance(result, Mapping):
        return f"item {number}"
    if "censored" in result or result.get("_ansible_no_log"):
        return f"item {number}, hidden"
    label = result.get("_ansible_item_label", result.get("item", f"item {number}"))
    return label if isinstance(label, str) else json.dumps(label, sort_keys=True, default=str)
