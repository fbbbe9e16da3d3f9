"""What a soak came to, as text: pure functions."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.runner.soak.jobs import Job, Outcome, judge
from bench.runner.soak.leftovers import Found

KINDS = ("processes", "zombies", "descriptors", "threads", "locks", "files")
SHOWN = 12


@dataclass(frozen=True)
class Soak:
    """The jobs of one mode and their outcomes; `left` is what there is more than before, `artifacts` counts by stack.

    `pause` is in seconds: the event loop's longest, or a server's slowest answer; 0 where there is neither.
    """

    mode: str
    jobs: Sequence[Job]
    outcomes: Sequence[Outcome]
    expected: Mapping[str, int]
    left: Found = field(default_factory=dict)
    artifacts: Sequence[int] = ()
    keep: int = 0
    pause: float = 0.0
    seconds: float = 0.0

    @property
    def wrong(self) -> list[str]:
        """All that is not as wanted."""
        known = {each.number: each for each in self.outcomes}
        lines = [f"run {job.number} was not done" for job in self.jobs if job.number not in known]
        for job in self.jobs:
            if outcome := known.get(job.number):
                point = f", {job.way} after event {job.after} and {job.delay:.2f} s" if job.cut else ""
                named = f"run {job.number} ({outcome.ident or 'not begun'}{point})"
                lines += [f"{named}: {each}" for each in judge(job, outcome, self.expected)]
        lines += [f"left, {kind}: {each}" for kind, found in self.left.items() for each in found]
        lines += [
            f"a stack has {each} runs' artifacts, limit {self.keep}" for each in self.artifacts if each > self.keep
        ]
        return lines

    @property
    def cancels(self) -> list[float]:
        """How long each cancel took that met a run at work."""
        cut = {job.number for job in self.jobs if job.cut}
        return sorted(each.took for each in self.outcomes if each.number in cut and not each.early and each.ident)


def table(soaks: Sequence[Soak]) -> list[str]:
    """Return a line for each mode, and what is wrong below."""
    head = f"{'mode':<9}{'runs':>5}{'green':>6}{'cancels':>8}{'median':>8}{'most':>7}"
    lines = [head + "".join(f"{kind:>12}" for kind in KINDS) + f"{'artifacts':>11}{'pause':>8}{'took':>8}"]
    for soak in soaks:
        green = sum(1 for each in soak.outcomes if each.status == "successful")
        median, most = (round(each(soak.cancels or [0.0]), 1) for each in (statistics.median, max))
        line = f"{soak.mode:<9}{len(soak.outcomes):>5}{green:>6}{len(soak.cancels):>8}{median:>6} s{most:>5} s"
        line += "".join(f"{len(soak.left.get(kind, [])):>12}" for kind in KINDS)
        lines.append(
            line + f"{max(soak.artifacts, default=0):>8}/{soak.keep}{soak.pause:>6.2f} s{soak.seconds:>6.0f} s"
        )
    for soak in soaks:
        wrong = soak.wrong
        lines += [f"{soak.mode}: {each}" for each in wrong[:SHOWN]]
        lines += [f"{soak.mode}: and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
    return lines
