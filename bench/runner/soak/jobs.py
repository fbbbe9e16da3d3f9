"""What the soak does and what came of each run: plain values that processes can hand to each other."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bench.runner.event_log import differences

LIMIT = 5.0  # seconds within which a cancelled run and all its processes are gone
WAYS = ("cancel", "leave", "abandon")


@dataclass(frozen=True)
class Job:
    """One run on one stack. `after` is the number of the event after which it is cancelled, -1 for never.

    `delay` is in seconds. `way` is how: `cancel` calls it; `leave` leaves the context manager; `abandon` leaves it too,
    by what the mode has for that: an exception, the task's cancellation, or a client that hangs up.
    """

    number: int
    stack: int
    after: int = -1
    delay: float = 0.0
    way: str = ""

    @property
    def cut(self) -> bool:
        """Whether it is cancelled."""
        return self.after >= 0


@dataclass
class Outcome:
    """What came of a job; `took` is the cancel's seconds, `left` what ran of it right afterwards."""

    number: int
    ident: str = ""
    status: str = ""
    took: float = 0.0
    early: bool = False  # it had ended before its point came
    kinds: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def draw(runs: int, stacks: int, events: int, seed: int) -> list[Job]:
    """Return the jobs: each third one is cancelled, at a point between its first and its last event."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    jobs = []
    for number in range(runs):
        if number % 3 == 1:
            way = WAYS[number // 3 % len(WAYS)]
            jobs.append(Job(number, number % stacks, chance.randrange(events), chance.uniform(0, 0.5), way))
        else:
            jobs.append(Job(number, number % stacks))
    return jobs


def judge(job: Job, outcome: Outcome, expected: Mapping[str, int]) -> Iterator[str]:
    """Say what is wrong with what came of a job."""
    yield from outcome.problems
    # After a job in the background Ansible's own watcher stays for up to five seconds; only a cancel ends it sooner.
    left = [each for each in outcome.left if outcome.status != "successful" or "async_wrapper" not in each]
    yield from (f"left after its end: {each}" for each in left)
    if not job.cut or outcome.early:
        if outcome.status != "successful":
            yield f"it ended `{outcome.status}`, wanted `successful`"
        yield from differences(outcome.kinds, expected)
        return
    # At its very end a run may be quicker than its cancel.
    whole = outcome.status == "successful" and outcome.kinds.get("playbook_on_stats")
    if outcome.status != "canceled" and not whole:
        yield f"it ended `{outcome.status}`, wanted `canceled`"
    if outcome.took > LIMIT:
        yield f"the cancel took {outcome.took:.1f} s, wanted at most {LIMIT:g}"
