"""The tables that some playbooks end with: the criteria of a verdict, the versions on each host."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from rich.text import Text

from runs.display import versions
from runs.display.collection import module
from runs.outcome import Outcome
from runs.verdicts import Verdict

CODES = {"green": 32, "red": 31, "yellow": 33, "cyan": 36, "bright blue": 94, "dark gray": 90}


def tables(run: Outcome, width: int) -> Iterator[Text]:
    """Yield the lines of what a run published, as far as it fits."""
    verdict = module("verdict")
    judged = run.published.get("verdict") or {}
    if judged.get("schema") == Verdict.schema and width >= verdict.NARROW:
        yield from _lines(verdict.table({"skipped": []} | judged, width, _paint))
        yield Text("")
    told = run.published.get("versions") or {}
    for host, found in told.get("hosts", told).items():
        if isinstance(found, dict) and found.keys() >= {"releases", "serving", "slots", "lock", "deploys"}:
            yield from _lines(versions.table(host, found, datetime.now(UTC), width, _paint))
            yield Text("")


def _lines(table: str) -> list[Text]:
    return list(Text.from_ansi(table.lstrip("\n")).split("\n", allow_blank=True))


def _paint(text: str, colour: str) -> str:
    return f"\x1b[{CODES.get(colour, 39)}m{text}\x1b[39m"
