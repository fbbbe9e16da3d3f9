"""A burst of requests: workers that fire them, and the figures that come out of it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Request = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Sample:
    """One request: when it ended (seconds from the burst's start), how long it took, and what went wrong."""

    end: float
    seconds: float
    problem: str = ""


async def fire(
    kinds: Sequence[Request], requests: int, concurrency: int, explain: Callable[[BaseException], str]
) -> list[Sample]:
    """Send requests of each kind in turn, `concurrency` at a time; a request fails by raising."""
    samples: list[Sample] = []
    waiting = iter(range(requests))
    beginning = time.perf_counter()

    async def work() -> None:
        for number in waiting:
            start, problem = time.perf_counter(), ""
            try:
                await kinds[number % len(kinds)]()
            except Exception as error:  # counted, not raised: that is what a burst is for
                problem = explain(error)
            end = time.perf_counter()
            samples.append(Sample(end - beginning, end - start, problem))

    await asyncio.gather(*(work() for _ in range(concurrency)))
    return samples


def summarize(samples: Sequence[Sample]) -> dict[str, Any]:
    """Return the burst's figures; seconds are those of all requests, failed ones too."""
    seconds = sorted(sample.seconds for sample in samples)
    problems = Counter(sample.problem for sample in samples if sample.problem)
    return {
        "requests": len(samples),
        "failed": problems.total(),
        "problems": dict(problems.most_common(3)),
        "seconds": max((sample.end for sample in samples), default=0.0),
        "p50": percentile(seconds, 50),
        "p95": percentile(seconds, 95),
        "max": percentile(seconds, 100),
    }


def percentile(ordered: Sequence[float], rank: float) -> float:
    """Return the nearest-rank percentile of ascending values; 0 when there are none."""
    return ordered[max(0, math.ceil(len(ordered) * rank / 100) - 1)] if ordered else 0.0


def fill(arguments: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    """Return a tool's arguments with `{key}` and `{value}` replaced, in nested lists and dictionaries too."""
    return {name: _fill(value, words.items()) for name, value in arguments.items()}


def _fill(value: Any, words: Iterable[tuple[str, str]]) -> Any:
    if isinstance(value, str):
        for word, text in words:
            value = value.replace(f"{{{word}}}", text)
        return value
    if isinstance(value, Mapping):
        return {name: _fill(item, words) for name, item in value.items()}
    return [_fill(item, words) for item in value] if isinstance(value, list) else value
