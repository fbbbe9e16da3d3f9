"""The clients of the application: each asks over HTTP for the runs of one stack."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime

import httpx

from bench.runner.event_log import EventLog
from bench.runner.interleave import CHECKOUT
from bench.runner.soak import leftovers
from bench.runner.soak.jobs import Job, Outcome
from bench.runner.soak.stacks import Stacks
from mcp_aws.events import Event

PATIENCE, SETTLING = 120.0, 3.0


async def lines(response: httpx.Response) -> AsyncIterator[Event]:
    """Yield the events that a response tells of."""
    async for line in response.aiter_lines():
        number, kind, moment, host = json.loads(line)
        yield Event(number, kind, datetime.fromisoformat(moment), host=host)


async def _reach(response: httpx.Response, after: int) -> None:
    if after:
        async for event in lines(response):
            if event.number >= after:
                return


async def _follow(client: httpx.AsyncClient, job: Job, outcome: Outcome) -> float:
    """Start a run that ends with its stream, and hang up when the job says so; return when."""
    async with client.stream("GET", f"/follow/{job.stack}") as response:
        told = response.aiter_lines()
        outcome.ident = json.loads(await anext(told))
        event_log = EventLog()
        async for line in told:
            number, kind, moment, host = json.loads(line)
            if job.cut and number >= job.after:
                break
            event_log.take(Event(number, kind, datetime.fromisoformat(moment), host=host))
        outcome.problems += event_log.problems
        if job.cut:
            await asyncio.sleep(job.delay)
            outcome.early = (await client.get(f"/runs/{outcome.ident}/done")).json()
    return time.monotonic()


async def _start(client: httpx.AsyncClient, job: Job, outcome: Outcome) -> float:
    """Start a run, look at its events, and cancel it when the job says so; return when."""
    outcome.ident = (await client.post(f"/runs/{job.stack}")).raise_for_status().json()
    async with client.stream("GET", f"/runs/{outcome.ident}/events") as response:
        if not job.cut:
            event_log = EventLog()
            async for event in lines(response):
                event_log.take(event)
            outcome.problems += event_log.problems
            return time.monotonic()
        await _reach(response, job.after)
    await asyncio.sleep(job.delay)  # the client has hung up, which must not end this run
    outcome.early = (await client.get(f"/runs/{outcome.ident}/done")).json()
    began = time.monotonic()
    if job.cut:
        (await client.post(f"/runs/{outcome.ident}/cancel")).raise_for_status()
    return began


async def play(stacks: Stacks, client: httpx.AsyncClient, job: Job) -> Outcome:
    """Do a job."""
    outcome = Outcome(job.number)
    follows = job.way == "abandon" or (not job.cut and job.number % 2 == 0)
    try:
        began = await (_follow if follows else _start)(client, job, outcome)
        result = (await client.get(f"/runs/{outcome.ident}")).raise_for_status().json()
        outcome.took = time.monotonic() - began if job.cut else 0.0
        outcome.left = leftovers.processes(outcome.ident)
        outcome.status = result["status"]
        event_log = EventLog()
        async with client.stream("GET", f"/runs/{outcome.ident}/events") as response:
            async for event in lines(response):
                event_log.take(event)
        outcome.kinds = event_log.steady
        outcome.problems += event_log.problems
    except Exception as error:
        outcome.problems.append(f"{type(error).__name__}: {error}")
    finally:
        stacks.note()
    return outcome


async def _serve(stacks: Stacks, url: str, lanes: list[list[Job]]) -> tuple[list[Outcome], leftovers.Found, float]:
    """Do all jobs; return what came of them, what the server's process has left, and its slowest answer in seconds."""
    slowest, over = 0.0, False

    async def ping() -> None:
        nonlocal slowest
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
            while not over:
                began = time.monotonic()
                await client.get("/runs/none/nothing")
                slowest = max(slowest, time.monotonic() - began)
                await asyncio.sleep(0.1)

    async def lane(jobs: list[Job]) -> list[Outcome]:
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
            return [await play(stacks, client, job) for job in jobs]

    async def left() -> leftovers.Found:
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
            found: leftovers.Found = (await client.post("/left")).json()
            return found

    await left()
    async with AsyncExitStack() as stack:
        pinging = asyncio.create_task(ping())
        stack.push_async_callback(asyncio.wait, [pinging])
        done = await asyncio.gather(*map(lane, lanes))
        over = True
    until = time.monotonic() + SETTLING
    while (found := await left()) and time.monotonic() < until:
        await asyncio.sleep(0.1)
    return [each for outcomes in done for each in outcomes], found, slowest


def serve(stacks: Stacks, lanes: list[list[Job]]) -> tuple[list[Outcome], leftovers.Found, float]:
    """Start the server, do all jobs, and end it."""
    command = [sys.executable, "-m", "bench.runner.soak.app", str(stacks.folder), str(stacks.count)]
    server = subprocess.Popen(command, cwd=CHECKOUT, env=stacks.environment, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    try:
        port = int(server.stdout.readline())
        return asyncio.run(_serve(stacks, f"http://127.0.0.1:{port}", lanes))
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()
