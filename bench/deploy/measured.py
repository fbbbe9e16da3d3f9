"""What was measured, and when versions switched and streams were cut: pure functions, in seconds of one clock."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
    """One command: a `deploy`, a `rollback` or a turn of the `peer`, and the version that it brings; or a `rest`."""

    kind: str
    number: int
    version: str
    began: float
    ended: float

    def __str__(self) -> str:
        """Return it for a person."""
        return f"{self.kind} {self.number}"

    @property
    def seconds(self) -> float:
        """Return how long the command ran."""
        return self.ended - self.began


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


def answered(requests: Iterable[Request]) -> list[float]:
    """Return the seconds of the requests that were answered, ascending."""
    return sorted(request.ended - request.began for request in requests if not request.problem)


def within(requests: Iterable[Request], turns: Iterable[Turn]) -> list[Request]:
    """Return the requests that were open during any of the turns."""
    spans = [(turn.began, turn.ended) for turn in turns]
    return [each for each in requests if any(each.began <= ended and each.ended >= began for began, ended in spans)]


def median(values: Sequence[float]) -> float:
    """Return the median, or infinity of nothing."""
    return statistics.median(values) if values else float("inf")


@dataclass(frozen=True)
class Run:
    """Everything that was measured: the turns, our clients' requests and streams, and the peer's requests."""

    turns: Sequence[Turn]
    requests: Sequence[Request]
    streams: Sequence[Stream]
    opened: int
    peer: Sequence[Request]
    drain: float

    def of(self, *kinds: str) -> list[Turn]:
        """Return the turns of some kinds."""
        return [turn for turn in self.turns if turn.kind in kinds]

    def switches(self, *kinds: str) -> list[tuple[Turn, Switch]]:
        """Return the turns of some kinds whose version answered, and when it began to."""
        heard = self.peer if kinds == ("peer",) else self.requests
        found = [(turn, switch(turn, heard)) for turn in self.of(*kinds)]
        return [(turn, moved) for turn, moved in found if moved]

    def first_answers(self, kind: str) -> list[float]:
        """Return the seconds from each command to the first answer of its version; one that never came is not in it."""
        return [moved.before - turn.began for turn, moved in self.switches(kind)]

    def ends(self, kind: str) -> list[float]:
        """Return the seconds of each command."""
        return [turn.seconds for turn in self.of(kind)]

    def failed(self) -> list[Request]:
        """Return our clients' requests that failed."""
        return [request for request in self.requests if request.problem]

    def cuts(self) -> list[Stream]:
        """Return the streams that were cut."""
        switches = [moved for _, moved in self.switches("deploy", "rollback")]
        return [stream for stream in self.streams if cut(stream, switches, self.drain)]
