"""The one noun: a run, whether it is waited for, followed, awaited or read from its artifacts."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from mcp_aws.changes import Change
from mcp_aws.errors import error_of
from mcp_aws.events import FILE, Event, Tail
from mcp_aws.follower import Follower
from mcp_aws.outcome import COLOUR, Failure, HostStats, Outcome
from mcp_aws.request import RunRequest
from mcp_aws.verdicts import AnyVerdict

PAUSE = 0.05  # seconds between two looks at a file that grows


class Run:
    """One run of one playbook.

    It may be unfinished: then its parts say what is known so far, iterating gives its events as they come, `join` waits
    for its end, `await` does so under asyncio and raises when it is not green, and leaving it as a context manager
    cancels it.
    """

    def __init__(self, outcome: Outcome, follower: Follower | None = None) -> None:
        self._outcome = outcome
        self._follower = follower

    @classmethod
    def begin(cls, request: RunRequest, on_event: Callable[[Event], object] | None = None) -> Run:
        """Start what is ordered; `Stack.start` is how a program comes to it."""
        follower = Follower(request, on_event)
        return cls(follower.look(), follower)

    @classmethod
    def read(cls, artifacts: Path | str) -> Run:
        """Return a finished run, given the directory of its artifacts.

        :raises FileNotFoundError: when there is no result.
        :raises BadInput: when the file is no result of a run, or one of another schema.
        """
        return cls(Outcome.read(Path(artifacts)))

    @property
    def outcome(self) -> Outcome:
        """All that is known now, as one frozen value."""
        if not (follower := self._follower):
            return self._outcome
        seen = follower.look()
        if seen.status != "running":  # what is over is the same for every thread; what is not may be old by now
            self._outcome = seen
        return seen

    @property
    def verb(self) -> str:
        """The name of the playbook."""
        return self._outcome.verb

    @property
    def ident(self) -> str:
        """What tells this run from all others, for example `20261126T201500-site-ab12cd`."""
        return self._outcome.ident

    @property
    def artifacts(self) -> Path:
        """The directory of the output (`stdout`), all events (`events.jsonl`) and the result (`result.json`)."""
        return self._outcome.artifacts

    @property
    def check(self) -> bool:
        """Whether it runs in check mode and changes nothing."""
        return self._outcome.check

    @property
    def started(self) -> datetime:
        """When it began, in UTC."""
        return self._outcome.started

    @property
    def status(self) -> str:
        """`running`, `successful`, `failed`, `canceled`, `timeout`, or `lost` when what watched over it was killed."""
        return self.outcome.status

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        follower = self._follower
        return not (follower and follower.running) and self.outcome.status != "running"

    @property
    def rc(self) -> int:
        """The exit status of ansible-playbook; -1 while it runs, or when it was killed."""
        return self.outcome.rc

    @property
    def ok(self) -> bool:
        """Whether it ended, every task succeeded and, where the playbook judges, its verdict is green."""
        return self.outcome.ok

    @property
    def changed(self) -> int:
        """The number of tasks that changed something, over all hosts."""
        return self.outcome.changed

    @property
    def duration(self) -> float:
        """Seconds from its begin to its end, or so far."""
        return self.outcome.duration

    @property
    def hosts(self) -> Mapping[str, HostStats]:
        """How many tasks ended which way, by host."""
        return self.outcome.hosts

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The tasks that failed and were not rescued."""
        return self.outcome.failures

    @property
    def verdict(self) -> AnyVerdict | None:
        """What the playbook found and published, as the type of its kind; None where it publishes nothing."""
        return self.outcome.verdict

    @property
    def verdicts(self) -> Mapping[str, AnyVerdict]:
        """What each playbook that took part found, by its kind: `site` has those of `provision`, `deploy` and more."""
        return self.outcome.verdicts

    @property
    def published(self) -> Mapping[str, Any]:
        """All that the playbook published by `set_stats`, as it came."""
        return self.outcome.published

    @property
    def changes(self) -> tuple[Change, ...]:
        """What it changed, or in check mode would change, in its order."""
        return self.outcome.changes

    @property
    def unpredicted(self) -> tuple[str, ...]:
        """In check mode: sentences on what only a real run can tell."""
        return self.outcome.unpredicted

    @property
    def headline(self) -> str:
        """The run in one line, for example `site green in 52.3 s: 3 changes on 2 hosts, 31 of 31 checks green`."""
        return self.outcome.headline

    def tail(self, lines: int = 20) -> str:
        """Return the last lines of the output, without colours."""
        return "\n".join(self.output().splitlines()[-lines:])

    def output(self) -> str:
        """Return all that Ansible printed until now, without colours."""
        path = self.artifacts / "stdout"
        return COLOUR.sub("", path.read_text("utf-8", errors="replace")) if path.exists() else ""

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain values that JSON takes: times in ISO 8601, paths as text."""
        return self.outcome.as_dict()

    def __iter__(self) -> Iterator[Event]:
        """Yield every event from the first on, waiting for those to come; each iteration is independent."""
        return self.events()

    def events(self, pause: Callable[[float], object] | None = None) -> Iterator[Event]:
        """Yield every event from the first on; `pause` is called with seconds when there is nothing new."""
        tail = Tail(self.artifacts / FILE)
        ended = False
        while not ended:
            ended = self.done  # before the last look, so that nothing slips in between
            yield from map(Event.of, tail.raw())
            if not ended:
                (pause or self._pause)(PAUSE)

    def _pause(self, seconds: float) -> None:
        if follower := self._follower:
            follower.wait(seconds)

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Yield every event from the first on without holding up the event loop."""
        tail = Tail(self.artifacts / FILE)
        ended = False
        while not ended:
            ended = self.done
            for raw in tail.raw():
                yield Event.of(raw)
                await asyncio.sleep(0)
            if not ended:
                await asyncio.sleep(PAUSE)

    def join(self, timeout: float | None = None) -> Run:
        """Wait for its end, and until its `on_event` has taken the last event; return the run.

        :raises TimeoutError: when that takes more than `timeout` seconds; the run goes on.
        :raises ArtifactsError: when its artifacts could not be kept, as on a full disk.
        """
        if follower := self._follower:
            follower.join(timeout)
            self._let_go()
        return self

    def cancel(self, *, wait: bool = True) -> Run:
        """End the run and every process of it, within five seconds; a finished one stays as it is.

        :param wait: return when that is done; otherwise `join` or `ended` tells.
        """
        if follower := self._follower:
            follower.cancel()
        return self.join() if wait else self

    def raise_if_failed(self) -> Run:
        """Return the run.

        :raises RunFailed: when it has not ended green; one that has not ended has not.
        :raises Unplayable: when Ansible refused the playbook or the inventory.
        """
        if not self.ok:
            raise error_of(self)
        return self

    def __await__(self) -> Generator[Any, None, Run]:
        return self._green().__await__()

    async def _green(self) -> Run:
        return (await self.ended()).raise_if_failed()

    async def ended(self) -> Run:
        """Wait for its end as `join` does, without holding up the event loop; return the run, however it ended.

        :raises ArtifactsError: when its artifacts could not be kept.
        """
        if follower := self._follower:
            await follower.ended()
            self._let_go()
        return self

    def _let_go(self) -> None:
        """Keep what came of it, and nothing else."""
        _ = self.outcome
        if follower := self._follower:
            follower.close()
            self._follower = None

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.done:
            self.cancel()

    async def __aenter__(self) -> Run:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.done:
            self.cancel(wait=False)
            await asyncio.shield(self.ended())

    def __str__(self) -> str:
        return str(self.outcome)

    def __repr__(self) -> str:
        return f"<Run {self.ident} {self.status}>"
