"""What the measurements say, as text: pure functions."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.runner.event_log import differences, expected, recap
from bench.runner.interleave import Pair, ViaRunner

# How much longer a run may take through the runner; how much memory may grow when there are four times the events; how
# much longer a playbook may take whose events are handled slowly, where turns of one length differ by as much.
SITE, SCALE, GROWTH, LAG = 1.03, 1.10, 1.25, 1.10

Judged = list[tuple[str, bool]]


@dataclass(frozen=True)
class Many:
    """The turns with many hosts: pairs with many tasks, and runs with few, the last of them with a slow handler."""

    hosts: int
    few: int
    many: int
    pairs: Sequence[Pair]
    short: ViaRunner
    slow: ViaRunner
    handler: float


def ratio(pairs: Sequence[Pair]) -> float:
    """Return the median of the pairs' ratios."""
    return statistics.median(driven.seconds / alone.seconds for alone, driven in pairs)


def line(name: str, pairs: Sequence[Pair]) -> str:
    """Return the medians of both sides beside each other, and every pair behind."""
    alone, driven = (statistics.median(each.seconds for each in side) for side in zip(*pairs, strict=True))
    each = "  ".join(f"{one.seconds:.1f}/{other.seconds:.1f}" for one, other in pairs)
    return f"{name:<28}{alone:>9.2f} s{driven:>11.2f} s{ratio(pairs):>8.3f}   {each}"


def table(pairs: Mapping[str, Sequence[Pair]]) -> list[str]:
    """Return the times."""
    return [
        f"{'medians':<28}{'bare':>11}{'the runner':>13}{'ratio':>8}   pairs",
        *(line(name, each) for name, each in pairs.items() if each),
    ]


def memory(many: Many) -> list[str]:
    """Return the peaks of both processes, MiB."""
    most = {f"{many.hosts} hosts by {many.few} tasks": [many.short]}
    most["the same, slow handler"] = [many.slow]
    most[f"{many.hosts} hosts by {many.many} tasks"] = [driven for _, driven in many.pairs]
    lines = [f"{'resident at most, MiB':<28}{'events':>9}{'the library':>13}{'supervisor':>12}{'playbook':>11}"]
    for name, runs in most.items():
        library, supervisor = (max(getattr(run, part) for run in runs) / 1024 for part in ("library", "supervisor"))
        seconds = statistics.median(run.playbook_seconds for run in runs)
        lines.append(f"{name:<28}{runs[0].lines:>9}{library:>13.1f}{supervisor:>12.1f}{seconds:>9.1f} s")
    return lines


def lost(pair: Pair, hosts: int, tasks: int) -> Iterator[str]:
    """Say which events of a run are not accounted for by what there must be, and by the bare run's recap."""
    alone, driven = pair
    yield from driven.problems
    wanted = expected(hosts, tasks)
    yield from differences(driven.kinds, wanted)
    if driven.lines != sum(wanted.values()):
        yield f"lines in events.jsonl: {driven.lines}, wanted {sum(wanted.values())}"
    told = recap(alone.output)
    for name, counted in (("ends of tasks", driven.hosts), ("the run's hosts", driven.recap)):
        yield from (f"{name}: {said} by the bare run's recap" for said in list(differences(counted, told))[:3])
    if len(told) != hosts:
        yield f"the bare run's recap names {len(told)} hosts, wanted {hosts}"


def judge_site(pairs: Sequence[Pair]) -> Judged:
    """Return what was wanted of site, each with whether it was kept."""
    changed = sum(driven.changed for _, driven in pairs)
    return [
        (f"site, the runner/bare: {ratio(pairs):.3f}, wanted under {SITE:g}", ratio(pairs) < SITE),
        (f"site changed {changed} tasks in the measured runs, wanted 0", not changed),
    ]


def judge_many(many: Many) -> Judged:
    """Return what was wanted of many hosts, each with whether it was kept; the events come first."""
    found = [each for pair in many.pairs for each in lost(pair, many.hosts, many.many)]
    for run in (many.short, many.slow):
        found += [*run.problems, *differences(run.kinds, expected(many.hosts, many.few))]
    counted = many.short.lines + many.slow.lines + sum(driven.lines for _, driven in many.pairs)
    said = "".join(f"\n  {each}" for each in found[:6])
    judged = [
        (f"events not accounted for: {len(found)} complaints on {counted} events, wanted 0{said}", not found),
        (f"many hosts, the runner/bare: {ratio(many.pairs):.3f}, wanted under {SCALE:g}", ratio(many.pairs) < SCALE),
    ]
    for part in ("library", "supervisor"):
        before, after = getattr(many.short, part), max(getattr(driven, part) for _, driven in many.pairs)
        grown = after / before if before else float("inf")
        text = f"memory of the {part}, {many.many / many.few:g} times the events: {grown:.2f} times"
        judged.append((f"{text}, wanted at most {GROWTH:g}", grown <= GROWTH))
    longer = many.slow.playbook_seconds / many.short.playbook_seconds
    text = f"a handler that takes {many.slow.lines * many.handler:.0f} s in all: the playbook takes {longer:.2f} times"
    judged.append((f"{text}, wanted at most {LAG:g}", longer <= LAG))
    return judged
