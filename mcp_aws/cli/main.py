"""The command line: runs a playbook, shows it, and says by its exit status how it ended.

0 green; 1 failed; 2 drift or degraded; 3 bad input; 4 locked; 128 and the number of the signal when one ended it.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import shtab

from mcp_aws import location
from mcp_aws.cli import new, parser
from mcp_aws.cli.names import judge_limit, judge_tags
from mcp_aws.cli.shown import Show, Shown
from mcp_aws.cli.signals import Interrupted, Signals
from mcp_aws.cli.values import variables
from mcp_aws.display.closing import degraded
from mcp_aws.display.screen import abandon, open_streams
from mcp_aws.errors import ArtifactsError, BadInput, Locked, RunFailed
from mcp_aws.history import command as history
from mcp_aws.history.history import HistoryError
from mcp_aws.remote.node import Node
from mcp_aws.run import Run
from mcp_aws.stack import Stack
from mcp_aws.text import safe

GREEN, FAILED, DRIFT, DEGRADED, BAD_INPUT, LOCKED = 0, 1, 2, 2, 3, 4
ERROR_SCHEMA = "mcp.aws/error/1"
ENDED = ("successful", "failed")  # by itself, so that a plan is whole
OPTIONS = ("limit", "tags", "skip_tags", "forks", "timeout", "wait")


def main(given: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit status."""
    argv = sys.argv[1:] if given is None else list(given)
    open_streams()
    signals = Signals()
    try:
        with signals:
            status = _do(argv, signals)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader has seen enough
        abandon(sys.stdout)
        return GREEN
    except Interrupted:
        print("interrupted", file=sys.stderr)
        return signals.status
    except BadInput as error:
        return _complain(argv, "bad_input", error, BAD_INPUT)
    except Locked as error:
        return _complain(argv, "locked", error, LOCKED, holder=dict(error.holder))
    except ArtifactsError as error:
        return _complain(argv, "artifacts", error, FAILED)
    except HistoryError as error:
        return _complain(argv, "history", error, FAILED)
    except OSError as error:
        with suppress(OSError):
            sys.stdout.flush()
            return _complain(argv, "system", error, FAILED)
        abandon(sys.stdout)  # what could not be written, as on a full disk, would be tried again at the end
        return _complain(argv, "system", error, FAILED)


def _do(argv: Sequence[str], signals: Signals) -> int:
    """Find out what is wanted, and do it."""
    args = parser.parse(argv)
    if args.version:
        print(f"mcp.aws {location.version()}")
        return GREEN
    if args.action == "completion":
        print(shtab.complete(parser.build(), args.shell))
        return GREEN
    if args.action == "new":
        new.make(args)
        return GREEN
    if args.action == "history":
        return history.show(Stack(args.inventory), args)
    return (_plan if args.action == "plan" else _run)(args, signals)


def _run(args: argparse.Namespace, signals: Signals) -> int:
    """Run a playbook."""
    judge_tags(f"{args.tags},{args.skip_tags}", Stack.playbooks)
    show = Show(args, signals)
    stack = _stack(args, show, colour=show.colour)
    options = _options(args) | {"check": args.check, "diff": args.diff}
    own = {name: value for name in parser.own_parameters(args.action) if (value := getattr(args, name)) is not None}
    method = parser.method_of(args.action)
    run: Run = method(stack, **own, **options) if method else stack.run(args.action, **options)
    judge_limit(run.outcome, args.limit, stack.inventory_path)
    show.close(run)
    return _status(run, signals)


def _plan(args: argparse.Namespace, signals: Signals) -> int:
    """Say what a run would change, which takes a while to find out."""
    judge_tags(f"{args.tags},{args.skip_tags}", Stack.playbooks)
    show = Show(args, signals, aside=True)
    show.announce(f"Checking what a real run of {args.what} on {args.inventory} would change ...")
    try:
        plan = _stack(args, show).plan(args.what, **_options(args))
    except RunFailed as failed:
        judge_limit(failed.run.outcome, args.limit, Stack(args.inventory).inventory_path)
        show.close(failed.run)
        return _status(failed.run, signals) or FAILED
    if plan.run.status not in ENDED:
        show.close(plan.run)
        return _status(plan.run, signals)
    show.close_plan(plan)
    return DRIFT if plan.drift else GREEN


def _stack(args: argparse.Namespace, show: Show, *, colour: bool = False) -> Shown:
    """Return the deployment, the control node that does the work, and where it is recorded."""
    node = Node.ssh(args.node) if args.node else None
    return Shown(args.inventory, colour=colour, show=show.follow, node=node, sinks=tuple(args.sink))


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """Return what all verbs take, as the library names it."""
    return {name: getattr(args, name) for name in OPTIONS} | {"extra_vars": variables(args.extra_vars)}


def _status(run: Run, signals: Signals) -> int:
    """Return the exit status that says how a run ended."""
    if run.ok:
        return GREEN
    if run.status == "canceled" and signals.came:
        return signals.status
    if run.outcome.refused:
        return BAD_INPUT
    return DEGRADED if degraded(run.outcome) else FAILED


def _complain(argv: Sequence[str], kind: str, error: Exception, status: int, **more: Any) -> int:
    """Say why nothing was run, to a person and, where it is wanted, to a program."""
    report = {"schema": ERROR_SCHEMA, "ok": False, "error": kind, "message": str(error)} | more
    outputs = [(sys.stderr, safe(str(error)))]
    outputs += [(sys.stdout, json.dumps(report, indent=1, default=str))] if "--json" in argv else []
    for stream, text in outputs:
        try:
            print(text, file=stream, flush=True)
        except OSError:  # nobody reads, or the disk is full
            abandon(stream)
    return status
