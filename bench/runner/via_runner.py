"""Runs one playbook through the runner in a process of its own, and prints what that took as JSON.

`python -m bench.runner.via_runner INVENTORY VERB [--playbooks FOLDER] [--cache FOLDER] [--handler SECONDS]`
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from bench.runner.event_log import EventLog
from bench.runner.memory import Watch, peak
from mcp_aws.events import Event
from runner import Stack


def measure(stack: Stack, verb: str, handler: float) -> dict[str, object]:
    """Run it, with every event counted by a handler that takes so many seconds for each."""
    event_log = EventLog()

    def handle(event: Event) -> None:
        event_log.take(event)
        if handler:
            time.sleep(handler)

    with Watch() as watch:
        began = time.perf_counter()
        run = stack.run(verb, on_event=handle, raise_on_failure=False)
        seconds = time.perf_counter() - began
    return {
        "ok": run.ok,
        "said": str(run),
        "seconds": seconds,
        "playbook_seconds": run.duration,
        "changed": run.changed,
        "library": peak(),
        "supervisor": watch.supervisor,
        "kinds": event_log.steady,
        "hosts": dict(event_log.hosts),
        "recap": {name: stats.ok for name, stats in run.hosts.items()},
        "problems": event_log.problems,
        "lines": sum(1 for _ in (run.artifacts / "events.jsonl").open("rb")),
    }


def main() -> None:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inventory", type=Path)
    parser.add_argument("verb")
    parser.add_argument("--playbooks", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--handler", type=float, default=0.0)
    said = parser.parse_args()
    places = {"playbooks": said.playbooks, "cache": said.cache}
    stack = Stack(said.inventory, **{name: path for name, path in places.items() if path})
    print(json.dumps(measure(stack, said.verb, said.handler)))


if __name__ == "__main__":
    main()
