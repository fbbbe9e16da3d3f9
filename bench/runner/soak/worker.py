"""The program whose threads or tasks start the runs: it reads its jobs as JSON and prints what came of them.

`python -m bench.runner.soak.worker threads|asyncio < jobs`
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from bench.runner.soak import leftovers
from bench.runner.soak.jobs import Job, Outcome
from bench.runner.soak.play import in_task, in_thread
from bench.runner.soak.stacks import Stacks
from runner import Run

TICK, SETTLING = 0.02, 3.0  # seconds


def threads(stacks: Stacks, lanes: list[list[Job]], runs: list[Run]) -> tuple[list[Outcome], float]:
    """Do the jobs of each stack in a thread; return what came of them, and no pause of an event loop."""

    def lane(jobs: list[Job]) -> list[Outcome]:
        return [in_thread(stacks, job, runs) for job in jobs]

    with ThreadPoolExecutor(len(lanes)) as pool:
        return [each for done in pool.map(lane, lanes) for each in done], 0.0


async def tasks(stacks: Stacks, lanes: list[list[Job]], runs: list[Run]) -> tuple[list[Outcome], float]:
    """Do the jobs of each stack in a task; return what came of them, and the loop's longest pause in seconds."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            await asyncio.sleep(TICK)
            longest = max(longest, clock() - began - TICK)

    async def lane(jobs: list[Job]) -> list[Outcome]:
        return [await in_task(stacks, job, runs) for job in jobs]

    ticking = asyncio.create_task(tick())
    done = await asyncio.gather(*map(lane, lanes))
    ticking.cancel()
    return [each for outcomes in done for each in outcomes], longest


def main() -> None:
    """Do what standard input says."""
    said = json.load(sys.stdin)
    stacks = Stacks(Path(said["folder"]), said["stacks"], said["full"])
    lanes: list[list[Job]] = [[] for _ in range(stacks.count)]
    for each in said["jobs"]:
        lanes[each["stack"]].append(Job(**each))
    runs: list[Run] = []  # a program may keep its finished runs: they must hold nothing
    before = leftovers.own()
    if sys.argv[1] == "asyncio":
        outcomes, pause = asyncio.run(tasks(stacks, lanes, runs))
    else:
        outcomes, pause = threads(stacks, lanes, runs)
    left = leftovers.settled(leftovers.own, before, SETTLING)
    print(json.dumps({"outcomes": [asdict(each) for each in outcomes], "left": left, "pause": pause}))


if __name__ == "__main__":
    main()
