"""Between the command line and the display: which view of a run is wanted, and what is printed at its end."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Unpack

from rich.text import Text

from mcp_aws.cli.signals import Signals
from mcp_aws.display.closing import closing, phases
from mcp_aws.display.follow import follow
from mcp_aws.display.screen import Screen
from mcp_aws.display.state import State
from mcp_aws.display.tables import tables
from mcp_aws.display.views import Live, Plain, Quiet, Verbose
from mcp_aws.history.history import LEARNT_FROM, HistoryError
from mcp_aws.plan import Plan
from mcp_aws.run import Run
from mcp_aws.stack import Stack, StartOptions


@dataclass(frozen=True)
class Shown(Stack):
    """A stack whose runs are shown while they work: what a verb's method runs comes through here."""

    show: Callable[[Shown, Run], None] = field(kw_only=True)

    def run(self, verb: str, *, raise_on_failure: bool = True, **options: Unpack[StartOptions]) -> Run:
        """Run the playbook of a verb and show it; a failed run is given back, too."""
        with self.start(verb, **options) as run:
            self.show(self, run)
        return run


class Show:
    """What one call of the command line shows.

    :param aside: show the work where complaints go, as the result alone is for the standard output.
    """

    def __init__(self, args: argparse.Namespace, signals: Signals, *, aside: bool = False) -> None:
        self._args, self._signals, self._aside = args, signals, aside
        self._out = Screen(sys.stdout, os.environ, plain=args.plain or args.json)
        self._err = Screen(sys.stderr, os.environ, plain=args.plain)
        self._state: State | None = None

    @property
    def colour(self) -> bool:
        """Whether Ansible's own output shall have colours."""
        return bool(self._args.verbose and self._out.live and not os.environ.get("NO_COLOR"))

    def announce(self, text: str) -> None:
        """Say what takes a while, where nothing else says it."""
        if not (self._args.quiet or self._args.json or self._err.live):
            self._err.print_lines([Text(text)])

    def follow(self, stack: Shown, run: Run) -> None:
        """Show a run until it has ended; a signal that comes meanwhile cancels it."""
        self._signals.noted = True
        self._state = follow(run, self._view(run), lambda: bool(self._signals.came), _expected(stack, run))
        run.join()

    def close(self, run: Run) -> None:
        """Print how a run ended."""
        if self._args.json:
            self._out.stream(json.dumps(run.as_dict(), indent=1) + "\n")
            return
        width, lines, shown = self._out.width, [], []
        if not (self._args.quiet or self._args.verbose):
            shown = list(tables(run.outcome, width))
            lines += [Text(""), *shown]
            if self._state and len(self._state.phases) > 1:
                lines += phases(self._state.phases, run.started + timedelta(seconds=run.duration), width)
        lines += closing(run.outcome, inventory=self._args.inventory, width=width, judged=bool(shown))
        self._out.print_lines(lines)

    def close_plan(self, plan: Plan) -> None:
        """Print what a run would change."""
        text = json.dumps(plan.as_dict(), indent=1) if self._args.json else str(plan)
        self._out.stream(text + "\n")

    def _view(self, run: Run) -> Quiet:
        """Return how much is shown while the run works."""
        args = self._args
        if args.json and not (self._err.live and not sys.stdout.isatty()):
            return Quiet()
        screen = self._err if args.json or self._aside else self._out
        if args.quiet:
            return Quiet()
        if args.verbose:
            return Verbose(screen)
        return (Live if screen.live else Plain)(screen, check=run.check, changes=not self._aside)


def _expected(stack: Shown, run: Run) -> Sequence[tuple[str, float]]:
    """Return how long each task takes on the clock; a history that cannot be read stops nothing."""
    with suppress(HistoryError):
        tasks = stack.history.expected(run.verb, run.check)
        whole = [past.duration for past in stack.history.runs(run.verb, ok=True, check=run.check, limit=LEARNT_FROM)]
        total = sum(seconds for _task, seconds in tasks)
        if total and whole:  # tasks that work side by side take less than their sum
            return [(task, seconds * sum(whole) / len(whole) / total) for task, seconds in tasks]
    return ()
