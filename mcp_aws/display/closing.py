"""The last lines of a run: how it ended, what is wrong, what to do about it, and where the evidence is."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from rich.text import Text

from mcp_aws.display.hints import advice
from mcp_aws.display.lines import duration
from mcp_aws.location import COLLECTION_ROOT
from mcp_aws.outcome import Failure, Outcome
from mcp_aws.text import count

FAILURES = 4  # told in full; the evidence holds all
MESSAGE = 6  # lines of one message
REDS = 8
KEPT = "\u00a0"  # a blank at which no line is broken
HOSTS = 3
STATUS = {
    "successful": "green",
    "failed": "red",
    "canceled": "yellow",
    "timeout": "red",
    "lost": "red",
    "degraded": "yellow",
}
WORDS = {
    "canceled": "It was cancelled. What it did until then stays; the same command goes on from there.",
    "timeout": "Its time was up and it was ended. What it did until then stays; `--timeout` gives it more.",
    "lost": "What watched over it was killed. What it did until then stays; the same command goes on from there.",
}


def degraded(run: Outcome) -> bool:
    """Return whether a run came to its end and only its verdict is red."""
    stats = run.hosts.values()
    failed, lost = sum(host.failed for host in stats), sum(host.unreachable for host in stats)
    return bool(run.red) and run.status in ("successful", "failed") and failed <= 1 and not lost


def closing(run: Outcome, *, inventory: str, width: int, judged: bool = False) -> list[Text]:
    """Return the last lines.

    :param inventory: as it was given on the command line.
    :param judged: whether a table has told what is red.
    """
    lines: list[Text] = []
    word = "degraded" if degraded(run) else run.status
    if word != "degraded":
        lines += _failures(run, inventory, width)
    lines += [] if judged else _reds(run, width)
    lines += _besides(run, width)
    if word in WORDS:
        lines += _wrapped(WORDS[word], width)
    lines.append(Text(headline(run), style=f"bold {STATUS.get(word, 'red')}"))
    if not run.ok:
        lines.append(Text.assemble(("evidence: ", "dim"), str(shortened(run.artifacts))))
    return lines


def headline(run: Outcome) -> str:
    """Return the run in one line, which says so where nothing but its verdict is red."""
    return run.headline.replace(f" {run.status} ", " degraded ", 1) if degraded(run) else run.headline


def phases(begins: dict[str, datetime], end: datetime, width: int) -> list[Text]:
    """Return how long each phase took, given when each began."""
    times = [*begins.values(), end]
    parts = [
        f"{name} {duration((times[number + 1] - begin).total_seconds())}"
        for number, (name, begin) in enumerate(begins.items())
    ]
    joined = ", ".join(part.replace(" ", KEPT) for part in parts)
    return [Text(line.replace(KEPT, " "), style="dim") for line in _broken(joined, width, indent="  ")]


def _failures(run: Outcome, inventory: str, width: int) -> Iterator[Text]:
    """Yield each failure once, however many hosts it has."""
    alike: dict[tuple[str, str], list[Failure]] = {}
    for failure in run.failures:
        alike.setdefault((failure.task, failure.message.replace(failure.host or "\0", "")), []).append(failure)
    previous = ""
    for failures in list(alike.values())[:FAILURES]:
        yield from _failure(failures, width)
        what = advice(failures, run.verb, inventory)
        if what != previous:
            yield from _wrapped(what, width)
            previous = what
        yield Text("")
    if (more := len(alike) - FAILURES) > 0:
        yield Text(f"{count(more, 'more failure')}: see the evidence")


def _failure(failures: list[Failure], width: int) -> Iterator[Text]:
    first = failures[0]
    names = ", ".join(failure.host for failure in failures[:HOSTS])
    if (more := len(failures) - HOSTS) > 0:
        names += f" and {more} more"
    head = ": ".join(filter(None, [names, first.task])) or "before the first task"
    for line in textwrap.wrap(f"✘ {head}", max(width - 1, 20), subsequent_indent="  "):
        yield Text(line, style="bold red")
    message = [part for line in first.message.splitlines() for part in _broken(line, width)]
    if len(message) > MESSAGE:
        half = MESSAGE // 2
        message = [*message[:half], f"  … {count(len(message) - 2 * half, 'more line')}", *message[-half:]]
    yield from map(Text, message)
    if first.file:
        yield Text(f"  {first.file.removeprefix(f'{COLLECTION_ROOT}/')}:{first.line}", style="cyan")


def _besides(run: Outcome, width: int) -> Iterator[Text]:
    """Yield what else there is to know."""
    if run.verdict and not hasattr(run.verdict, "checks"):
        yield from _wrapped(run.verdict.words, width)
    if rescued := sum(host.rescued for host in run.hosts.values()):
        yield Text(f"  {count(rescued, 'failure')} {'was' if rescued == 1 else 'were'} rescued", style="dim")
    if run.ok and not run.hosts:
        yield Text("  no task ran: --limit and --tags left nothing to do", style="yellow")
    if run.check:
        yield Text("  nothing was changed: this was check mode", style="dim")


def _reds(run: Outcome, width: int) -> Iterator[Text]:
    """Yield the checks that are red, each with what to look at."""
    for check in run.red[:REDS]:
        limit = f", limit {check.limit}" if check.limit else ""
        for line in _broken(f"✘ {check.title}: {check.measured}{limit}", width, indent=""):
            yield Text(line, style="red")
        yield from _wrapped(check.hint, width)
    if (more := len(run.red) - REDS) > 0:
        yield Text(f"{count(more, 'more check')} red: see the evidence")


def _wrapped(text: str, width: int) -> Iterable[Text]:
    return (Text(line) for line in _broken(text, width))


def _broken(line: str, width: int, indent: str = "  ") -> list[str]:
    return textwrap.wrap(
        line,
        max(width - 1, 20),
        initial_indent=indent,
        subsequent_indent="  ",
        break_on_hyphens=False,
    )


def shortened(path: Path) -> Path:
    """Return a path with `~` for the user's own directory, so that it can still be pasted into a shell."""
    home = Path.home()
    return "~" / path.relative_to(home) if path.is_relative_to(home) else path
