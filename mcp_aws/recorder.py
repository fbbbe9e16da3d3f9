"""Takes a run's events and keeps what its result is made of."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mcp_aws.changes import Changes
from mcp_aws.outcome import COLOUR, UNLISTED, Failure, HostStats

UNPARSED = "No inventory was parsed"
TRIED = re.compile(r"^\[WARNING\]: Failed to parse inventory with '(.+?)' plugin: (.+)$", re.M)
CONFIGURATION = "Plugin configuration YAML file, not YAML inventory"
ORIGIN = re.compile(r"^Origin: (/\S+)$", re.M)
COUNTED = {"runner_on_ok": "ok", "runner_on_failed": "failed", "runner_on_unreachable": "unreachable"}


class Recorder:
    """What is known so far; events are ansible-runner's dictionaries, in their order."""

    def __init__(self) -> None:
        self.changes = Changes()
        self.count = 0
        self.published: dict[str, Any] = {}  # by set_stats
        self._stats: Mapping[str, Any] | None = None
        self._so_far: dict[str, dict[str, int]] = {}
        self._failed: dict[str, list[Failure]] = {}

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Record an event."""
        self.count += 1
        self.changes(event)
        kind, data = event["event"], _mapping(event.get("event_data"))
        if kind == "playbook_on_stats":
            self._stats = data
            self.published |= _mapping(data.get("artifact_data"))
        elif kind.startswith("runner_on_") and kind != "runner_on_start":
            self._result(kind, data)

    def _result(self, kind: str, data: Mapping[str, Any]) -> None:
        """Record what one task came to on one host."""
        result = _mapping(data.get("res"))
        counts = self._so_far.setdefault(data["host"], {})
        names = ["ok" if data.get("ignore_errors") else COUNTED.get(kind, "skipped")]
        names += ["ignored"] if kind == "runner_on_failed" and data.get("ignore_errors") else []
        names += ["changed"] if result.get("changed") and names[0] == "ok" else []
        for name in names:
            counts[name] = counts.get(name, 0) + 1
        if names == ["failed"] or names == ["unreachable"]:
            file, _, line = (data.get("task_path") or "").rpartition(":")
            number = int(line) if line.isdecimal() else 0
            failure = Failure(data["host"], data.get("task") or "", message(result), file, number)
            self._failed.setdefault(data["host"], []).append(failure)
            # Ansible itself drops the stats of a task that fails, and a red verdict fails.
            self.published |= _mapping(_mapping(result.get("ansible_stats")).get("data"))

    def hosts(self) -> dict[str, HostStats]:
        """Return the counts of each host: Ansible's own at the end, ours before."""
        if self._stats is None:
            return {host: HostStats(**counts) for host, counts in self._so_far.items()}
        stats = self._stats

        def count(key: str, host: str) -> int:
            return int((stats.get(key) or {}).get(host, 0))

        return {
            host: HostStats(
                ok=count("ok", host),
                changed=count("changed", host),
                failed=count("failures", host),
                unreachable=count("dark", host),
                skipped=count("skipped", host),
                rescued=count("rescued", host),
                ignored=count("ignored", host),
            )
            for host in stats.get("processed") or {}
        }

    def failures(self) -> tuple[Failure, ...]:
        """Return the failures that counted; rescued ones come before those that ended a host's play."""
        counted = {host: stats.failed + stats.unreachable for host, stats in self.hosts().items()}
        return tuple(failure for host, n in counted.items() if n for failure in self._failed.get(host, [])[-n:])


def message(result: Mapping[str, Any]) -> str:
    """Return what a failed task's result says went wrong; of a loop, what its failed items say."""
    results = result.get("results")
    results = results if isinstance(results, list | tuple) else ()  # a module may call anything so
    items = [item for item in results if isinstance(item, Mapping) and item.get("failed")]
    if items:
        return "\n".join(message(item) for item in items)
    parts = [str(result[key]).strip() for key in ("censored", "msg", "stderr", "module_stderr") if result.get(key)]
    return "\n".join(parts) or "it gave no message"


def early_failures(output: str) -> tuple[Failure, ...]:
    """Find what was printed when nothing got as far as a task: no event tells."""
    text = COLOUR.sub("", output).strip()
    error = re.search(r"^\[ERROR\]: (.+?)(?:\n\n|\Z|\nOrigin: (/.*?):(\d+))", text, re.M | re.S)
    if not error:
        return (Failure("", "", text.rpartition("\n")[2] or "ansible-playbook said nothing"),)
    if error[1].startswith(UNPARSED) and (tried := TRIED.findall(text)):
        origin = ORIGIN.findall(text)
        if any(CONFIGURATION in what for _, what in tried):  # only its own plugin can say why
            return (Failure("", "", f"{UNLISTED}\n{tried[0][1].strip()}", origin[-1] if origin else ""),)
        why = "\n".join(f"as {plugin}: {what.strip()}" for plugin, what in tried)
        return (Failure("", "", f"The inventory cannot be read.\n{why}", origin[-1] if origin else ""),)
    return (Failure("", "", error[1].strip(), error[2] or "", int(error[3] or 0)),)


def _mapping(value: object) -> Mapping[str, Any]:
    """Return a value that should be a mapping; what a playbook calls so may be anything."""
    return value if isinstance(value, Mapping) else {}
