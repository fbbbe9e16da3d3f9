"""The lines that a run leaves on the screen, and those at its foot that tell what it does now."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from rich.cells import cell_len
from rich.text import Text

from mcp_aws.collection import module
from mcp_aws.display.gather import Note
from mcp_aws.display.state import State, Work
from mcp_aws.plan import CONTROL_NODE
from mcp_aws.text import count

COLOURS = {"change": "yellow", "failed": "red", "unreachable": "red", "ignored": "yellow", "warning": "magenta"}
WIDEST_BAR = 40
NARROW = 60  # columns; below there is no bar
TASKS = 3  # lines for tasks that are at work side by side
HOSTS = 3  # names before it says how many more
SLOW = 2.0  # seconds after which a task's own time is worth a word


def lasting(note: Note, *, check: bool) -> Text:
    """Return the line that stays for something that happened; it may be longer than the screen is wide."""
    if note.kind == "phase":
        return Text(str(module("run.phases").heading(note.text)), style="bold")
    if note.kind == "warning":
        return Text.assemble(("  warning  ", COLOURS["warning"]), note.text)
    word = ("would change" if check else "changed") if note.kind == "change" else note.kind
    what = f"{note.role}: {note.task}" if note.role else note.task
    if note.kind == "change":
        line = f"{what}{_on(note.hosts)}" + (f": {note.text}" if note.text else "")
    else:
        line = f"{_few(note.hosts)}: {what}: {' '.join(note.text.split())}"
    return Text.assemble((f"  {word}  ", COLOURS[note.kind]), line)


def foot(state: State, now: datetime, width: int) -> list[Text]:
    """Return what is at work: each line fits the width, and the number of lines is between two and five."""
    lines = [_clock(state, now, width), *_tasks(state, now, width), _counts(state)]
    for line in lines:
        line.truncate(max(width - 1, 1), overflow="ellipsis")  # a full last column makes some terminals wrap
    return lines


def _clock(state: State, now: datetime, width: int) -> Text:
    """Return the phase, the bar, the time that went by and the time that is left."""
    name = "cancelling" if state.cancelling else state.phase or state.verb
    times = duration((now - state.started).total_seconds())
    left, done = state.progress.left(now), state.progress.fraction(now)
    if left is None or done is None or state.cancelling:
        return Text.assemble((name, "bold"), f"  {times}")
    rest = f"about {duration(left)} left" if left >= 1 else "nearly done"
    percent = f"{done * 100:3.0f} %"
    if width < NARROW:
        short = Text(name, style="bold")
        short.truncate(max(width - 1 - len(f" {percent}, {rest}"), 1), overflow="ellipsis")
        return Text.assemble(short, f" {percent}, {rest}")
    times = f"{percent}  {times}, {rest}"
    room = max(min(width - 1 - cell_len(name) - len(times) - 4, WIDEST_BAR), 0)
    full = round(done * room)
    return Text.assemble((name, "bold"), "  ", ("━" * full, "green"), ("─" * (room - full), "dim"), f"  {times}")


def _tasks(state: State, now: datetime, width: int) -> Iterator[Text]:
    """Yield the tasks at work, or the one that began last where none is."""
    works = state.work or [Work(*state.latest)]
    if not works[0].task:
        yield Text("  starting", style="cyan")
        return
    for work in works[:TASKS]:
        text = f"  {work.role}: {work.task}" if work.role else f"  {work.task}"
        since = min(work.hosts.values(), default=now)
        seconds = (now - since).total_seconds()
        behind = f", {work.retry}" if work.retry else ""
        behind += f", {duration(seconds)}" if seconds >= SLOW else ""
        tail = _on(work.hosts) + behind
        if cell_len(tail) > width // 2:
            tail = f" on {count(len(work.hosts), 'host')}" + behind
        head = Text(text, style="cyan")
        head.truncate(max(width - 1 - cell_len(tail), width // 2), overflow="ellipsis")
        yield Text.assemble(head, (tail, "dim"))
    if len(works) > TASKS:
        yield Text(f"  and {len(works) - TASKS} more", style="dim")


def _counts(state: State) -> Text:
    """Return how many results there were of each kind, and how many of them changed something."""
    counts = state.counts
    parts = [
        (f"{counts['ok']} ok", "green"),
        (f"{counts['changed']} changed", "yellow" if counts["changed"] else "dim"),
    ]
    parts += [(f"{counts[kind]} {kind}", "red") for kind in ("failed", "unreachable") if counts[kind]]
    pieces: list[str | tuple[str, str]] = ["  "]
    for number, part in enumerate(parts):
        pieces += [", ", part] if number else [part]
    return Text.assemble(*pieces)


def _on(hosts: Iterable[str]) -> str:
    """Return ` on mcp-1, mcp-2 and 7 more`; the control node need not be named."""
    names = [host for host in hosts if not host.startswith(CONTROL_NODE)]
    return f" on {_few(names)}" if names else ""


def _few(names: Sequence[str]) -> str:
    more = len(names) - HOSTS
    return ", ".join(names[:HOSTS]) + (f" and {more} more" if more > 0 else "")


def duration(seconds: float) -> str:
    """Return `7 s`, `2:05` minutes or `1:02:05` hours.

    >>> duration(7.4), duration(125), duration(3725)
    ('7 s', '2:05', '1:02:05')
    """
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"
