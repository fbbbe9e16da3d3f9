"""`python runner.py history`: the history as tables for a person, or as JSON."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mcp_aws.errors import BadInput
from mcp_aws.history.history import History
from mcp_aws.history.tables import show_table
from mcp_aws.history.times import moment_of
from mcp_aws.text import nearest_or_all

if TYPE_CHECKING:
    from mcp_aws.stack import Stack

QUESTIONS = {
    "runs": "the last runs",
    "last": "the last green run of each verb",
    "tasks": "the tasks of a verb that take longest",
    "changes": "what changed",
    "failures": "what failed",
    "checks": "which success criteria were red",
}
ALL = 1_000_000


@dataclass(frozen=True)
class Asked:
    """What is wanted: a verb or all of them, a time that each end may leave open, and rows at most."""

    verb: str | None
    since: datetime | None
    until: datetime | None
    number: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be asked."""
    described = "; ".join(f"{name}: {words}" for name, words in QUESTIONS.items())
    parser.add_argument("question", nargs="?", default="runs", choices=list(QUESTIONS), help=described)
    parser.add_argument("--verb", help="of this verb only; `tasks` takes site where nothing is said")
    parser.add_argument("--since", metavar="TIME", help="2026-11-24, tuesday, yesterday, 12h, 7d")
    parser.add_argument("--until", metavar="TIME", help="as --since; the end of what is looked at")
    parser.add_argument("--number", type=whole, default=20, metavar="N", help="rows at most (default: %(default)s)")
    if "--json" not in parser._option_string_actions:
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")


def whole(text: str) -> int:
    """Return a whole number."""
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"`{text[:40]}` is no whole number of at most 18 digits")
    return int(text)


def show(stack: Stack, args: argparse.Namespace) -> int:
    """Answer, and return the exit status.

    :raises BadInput: when a time, a number or a verb is none.
    """
    history = stack.history
    asked = _understood(args)
    if asked.verb:
        _judge_verb(asked.verb, {*stack.verbs(), *_verbs(history)})
    rows = [asdict(one) for one in ANSWERS[args.question](history, asked)]
    if args.json:
        print(json.dumps([{name: _plain(value) for name, value in row.items()} for row in rows], indent=1))
    elif not rows:
        print(f"No {NOUNS[args.question]} are recorded for {args.inventory}.")
    else:
        show_table(args.question, rows)
    return 0


def _understood(args: argparse.Namespace) -> Asked:
    if args.number < 1:
        raise BadInput(f"--number is {args.number}; give one or more.")
    since, until = (moment_of(text) if text else None for text in (args.since, args.until))
    if since and until and since >= until:
        raise BadInput(f"--since {args.since} is not before --until {args.until}; exchange them.")
    return Asked(args.verb, since, until, args.number)


def _judge_verb(verb: str, known: set[str]) -> None:
    """Refuse a verb that neither can be run nor ever was."""
    if verb not in known:
        raise BadInput(f"No verb `{verb}`.{nearest_or_all(verb, known)}")


def _verbs(history: History) -> list[str]:
    return sorted({run.verb for run in history.runs(limit=ALL)})


def _runs(history: History, asked: Asked) -> Sequence[Any]:
    return history.runs(asked.verb, since=asked.since, until=asked.until, limit=asked.number)


def _last(history: History, asked: Asked) -> Sequence[Any]:
    verbs = [asked.verb] if asked.verb else _verbs(history)
    green = [history.runs(verb, ok=True, check=False, since=asked.since, until=asked.until, limit=1) for verb in verbs]
    return [run for runs in green for run in runs][: asked.number]


def _tasks(history: History, asked: Asked) -> Sequence[Any]:
    return history.slowest(asked.verb or "site", asked.number)


def _changes(history: History, asked: Asked) -> Sequence[Any]:
    since = asked.since or datetime.fromtimestamp(0, UTC)
    return history.changes(since, asked.until, verb=asked.verb)[-asked.number :]


def _failures(history: History, asked: Asked) -> Sequence[Any]:
    return history.failures(asked.verb, since=asked.since, until=asked.until, limit=asked.number)


def _checks(history: History, asked: Asked) -> Sequence[Any]:
    return history.red_checks(asked.verb, since=asked.since, until=asked.until, limit=asked.number)


ANSWERS: dict[str, Callable[[History, Asked], Sequence[Any]]] = {
    "runs": _runs,
    "last": _last,
    "tasks": _tasks,
    "changes": _changes,
    "failures": _failures,
    "checks": _checks,
}
NOUNS = {
    "runs": "runs",
    "last": "green runs",
    "tasks": "tasks",
    "changes": "changes",
    "failures": "failures",
    "checks": "red checks",
}


def _plain(value: object) -> object:
    """Return a value that JSON takes."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | float) else str(value)
