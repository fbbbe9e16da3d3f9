"""One job, waited for in a thread or under asyncio, and what came of it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from bench.runner.event_log import EventLog
from bench.runner.soak import leftovers
from bench.runner.soak.jobs import Job, Outcome
from bench.runner.soak.stacks import VERB, Stacks
from runner import Run


class Abandoned(Exception):
    """What a program may raise in the middle of a run."""


def conclude(run: Run, outcome: Outcome) -> Outcome:
    """Note what there is of a run that has ended: its events from the first on, its result, what still runs."""
    outcome.left = leftovers.processes(outcome.ident)
    outcome.status = run.status
    event_log = EventLog().took(run)
    outcome.kinds = event_log.steady
    outcome.problems += event_log.problems
    again = Run.read(run.artifacts)
    if again.as_dict() != run.as_dict():
        outcome.problems.append(f"result.json says {again.as_dict()}, the run {run.as_dict()}")
    return outcome


def in_thread(stacks: Stacks, job: Job, runs: list[Run]) -> Outcome:
    """Do a job and wait."""
    outcome = Outcome(job.number)
    try:
        run = stacks.stack(job.stack).start(VERB)
        runs.append(run)
        outcome.ident = run.ident
        began = time.monotonic()
        with suppress(Abandoned), run:
            if job.cut:
                for event in run if job.after else ():
                    if event.number >= job.after:
                        break
                time.sleep(job.delay)
                outcome.early, began = run.done, time.monotonic()
                if job.way == "cancel":
                    run.cancel()
                elif job.way == "abandon":
                    raise Abandoned
            else:
                outcome.problems += EventLog().took(run).problems
                run.join(timeout=120)
        outcome.took = time.monotonic() - began if job.cut else 0.0
        return conclude(run, outcome)
    except Exception as error:
        outcome.problems.append(f"{type(error).__name__}: {error}")
        return outcome
    finally:
        stacks.note()


async def in_task(stacks: Stacks, job: Job, runs: list[Run]) -> Outcome:
    """Do a job and await it."""
    outcome = Outcome(job.number)
    try:
        run = stacks.stack(job.stack).start(VERB)
        runs.append(run)
        outcome.ident = run.ident
        if not job.cut:
            async with run:
                event_log = EventLog()
                async for event in run:
                    event_log.take(event)
                outcome.problems += event_log.problems
                await run
            return conclude(run, outcome)
        began = await _cut(run, job, outcome)
        outcome.took = time.monotonic() - began
        return conclude(run, outcome)
    except Exception as error:
        outcome.problems.append(f"{type(error).__name__}: {error}")
        return outcome
    finally:
        stacks.note()


async def _cut(run: Run, job: Job, outcome: Outcome) -> float:
    """Cancel a run at its point; return when that began."""
    if job.way == "abandon":
        task = asyncio.create_task(_wait(run))
        await _reach(run, job, outcome)
        began = time.monotonic()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return began
    async with run:
        await _reach(run, job, outcome)
        began = time.monotonic()
        if job.way == "cancel":
            await run.cancel(wait=False).ended()
    return began


async def _wait(run: Run) -> None:
    async with run:
        await run


async def _reach(run: Run, job: Job, outcome: Outcome) -> None:
    """Wait for the point at which the run is cancelled."""
    if job.after:
        async for event in run:
            if event.number >= job.after:
                break
    await asyncio.sleep(job.delay)
    outcome.early = run.done
