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
from mcp_aws.cli import parser
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
    words = sys.argv[1:] if given is None else list(given)
    open_streams()
    signals = Signals()
    try:
        with signals:
            status = _do(words, signals)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader has seen enough
        abandon(sys.stdout)
        return GREEN
    except Interrupted:
        print("interrupted", file=sys.stderr)
        return signals.status
    except BadInput as error:
        return _complain(words, "bad_input", error, BAD_INPUT)
    except Locked as error:
        return _complain(words, "locked", error, LOCKED, holder=dict(error.holder))
    except ArtifactsError as error:
        return _complain(words, "artifacts", error, FAILED)
    except HistoryError as error:
        return _complain(words, "history", error, FAILED)
    except OSError as error:
        with suppress(OSError):
            sys.stdout.flush()
            return _complain(words, "system", error, FAILED)
        abandon(sys.stdout)  # what could not be written, as on a full disk, would be tried again at the end
        return _complain(words, "system", error, FAILED)


def _do(words: Sequence[str], signals: Signals) -> int:
    """Find out what is wanted, and do it."""
    said = parser.parse(words)
    if said.version:
        print(f"mcp.aws {location.version()}")
        return GREEN
    if said.action == "completion":
        print(shtab.complete(parser.build(), said.shell))
        return GREEN
    if said.action == "history":
        return history.show(Stack(said.inventory), said)
    return (_plan if said.action == "plan" else _run)(said, signals)


def _run(said: argparse.Namespace, signals: Signals) -> int:
    """Run a playbook."""
    judge_tags(f"{said.tags},{said.skip_tags}", Stack.playbooks)
    show = Show(said, signals)
    stack = _stack(said, show, colour=show.colour)
    options = _options(said) | {"check": said.check, "diff": said.diff}
    own = {name: value for name in parser.own_parameters(said.action) if (value := getattr(said, name)) is not None}
    method = parser.method_of(said.action)
    run: Run = method(stack, **own, **options) if method else stack.run(said.action, **options)
    judge_limit(run.outcome, said.limit, stack.inventory_path)
    show.close(run)
    return _status(run, signals)


def _plan(said: argparse.Namespace, signals: Signals) -> int:
    """Say what a run would change, which takes a while to find out."""
    judge_tags(f"{said.tags},{said.skip_tags}", Stack.playbooks)
    show = Show(said, signals, aside=True)
    show.announce(f"Looking what a real run of {said.what} on {said.inventory} would change ...")
    try:
        plan = _stack(said, show).plan(said.what, **_options(said))
    except RunFailed as failed:
        judge_limit(failed.run.outcome, said.limit, Stack(said.inventory).inventory_path)
        show.close(failed.run)
        return _status(failed.run, signals) or FAILED
    if plan.run.status not in ENDED:
        show.close(plan.run)
        return _status(plan.run, signals)
    show.close_plan(plan)
    return DRIFT if plan.drift else GREEN


def _stack(said: argparse.Namespace, show: Show, *, colour: bool = False) -> Shown:
    """Return the deployment, the control node that does the work, and where it is recorded."""
    node = Node.ssh(said.node) if said.node else None
    return Shown(said.inventory, colour=colour, show=show.follow, node=node, sinks=tuple(said.sink))


def _options(said: argparse.Namespace) -> dict[str, Any]:
    """Return what all verbs take, as the library names it."""
    return {name: getattr(said, name) for name in OPTIONS} | {"extra_vars": variables(said.extra_vars)}


def _status(run: Run, signals: Signals) -> int:
    """Return the exit status that says how a run ended."""
    if run.ok:
        return GREEN
    if run.status == "canceled" and signals.came:
        return signals.status
    if run.outcome.refused:
        return BAD_INPUT
    return DEGRADED if degraded(run.outcome) else FAILED


def _complain(words: Sequence[str], kind: str, error: Exception, status: int, **more: Any) -> int:
    """Say why nothing was run, to a person and, where it is wanted, to a program."""
    said = {"schema": ERROR_SCHEMA, "ok": False, "error": kind, "message": str(error)} | more
    told = [(sys.stderr, safe(str(error)))]
    told += [(sys.stdout, json.dumps(said, indent=1, default=str))] if "--json" in words else []
    for stream, text in told:
        try:
            print(text, file=stream, flush=True)
        except OSError:  # nobody reads, or the disk is full
            abandon(stream)
    return status
