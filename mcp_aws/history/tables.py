"""The tables of `python runner.py history`: what a person wants of each row, at 80 columns or in a pipe."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mcp_aws.outcome import COLOUR
from mcp_aws.text import safe

PLAIN_WIDTH = 10_000  # columns in a pipe, where no line may be cut
COUNTED = ("seconds", "changes", "runs", "mean", "longest")
Row = Mapping[str, Any]


def show_table(question: str, rows: Sequence[Row]) -> None:
    """Print rows as a table that fits the terminal; in a pipe there are no colours, no rules, and a row is a line."""
    console = Console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
        table = Table(box=None, pad_edge=False)
    shown = [COLUMNS[question](row) for row in rows]
    for name in shown[0]:
        table.add_column(name, justify="right" if name in COUNTED else "left", overflow="fold")
    for row in shown:
        style = "" if row.get("status", "green") == "green" else "red"
        cells = [safe(COLOUR.sub("", cell)) for cell in row.values()]  # a message may bring its own
        lines = cells if console.is_terminal else [" ".join(cell.split()) for cell in cells]
        table.add_row(*map(Text, lines), style=style)  # a name in brackets is no markup
    console.print(table)


def _run(row: Row) -> dict[str, str]:
    verb = f"{row['verb']} --check" if row["check"] else row["verb"]
    return _began(row) | {
        "verb": verb,
        "status": "green" if row["ok"] else "red" if row["status"] == "successful" else row["status"],
        "seconds": f"{row['duration']:.1f}",
        "changes": str(row["changed"]),
        "by": row["user"],
        "run": _short(row),
    }


def _task(row: Row) -> dict[str, str]:
    return {
        "task": row["key"],
        "runs": str(row["runs"]),
        "mean": f"{row['mean']:.1f} s",
        "longest": f"{row['longest']:.1f} s",
    }


def _change(row: Row) -> dict[str, str]:
    return _of(row) | {"change": ": ".join(filter(None, (row["role"], row["task"], row["item"])))}


def _failure(row: Row) -> dict[str, str]:
    first = row["message"].strip().partition("\n")[0]
    return _of(row) | {"failure": ": ".join(filter(None, (row["task"], first)))}


def _check(row: Row) -> dict[str, str]:
    return _of(row) | {"criterion": row["check"], "measured": row["measured"], "limit": row["limit"]}


COLUMNS: dict[str, Callable[[Row], dict[str, str]]] = {
    "runs": _run,
    "last": _run,
    "tasks": _task,
    "changes": _change,
    "failures": _failure,
    "checks": _check,
}


def _began(row: Row) -> dict[str, str]:
    return {"began": row["started"].astimezone().strftime("%Y-%m-%d %H:%M")}


def _of(row: Row) -> dict[str, str]:
    return _began(row) | {"verb": row["verb"], "host": row["host"]}


def _short(row: Row) -> str:
    """Return the end of a run's ident, which tells it from the others; the whole would fill half of the line."""
    return str(row["ident"]).rpartition("-")[2]
