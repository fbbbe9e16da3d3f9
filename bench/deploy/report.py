"""What the measurements say, as text: pure functions."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ansible_collections.mcp.aws.plugins.module_utils.mcp.load import percentile

from bench.deploy.measured import Request, Run, Turn, answered, median, within

# What a deploy may take of Compose's time, and the seconds until a rollback's first answer.
RATIO, BACK = 2.0, 10.0
TROUBLES = 12
ROWS = {"at rest": "rest", "while deploying": "deploy", "while rolling back": "rollback", "during Compose's": "peer"}


def where(moment: float, turns: Iterable[Turn]) -> str:
    """Say in which turn a moment lies, and how far into it."""
    for turn in turns:
        if turn.began <= moment <= turn.ended:
            return f"{turn} +{moment - turn.began:.1f} s"
    return "between the turns"


def troubles(run: Run) -> Iterator[str]:
    """Name each failed request and each stream that was cut: when, what, and why."""
    lines = [(each.began, f"failed: {each.kind}: {each.problem}") for each in run.failed()]
    for stream in run.cuts():
        open_for = stream.ended - stream.opened
        lines.append((stream.ended, f"cut: {stream.kind}, open for {open_for:.1f} s: {stream.how}"))
    for moment, said in sorted(lines)[:TROUBLES]:
        yield f"  {where(moment, run.turns)}: {said}"
    if len(lines) > TROUBLES:
        yield f"  and {len(lines) - TROUBLES} more"


def commands(run: Run) -> Iterator[str]:
    """Return the medians of the commands beside each other, and each turn behind."""
    yield f"{'medians':<12}{'new version answers':>20}{'command ends':>14}   each until it answers"
    for kind in ("deploy", "peer", "rollback"):
        first, ends = run.first_answers(kind), run.ends(kind)
        each = " ".join(f"{value:.1f}" for value in first)
        yield f"{kind:<12}{median(first):>18.2f} s{median(ends):>12.2f} s   {each}"
    answers, whole = (median(each("deploy")) / median(each("peer")) for each in (run.first_answers, run.ends))
    yield f"deploy/Compose: first answers {answers:.2f}, commands {whole:.2f} with our {run.drain:g} s for streams"


def line(name: str, requests: Iterable[Request]) -> str:
    """Return the figures of some requests; a request that failed has no time."""
    known = list(requests)
    seconds = answered(known)
    figures = "".join(f"{percentile(seconds, rank) * 1000:>7.0f} ms" for rank in (50, 99, 100))
    return f"{name:<22}{len(known):>9}{len(known) - len(seconds):>8}{figures}"


def clients(run: Run) -> Iterator[str]:
    """Return what our clients met, and the peer's."""
    yield f"{'our clients':<22}{'requests':>9}{'failed':>8}{'median':>10}{'p99':>10}{'most':>10}"
    for name, kind in ROWS.items():
        yield line(name, within(run.requests, run.of(kind)))
    yield line("the whole run", run.requests)
    yield line("Compose's, its turns", within(run.peer, run.of("peer")))
    ways = ", ".join(f"{how}: {number}" for how, number in Counter(each.how for each in run.streams).most_common(4))
    yield f"event streams and WebSockets: {run.opened} opened, {len(run.streams)} ended ({ways})"


def table(run: Run) -> list[str]:
    """Return all that was measured."""
    return ["", *commands(run), "", *clients(run), *troubles(run), ""]


def judgment(run: Run, deploys: int) -> list[tuple[str, bool]]:
    """Return what was wanted, each with whether it was kept.

    A deploy is done when the new version answers, which it may only once it is healthy and past the smoke test.
    Compose's is done when `--wait` says that the new version is healthy; it answers before,
    at the end of the gap that it leaves.
    """
    first, peer, back = run.first_answers("deploy"), run.ends("peer"), run.first_answers("rollback")
    ratio, slowest = median(first) / median(peer), max(back, default=float("inf"))
    came = len(first) == deploys == len(peer) and len(back) == len(run.of("rollback"))
    return [
        (f"each version answers: {len(first)} of {deploys} deploys, {len(back)} rollbacks", came),
        (f"failed requests: {len(run.failed())}, wanted 0", not run.failed()),
        (f"streams cut before the deadline: {len(run.cuts())}, wanted 0", not run.cuts()),
        (f"deploy until it answers/Compose until healthy: {ratio:.2f}, wanted at most {RATIO:g}", ratio <= RATIO),
        (f"slowest rollback until the old version answers: {slowest:.1f} s, wanted under {BACK:g}", slowest < BACK),
    ]
