#!/usr/bin/env python3
"""Run the playbooks of mcp.aws from Python or a shell and get back what happened, typed.

    from runner import Stack

    run = Stack("inventory/lab").site()
    print(run)                # site green in 52.3 s: 3 changes on 2 hosts, 31 of 31 checks green
    run.verdict.checks[0]     # Check(id='http_response_time', measured='p95 41 ms', limit='< 2 s', ...)

    with Stack("inventory/lab").start("deploy") as run:
        for event in run:
            print(event.time, event.host, event.task)

    python runner.py site --inventory inventory/lab

`docs/ten_things.md` shows more, `docs/api.md` says what is promised, and `docs/command_line.md` how a shell uses it.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys

from mcp_aws.changes import Change
from mcp_aws.errors import ArtifactsError, BadInput, Locked, RunFailed, Unplayable
from mcp_aws.events import Event
from mcp_aws.history.history import History, HistoryError
from mcp_aws.outcome import Failure, HostStats
from mcp_aws.plan import Plan
from mcp_aws.remote.node import Node
from mcp_aws.request import Limits
from mcp_aws.run import Run
from mcp_aws.stack import Options, Stack, StartOptions
from mcp_aws.verdicts import AnyVerdict, Check, Verdict

__all__ = [
    "AnyVerdict",
    "ArtifactsError",
    "BadInput",
    "Change",
    "Check",
    "Event",
    "Failure",
    "History",
    "HistoryError",
    "HostStats",
    "Limits",
    "Locked",
    "Node",
    "Options",
    "Plan",
    "Run",
    "RunFailed",
    "Stack",
    "StartOptions",
    "Unplayable",
    "Verdict",
]


if __name__ == "__main__":
    from mcp_aws.cli.main import main

    sys.exit(main())
