"""What the measurements say, as text: pure functions over requests, streams and turns, in seconds of one clock."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.mcp.aws.plugins.module_utils.mcp_probe_burst import percentile

# What a deploy may take of Compose's time, and the seconds until a rollback's first answer.
RATIO, BACK = 2.0, 10.0
SHOWN = 12
# Seconds after a command in which its version may give its first answer.
SLACK = 3.0


@dataclass(frozen=True)
class Request:
    """One request: its moments, which version answered where the answer says so, and what went wrong."""

    began: float
    ended: float
    kind: str
    version: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Stream:
    """An event stream or WebSocket that ended: when it was open, when no more, and how it ended."""

    kind: str
    opened: float
    ended: float
    how: str


@dataclass(frozen=True)
class Turn:
    """One command: a `deploy`, a `rollback` or a turn of the `peer`, and the version that it brings."""

    kind: str
    number: int
    version: str
    began: float
    ended: float

    def __str__(self) -> str:
        """Return it for a person."""
        return f"{self.kind} {self.number}"


@dataclass(frozen=True)
class Switch:
    """When a version began to answer: after the one moment, and before the other."""

    after: float
    before: float


def switch(turn: Turn, requests: Iterable[Request]) -> Switch | None:
    """Return when a turn's version began to answer; none where it never did."""
    during = [request for request in requests if request.version and turn.began <= request.began <= turn.ended + SLACK]
    new = [request for request in during if request.version == turn.version]
    if not new:
        return None
    first = min(new, key=lambda request: request.ended)
    # Answers overtake each other, so the last old one counts where it began before the first new one had ended.
    old = [request.began for request in during if request.version != turn.version and request.began < first.ended]
    return Switch(max(old, default=turn.began), first.ended)


def cut(stream: Stream, switches: Sequence[Switch], drain: float) -> bool:
    """Say whether a stream ended before its slot's drain deadline; `switches` are in order, `drain` seconds."""
    away = next((each for each in switches if each.before > stream.opened), None)
    return away is None or stream.ended < away.after + drain


def seconds(requests: Iterable[Request]) -> list[float]:
    """Return the seconds of the requests that were answered, ascending."""
    return sorted(request.ended - request.began for request in requests if not request.problem)


def within(requests: Iterable[Request], turns: Iterable[Turn]) -> list[Request]:
    """Return the requests that were open during any of the turns."""
    spans = [(turn.began, turn.ended) for turn in turns]
    return [each for each in requests if any(each.began <= ended and each.ended >= began for began, ended in spans)]


def where(moment: float, turns: Iterable[Turn]) -> str:
    """Say in which turn a moment lies, and how far into it."""
    for turn in turns:
        if turn.began <= moment <= turn.ended:
            return f"{turn} +{moment - turn.began:.1f} s"
    return "between the turns"


@dataclass(frozen=True)
class Run:
    """Everything that was measured: the turns, our clients' requests and streams, the peer's requests."""

    turns: Sequence[Turn]
    requests: Sequence[Request]
    streams: Sequence[Stream]
    peer: Sequence[Request]
    drain: float
    opened: int

    def of(self, *kinds: str) -> list[Turn]:
        """Return the turns of some kinds."""
        return [turn for turn in self.turns if turn.kind in kinds]

    def first_answers(self, kind: str) -> list[float]:
        """Return the seconds from each command to the first answer of its version; one that never came is not in it."""
        heard = self.peer if kind == "peer" else self.requests
        found = [(turn, switch(turn, heard)) for turn in self.of(kind)]
        return [moved.before - turn.began for turn, moved in found if moved]

    def ends(self, kind: str) -> list[float]:
        """Return the seconds of each command."""
        return [turn.ended - turn.began for turn in self.of(kind)]

    def failed(self) -> list[Request]:
        """Return the requests that failed."""
        return [request for request in self.requests if request.problem]

    def cuts(self) -> list[Stream]:
        """Return the streams that were cut."""
        moved = [switch(turn, self.requests) for turn in self.of("deploy", "rollback")]
        switches = [each for each in moved if each]
        return [stream for stream in self.streams if cut(stream, switches, self.drain)]


def median(values: Sequence[float]) -> float:
    """Return the median, or infinity of nothing."""
    return statistics.median(values) if values else float("inf")


def troubles(run: Run) -> Iterator[str]:
    """Name each failed request and each stream that was cut: when, what, and why."""
    lines = [(each.began, f"failed: {each.kind}: {each.problem}") for each in run.failed()]
    lines += [
        (each.ended, f"cut: {each.kind}, open for {each.ended - each.opened:.1f} s: {each.how}") for each in run.cuts()
    ]
    for moment, said in sorted(lines)[:SHOWN]:
        yield f"  {where(moment, run.turns)}: {said}"
    if len(lines) > SHOWN:
        yield f"  and {len(lines) - SHOWN} more"


def table(run: Run) -> list[str]:
    """Return the medians of the commands beside each other with each turn behind, then what clients met."""
    lines = ["", f"{'medians':<12}{'new version answers':>20}{'command ends':>14}   each until it answers"]
    for kind in ("deploy", "peer", "rollback"):
        answers, ends = run.first_answers(kind), run.ends(kind)
        each = " ".join(f"{value:.1f}" for value in answers)
        lines.append(f"{kind:<12}{median(answers):>18.2f} s{median(ends):>12.2f} s   {each}")
    lines += ["", f"{'our clients':<22}{'requests':>9}{'failed':>8}{'median':>10}{'p99':>10}{'most':>10}"]
    ours = run.of("deploy", "rollback")
    rows: dict[str, Sequence[Request]]
    rows = {"at rest": within(run.requests, run.of("rest")), "while deploying": within(run.requests, run.of("deploy"))}
    rows |= {"while rolling back": within(run.requests, run.of("rollback"))}
    rows |= {"during Compose's": within(run.requests, run.of("peer")), "the whole run": run.requests}
    for name, requests in rows.items():
        ordered = seconds(requests)
        figures = "".join(f"{percentile(ordered, rank) * 1000:>7.0f} ms" for rank in (50, 99, 100))
        failed = sum(1 for request in requests if request.problem)
        lines.append(f"{name:<22}{len(requests):>9}{failed:>8}{figures}")
    ways = Counter(stream.how for stream in run.streams)
    lines.append(
        f"event streams and WebSockets: {run.opened} opened, {len(ours)} switches, {len(run.streams)} ended, of them"
    )
    lines.append(f"  {len(run.cuts())} cut before the deadline of {run.drain:g} s: {dict(ways.most_common(4))}")
    lost = [request for request in within(run.peer, run.of("peer")) if request.problem]
    lines.append(
        f"Compose's own clients in its turns: {len(lost)} of {len(within(run.peer, run.of('peer')))} requests failed"
    )
    return lines


def judgment(run: Run, deploys: int) -> list[tuple[str, bool]]:
    """Return what was wanted, each with whether it was kept."""
    answers, peer, back = (run.first_answers(kind) for kind in ("deploy", "peer", "rollback"))
    ratio, slowest = median(answers) / median(peer), max(back, default=float("inf"))
    came = len(answers) == deploys and len(back) == len(run.of("rollback"))
    return [
        (f"each version answers: {len(answers)} of {deploys} deploys, {len(back)} rollbacks", came),
        (f"failed requests: {len(run.failed())}, wanted 0", not run.failed()),
        (f"streams cut before the deadline: {len(run.cuts())}, wanted 0", not run.cuts()),
        (f"deploy/Compose until the new version answers: {ratio:.2f}, wanted at most {RATIO:g}", ratio <= RATIO),
        (f"slowest rollback until the old version answers: {slowest:.1f} s, wanted under {BACK:g}", slowest < BACK),
    ]
