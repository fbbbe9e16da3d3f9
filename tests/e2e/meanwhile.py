"""What goes on while a test does something else: a playbook that runs, a client that asks at the door."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

import httpx

from tests.e2e.conftest import ENVIRONMENT, PLAYBOOK, ROOT, Server


@contextmanager
def beginning(playbook: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a playbook. What still runs of it at the end is killed, as if the control node had lost its power."""
    with subprocess.Popen(
        [*PLAYBOOK, playbook, *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as run:
        try:
            yield run
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)


@dataclass
class Answers:
    """What a client got, and when."""

    good: list[tuple[float, str]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def first(self, text: str, since: float) -> float:
        """Seconds until the first answer that holds a text; endless when there was none."""
        return min((moment - since for moment, said in self.good if moment > since and text in said), default=1e9)


@contextmanager
def asking(server: Server) -> Iterator[Answers]:
    """A client that asks at the door twenty times a second, each time over a connection of its own."""
    answers, over = Answers(), Event()

    def ask() -> None:
        with httpx.Client(timeout=10, limits=httpx.Limits(max_keepalive_connections=0)) as client:
            while not over.wait(0.05):
                began = time.monotonic()
                try:
                    answer = client.get(f"{server.url}/ready")
                    if answer.status_code == 200:
                        answers.good.append((time.monotonic(), answer.text))
                        continue
                    problem = f"HTTP {answer.status_code} {answer.text[:200]}"
                except httpx.HTTPError as error:
                    problem = repr(error)
                answers.failed.append(f"{problem} after {time.monotonic() - began:.2f} s")

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        try:
            yield answers
        finally:
            over.set()
    asked.result()
