"""`python runner.py history`: the history as tables for a person, or as JSON."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from runs.errors import BadInput
from runs.history import History
from runs.history_times import moment_of

if TYPE_CHECKING:
    from runner import Stack

QUESTIONS = {
    "runs": "the last runs",
    "last": "the last green run of each verb",
    "tasks": "the tasks of a verb that take longest",
    "changes": "what changed",
}
PLAIN_WIDTH = 160  # columns where there is no terminal
COUNTED = ("seconds", "changes", "runs", "mean", "longest")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be asked."""
    described = "; ".join(f"{name}: {words}" for name, words in QUESTIONS.items())
    parser.add_argument("question", nargs="?", default="runs", choices=list(QUESTIONS), help=described)
    parser.add_argument("--verb", help="of this verb only; `tasks` takes site where nothing is said")
    parser.add_argument("--since", metavar="TIME", help="2026-11-24, tuesday, yesterday, 12h, 7d")
    parser.add_argument("--until", metavar="TIME", help="as --since; the end of what is looked at")
    parser.add_argument("--number", type=int, default=20, metavar="N", help="rows at most (default: %(default)s)")
    if "--json" not in parser._option_string_actions:
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")


def show(stack: Stack, said: argparse.Namespace) -> int:
    """Answer, and return the exit status."""
    rows = _rows(stack.history, said)
    if said.json:
        print(json.dumps(rows, indent=1, default=str))
    elif not rows:
        print(f"No {'changes' if said.question == 'changes' else 'runs'} are recorded for {said.inventory}.")
    else:
        _print([_readable(row) for row in rows])
    return 0


def _rows(history: History, said: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the answer as plain rows."""
    if said.number < 1:
        raise BadInput(f"--number is {said.number}; give one or more.")
    since, until = (moment_of(text) if text else None for text in (said.since, said.until))
    if said.question == "changes":
        found: Sequence[Any] = history.changes(since or datetime.fromtimestamp(0, UTC), until)[-said.number :]
    elif said.question == "tasks":
        found = history.slowest(said.verb or "site", said.number)
    else:
        found = history.runs(said.verb, since=since, until=until, limit=said.number)
    if said.question == "last":
        verbs = [said.verb] if said.verb else sorted({run.verb for run in history.runs(limit=1000)})
        found = [run for run in map(history.last, verbs) if run]
    return [asdict(one) for one in found]


def _readable(row: dict[str, Any]) -> dict[str, str]:
    """Return the columns that a person wants of a row."""
    if "mean" in row:
        return {"task": row["key"], "runs": str(row["runs"]), "mean": f"{row['mean']:.1f} s"} | {
            "longest": f"{row['longest']:.1f} s"
        }
    began = row["started"].astimezone().strftime("%Y-%m-%d %H:%M")
    if "task" in row:
        what = f"{row['role']}: {row['task']}" if row["role"] else row["task"]
        return {"began": began, "verb": row["verb"], "host": row["host"]} | {
            "change": f"{what}: {row['item']}" if row["item"] else what
        }
    verb = f"{row['verb']} --check" if row["check"] else row["verb"]
    return {"began": began, "verb": verb, "status": "green" if row["ok"] else row["status"]} | {
        "seconds": f"{row['duration']:.1f}",
        "changes": str(row["changed"]),
        "by": row["user"],
        "ident": row["ident"],
    }


def _print(rows: list[dict[str, str]]) -> None:
    """Print a table that fits the terminal; in a pipe it has no colours and no line is cut."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)
    for name in rows[0]:
        table.add_column(name, justify="right" if name in COUNTED else "left", overflow="fold")
    for row in rows:
        style = "" if row.get("status", "green") == "green" else "red"
        table.add_row(*row.values(), style=style)
    console.print(table)
