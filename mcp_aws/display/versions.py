"""What the playbook versions found on a host, as a table."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mcp_aws.collection import module

NARROW, WIDE = 80, 120
IMAGE = 26  # `mcp:<commit>-<fingerprint>`
GOOD, SAME, BAD = "green", "cyan", "red"
COLOURS = {"ok": GOOD, "unchanged": SAME}
PALE = "dark gray"
GAP = "  "

Colour = Callable[[str, str], str]


def table(host: str, found: Mapping[str, Any], now: datetime, width: int = NARROW, colour: Colour | None = None) -> str:
    """Show what a host serves, what it can go back to, who deploys, and what was done last.

    :param found: what `deploy_info` says of it.
    """
    paint = colour or (lambda text, _name: text)
    room = min(max(width, NARROW), WIDE)
    parts = [
        f"{paint(host, 'bright blue')}  {_serves(found, now, paint)}",
        *_indent(_releases(found["releases"], room - 2, paint)),
        "",
        *_indent(_lock(found["lock"], now, room - 2, paint)),
        *_indent(_deploys(found["deploys"], room - 2, paint)),
    ]
    return "\n".join(line.rstrip() for line in parts)


def _serves(found: Mapping[str, Any], now: datetime, paint: Colour) -> str:
    serving = found["serving"]
    known = next((each for each in found["releases"] if each["serving"]), None)
    if not serving["release"]:
        return paint("nothing serves yet", "yellow")
    if known is None:
        return paint(f"slot {serving['slot']} serves {serving['release']}, whose files are missing", BAD)
    age = _duration((now - datetime.fromisoformat(known["served"])).total_seconds()) if known["served"] else ""
    return f"version {known['version']} serves in slot {serving['slot']}" + (f" for {age}" if age else "")


def _releases(releases: Sequence[Mapping[str, Any]], room: int, paint: Colour) -> list[str]:
    if not releases:
        return []
    rows: list[list[object]] = []
    number = 0
    for each in releases:
        number += each["choosable"]
        mark = "▶" if each["serving"] else str(number) if each["choosable"] else "-"
        served = f"since {_when(each['served'])}" if each["serving"] else _when(each["served"]) or "never"
        rows.append([mark, each["version"], each["release"], served, each["image"].rpartition("/")[2]])
    heads, most = ["", "version", "release", "served, UTC", "image"], [1, 24, 21, 22, IMAGE]
    if room < sum(most) + len(GAP) * len(heads):  # a piece of its name tells nothing
        heads, most, rows = heads[:-1], most[:-1], [row[:-1] for row in rows]
    lines = _columns(heads, rows, most, room)
    painted = [paint(lines[0], PALE)]
    for line, each in zip(lines[1:], releases, strict=True):
        painted.append(paint(line, GOOD) if each["serving"] else line if each["choosable"] else paint(line, PALE))
    if number:
        painted += ["", paint("The playbook rollback takes 1, or -e stack_rollback_to=<version or release>.", PALE)]
    return ["", *painted]


def _lock(lock: Mapping[str, Any], now: datetime, room: int, paint: Colour) -> list[str]:
    if not lock:
        return ["No deploy is running."]
    text = lock["damaged"] if "damaged" in lock else f"{module('deploy.log').describe(lock, now)}."
    return [paint(line, "yellow") for line in textwrap.wrap(text, room)]


def _deploys(deploys: Sequence[Mapping[str, Any]], room: int, paint: Colour) -> list[str]:
    """The last deploys, newest first; what did not end well says why below."""
    if not deploys:
        return []
    newest = list(reversed(deploys))
    rows = [
        (
            _when(each.get("started")),
            f"{each.get('verb')} {each.get('version')}",
            _duration(float(each.get("seconds") or 0)),
            each.get("outcome"),
            each.get("who"),
        )
        for each in newest
    ]
    lines = _columns(("began, UTC", "what", "took", "outcome", "who"), rows, (16, 24, 11, 9, 0), room)
    shown = ["", paint(lines[0], PALE)]
    for line, each in zip(lines[1:], newest, strict=True):
        colour = COLOURS.get(str(each.get("outcome")), BAD)
        shown.append(paint(line, colour))
        if colour == BAD and each.get("reason"):
            wrapped = textwrap.wrap(each["reason"], room - 18, max_lines=3, placeholder=" …")
            shown += [paint(" " * 18 + part, PALE) for part in wrapped]
    return shown


def _columns(heads: Sequence[object], rows: Sequence[Sequence[object]], most: Sequence[int], room: int) -> list[str]:
    """Lay rows side by side, each column as wide as it must be; the last one takes what is left.

    :param most: the widest that a column may be; longer texts are cut.
    """
    texts = [[str(cell if cell is not None else "") for cell in row] for row in (heads, *rows)]
    widths = [min(limit, max(len(row[at]) for row in texts)) for at, limit in enumerate(most[:-1])]
    widths.append(max(12, room - sum(widths) - len(GAP) * len(widths)))
    return [
        GAP.join(_cut(cell, width).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in texts
    ]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _when(text: Any) -> str:
    """Return a time as a person reads it; nothing where there is none."""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M}" if text else ""


def _indent(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" if line else "" for line in lines]


def _duration(seconds: float) -> str:
    return str(module("deploy.log").duration(seconds))
