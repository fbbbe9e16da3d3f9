"""The verdict of a playbook that judges: one versioned dictionary, and the table that shows it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

SCHEMA = "mcp.aws/verdict/1"
SECTIONS = ("infrastructure", "system", "application", "operations")
MARKS = {True: "✔", False: "✘", None: "-"}
COLOURS = {True: "green", False: "red", None: "yellow"}
NARROW, WIDE = 80, 120
CELL_LINES = 3
SENTENCE_BLANKS = 3  # fewer make a value like `none`, which says nothing about causes
# All but line breaks and tabs, which wrapping makes blanks of; marks that turn the direction of writing, too.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]")
FIELDS = ("id", "section", "title", "ok", "measured", "limit", "hint")

Colour = Callable[[str, str], str]


def make(
    kind: str,
    name: str,
    checks: Iterable[Mapping[str, Any]],
    started: str,
    finished: str,
    sections: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the verdict over checks.

    :param checks: each with the keys of `FIELDS`, or with `skipped` (a reason) instead of `ok` and `measured`.
    :param started: ISO 8601, as `finished`.
    :param sections: sections that must hold at least one check; an empty one is red.
    :raises ValueError: a check lacks a key.
    """
    everything = [dict(check) for check in checks]
    everything.sort(key=_place)
    measured = [_complete(check) for check in everything if "skipped" not in check]
    skipped = [check for check in everything if "skipped" in check]
    present = {check["section"] for check in measured}
    judged = measured + [_nothing_measured(section) for section in sections if section not in present]
    return {
        "schema": SCHEMA,
        "kind": kind,
        "name": name,
        "ok": bool(judged) and all(check["ok"] for check in judged),
        "started": started,
        "finished": finished,
        "checks": judged,
        "skipped": skipped,
    }


def _place(check: Mapping[str, Any]) -> int:
    """Return where a check's section stands; unknown sections come last."""
    return SECTIONS.index(check["section"]) if check.get("section") in SECTIONS else len(SECTIONS)


def _complete(check: dict[str, Any]) -> dict[str, Any]:
    missing = [field for field in FIELDS if field not in check]
    if missing:
        raise ValueError(f"Check {check.get('id', check)} lacks {', '.join(missing)}.")
    if not isinstance(check["ok"], bool):
        raise ValueError(f"Check {check['id']}: ok is {check['ok']!r}, which is neither true nor false.")
    return check


def _nothing_measured(section: str) -> dict[str, Any]:
    return {
        "id": f"{section}_measured",
        "section": section,
        "title": "Anything measured",
        "ok": False,
        "measured": "no check ran",
        "limit": "at least one",
        "hint": "Does the inventory know a host? `ansible-inventory --graph` shows what it found by tag.",
    }


def red(verdict: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the checks that are red."""
    return [check for check in verdict["checks"] if not check["ok"]]


def summary(verdict: Mapping[str, Any]) -> str:
    """Say the result in one line."""
    checks, skipped = verdict["checks"], verdict["skipped"]
    line = f"{verdict['kind']} {verdict['name']}: {len(checks) - len(red(verdict))} of {len(checks)} green"
    return line + (f", {len(skipped)} not measured" if skipped else "")


def table(verdict: Mapping[str, Any], width: int = NARROW, colour: Colour | None = None) -> str:
    """Show the verdict as a table by section, red checks again below it with what to look at.

    :param width: columns of the terminal; the table uses between 80 and 120 of them.
    :param colour: paints text in a named colour; none leaves it as it is.
    """
    paint = colour or (lambda text, _name: text)
    verdict = _printable(verdict)
    several = _hosts(verdict) > 1
    room = _room(width)
    columns = (room * 36 // 100, room * 40 // 100, room - room * 36 // 100 - room * 40 // 100)
    lines: list[str] = []
    everything = [*verdict["checks"], *verdict["skipped"]]
    for section in dict.fromkeys(check["section"] for check in everything):
        lines += ["", paint(section, "bright blue")]
        for check in (c for c in everything if c["section"] == section):
            state = None if "skipped" in check else check["ok"]
            measured = check["skipped"] if state is None else check["measured"]
            cells = _row((_title(check, several), measured, check["limit"]), columns)
            mark = paint(MARKS[state], COLOURS[state])
            lines += [f"  {mark} {cells[0]}", *(f"    {cell}" for cell in cells[1:])]
    return "\n".join(line.rstrip() for line in [*lines, "", closing(verdict, width, colour)])


def closing(verdict: Mapping[str, Any], width: int = NARROW, colour: Colour | None = None) -> str:
    """Say the result in one line, and below it what is red and what to look at; the rest is as in `table`."""
    paint = colour or (lambda text, _name: text)
    verdict = _printable(verdict)
    several, room = _hosts(verdict) > 1, _room(width)
    lines = [paint(summary(verdict), COLOURS[verdict["ok"]])]
    for checks in _by_cause(red(verdict)):
        trouble = f"{', '.join(_title(check, several) for check in checks)}: {checks[0]['measured']}"
        lines += ["", *(paint(line, "red") for line in textwrap.wrap(f"{MARKS[False]} {trouble}", room))]
        lines += textwrap.wrap(checks[0]["hint"], room, initial_indent="  ", subsequent_indent="  ")
    return "\n".join(lines)


def _printable(value: Any) -> Any:
    """Return a value whose texts cannot move a terminal's cursor or colour it: a host says what was measured."""
    if isinstance(value, str):
        return CONTROLS.sub(" ", value)
    if isinstance(value, Mapping):
        return {name: _printable(one) for name, one in value.items()}
    return [_printable(one) for one in value] if isinstance(value, list | tuple) else value


def _room(width: int) -> int:
    """Return the columns for text: without marks and the blanks between cells."""
    return min(max(width, NARROW), WIDE) - len("  ✔ ") - 2 * len("  ")


def _by_cause(checks: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Put checks together that failed with the same sentence: an unreachable host is one trouble, not twenty."""
    causes: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for check in checks:
        sentence = check["measured"].count(" ") >= SENTENCE_BLANKS
        causes.setdefault((check["measured"], "" if sentence else check["id"]), []).append(check)
    return list(causes.values())


def _hosts(verdict: Mapping[str, Any]) -> int:
    return len({check["host"] for check in verdict["checks"] if check.get("host")})


def _title(check: Mapping[str, Any], several: bool) -> str:
    return f"{check['title']} [{check['host']}]" if several and check.get("host") else str(check["title"])


def _row(texts: Sequence[object], widths: Sequence[int]) -> list[str]:
    """Lay texts side by side in columns; what does not fit goes on below, and ends after a few lines."""
    cells = [
        textwrap.wrap(str(text), width, max_lines=CELL_LINES, placeholder=" …") or [""]
        for text, width in zip(texts, widths, strict=True)
    ]
    height = max(map(len, cells))
    padded = [
        [line.ljust(width) for line in cell + [""] * (height - len(cell))]
        for cell, width in zip(cells, widths, strict=True)
    ]
    return ["  ".join(lines)[: sum(widths) + 4].rstrip() for lines in zip(*padded, strict=True)]
