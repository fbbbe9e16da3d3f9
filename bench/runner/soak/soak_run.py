"""One soak: a folder, the program that starts the runs, and a look at all that is left of them."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread

from bench.runner.interleave import CHECKOUT
from bench.runner.soak import client, leftovers
from bench.runner.soak.jobs import Job, Outcome, draw
from bench.runner.soak.report import Soak
from bench.runner.soak.sshd import Sshd
from bench.runner.soak.stacks import KEEP, Stacks

MODES = ("threads", "asyncio", "fastapi")
# Directories that Ansible makes once for a user and that stay; what is in them must not.
STANDING = {f"home/{name}" for name in (".ansible", ".ansible/tmp", ".ansible/cp", ".ansible_async")} | {"home", "tmp"}
# Artifacts are counted apart; the other is the collection's cache of modules, one for all runs.
CACHES = ("cache", "home/.cache")
EVERY = 15.0  # seconds between two words on how far it is
PATIENCE = 8.0  # seconds; Ansible's watcher of a background job looks only every five whether the job has ended


class WorkerFailed(Exception):
    """The program that starts the runs did not get to its end."""


def soak(mode: str, folder: Path, runs: int, at_once: int, seed: int, sshd: Sshd | None = None) -> Soak:
    """Do that many runs, so many at a time, each lane on a stack of its own, as a stack takes one run at a time."""
    stacks = Stacks(folder, at_once, sshd is not None)
    stacks.build(sshd)
    jobs = draw(runs, at_once, sum(stacks.expected.values()), seed)
    lanes = [[job for job in jobs if job.stack == stack] for stack in range(at_once)]
    began = time.monotonic()
    with _telling(mode, stacks, runs):
        outcomes, left, pause = client.serve(stacks, lanes) if mode == "fastapi" else _work(mode, stacks, jobs)
    seconds = time.monotonic() - began
    left = left | leftovers.settled(lambda: _outside(stacks), {}, PATIENCE)
    artifacts = [len(list(path.iterdir())) for path in (stacks.world / "cache").glob("mcp.aws/*/artifacts")]
    return Soak(mode, jobs, outcomes, stacks.expected, left, artifacts, KEEP, pause, seconds)


@contextmanager
def _telling(mode: str, stacks: Stacks, runs: int) -> Iterator[None]:
    """Print every now and then how many runs are over."""
    ended = Event()

    def tell() -> None:
        while not ended.wait(EVERY):
            print(f"  {mode}: {stacks.over} of {runs} runs are over", flush=True)

    teller = Thread(target=tell)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


def _work(mode: str, stacks: Stacks, jobs: Sequence[Job]) -> tuple[list[Outcome], leftovers.Found, float]:
    """Let a program do the jobs."""
    order = {
        "folder": str(stacks.folder),
        "stacks": stacks.count,
        "full": stacks.full,
        "jobs": [asdict(job) for job in jobs],
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.runner.soak.worker", mode],
        cwd=CHECKOUT,
        env=stacks.environment,
        input=json.dumps(order),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise WorkerFailed(f"{mode}: ended with {done.returncode}: {done.stderr[-3000:]}")
    said = json.loads(done.stdout.splitlines()[-1])
    if done.stderr.strip():  # a warning about what was never awaited or closed is a trace too
        said["left"]["warnings"] = done.stderr.strip().splitlines()[-5:]
    return [Outcome(**each) for each in said["outcomes"]], said["left"], said["pause"]


def _outside(stacks: Stacks) -> leftovers.Found:
    """Return what the world of the runs holds that must not stay."""
    found = [path for path in leftovers.files(stacks.world, *CACHES) if path not in STANDING]
    return {
        "processes": leftovers.processes(str(stacks.world)),
        "locks": leftovers.locks(stacks.world),
        "files": found,
    }
