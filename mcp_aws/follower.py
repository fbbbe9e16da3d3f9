"""The user's side of a run: starts its supervisor, reads what that writes, and tells it to end."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from mcp_aws.errors import ArtifactsError
from mcp_aws.events import FILE, Event, Tail
from mcp_aws.outcome import Failure, Outcome, now
from mcp_aws.processes import end_marked
from mcp_aws.recorder import Recorder
from mcp_aws.request import RUN, RunRequest

ROOT = Path(__file__).resolve().parents[1]  # where the module `runs` is found
PAUSE = 0.05
# The module `runs` that lies here, and nothing else of this directory: in a wheel it holds all that is installed.
PROGRAM = """\
import sys
sys.path.insert(0, sys.argv[1])
import mcp_aws
del sys.path[0]
from mcp_aws.supervisor import main
sys.exit(main())
"""
log = logging.getLogger("mcp.aws")


class Follower:
    """One supervisor and its files. Any number of threads may use it; it has none of its own without `on_event`."""

    def __init__(self, request: RunRequest, on_event: Callable[[Event], object] | None = None) -> None:
        self._outcome = Outcome(request.verb, request.ident, request.artifacts, now(), check=request.check)
        self._events = request.artifacts / FILE
        self._recorder, self._tail = Recorder(), Tail(self._events)
        self._guard = threading.RLock()  # a signal handler may cancel while its thread looks
        self._handle = -1
        self._began = time.monotonic()
        self._error: ArtifactsError | None = None
        # A cancel may come before the supervisor can heed it; it inherits the block, and the signal waits for it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            self._process = subprocess.Popen(
                [_python(), "-P", "-c", PROGRAM, str(ROOT)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[request.lock] if request.lock >= 0 else [],
                start_new_session=True,  # a Ctrl-C in the terminal is the user's program's to decide on
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._handle = os.pidfd_open(self._process.pid)
        assert self._process.stdin
        with suppress(BrokenPipeError), self._process.stdin as pipe:  # it said on stderr why it ended
            pipe.write(request.to_line())
        self._handler = threading.Thread(target=self._serve, args=(on_event,), daemon=True) if on_event else None
        if self._handler:
            self._handler.start()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the supervisor's handle; for one that has ended, or that nobody follows any more."""
        with self._guard:
            handle, self._handle = self._handle, -1
            if handle >= 0:
                os.close(handle)

    def _own_handle(self) -> int:
        """Return a handle to wait on, which no other thread closes and which an event loop has once; -1 at the end."""
        with self._guard:
            return os.dup(self._handle) if self._handle >= 0 else -1

    @property
    def running(self) -> bool:
        """Whether the supervisor is at work."""
        return self._process.poll() is None

    def look(self) -> Outcome:
        """Return what is known now."""
        with self._guard:
            if self._outcome.status != "running":
                return self._outcome
            if not self.running:
                self._outcome = self._result()
                self.close()  # whoever keeps a run keeps no descriptor
                return self._outcome
            for event in self._tail.raw():
                self._recorder(event)
            return replace(
                self._outcome,
                duration=time.monotonic() - self._began,
                events=self._recorder.count,
                hosts=self._recorder.hosts(),
                changes=tuple(self._recorder.changes.found),
                unpredicted=tuple(self._recorder.changes.unpredicted),
                published=dict(self._recorder.published),
            )

    def _result(self) -> Outcome:
        """Return what the supervisor left; when it was killed, what its events tell."""
        assert self._process.stderr
        with self._process.stderr as pipe:
            stderr = pipe.read().decode(errors="replace").strip()
        with suppress(FileNotFoundError, ValueError):
            return Outcome.read(self._outcome.artifacts)
        with suppress(ValueError):
            reported = json.loads(stderr.rpartition("\n")[2])
            self._error = ArtifactsError(reported["errno"], reported["message"], reported["file"])
            stderr = str(self._error)
        with suppress(ValueError):  # the last line may be half
            for event in self._tail.raw():
                self._recorder(event)
        end_marked(f"{RUN}={self._outcome.ident}")  # a killed supervisor cannot
        why = stderr or f"what watched over it ended with status {self._process.returncode}; run it again"
        failures = (*self._recorder.failures(), Failure("", "", why))
        return replace(
            self._outcome,
            status="lost",
            duration=time.monotonic() - self._began,
            events=self._recorder.count,
            hosts=self._recorder.hosts(),
            failures=failures,
            changes=tuple(self._recorder.changes.found),
        )

    def wait(self, seconds: float | None) -> bool:
        """Wait for the end; return whether it has come."""
        handle = self._own_handle()
        if handle < 0:
            return True
        try:
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            return bool(poll.poll(None if seconds is None else seconds * 1000))
        finally:
            os.close(handle)

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end of the run and of its handler."""
        until = None if timeout is None else time.monotonic() + timeout

        def left() -> float | None:
            return None if until is None else max(0.0, until - time.monotonic())

        ended = self.wait(timeout)
        if ended and self._handler and self._handler is not threading.current_thread():
            self._handler.join(left())
            ended = not self._handler.is_alive()
        if not ended:
            raise TimeoutError(f"{self._outcome.ident} has not ended after {timeout} s")
        self._raise()

    async def ended(self) -> None:
        """Wait for the end of the run and of its handler without holding up the event loop."""
        loop = asyncio.get_running_loop()
        handle = self._own_handle()
        if handle >= 0:
            future: asyncio.Future[None] = loop.create_future()
            loop.add_reader(handle, _settle, future)
            try:
                await future
            finally:
                loop.remove_reader(handle)
                os.close(handle)
        while self._handler and self._handler.is_alive():
            await asyncio.sleep(PAUSE)
        self._raise()

    def _raise(self) -> None:
        self.look()
        if self._error:
            raise self._error

    def cancel(self) -> None:
        """Tell the supervisor to end the run."""
        with self._guard, suppress(ProcessLookupError):
            if self._handle >= 0:
                signal.pidfd_send_signal(self._handle, signal.SIGTERM)

    def _serve(self, handler: Callable[[Event], object]) -> None:
        """Give every event to a handler, at its own pace; what it raises is logged and stops nothing."""
        tail = Tail(self._events)
        ended = False
        while not ended:
            ended = not self.running
            for raw in tail.raw():
                try:
                    handler(Event.of(raw))
                except Exception:
                    log.exception("the handler of the events of %s failed", self._outcome.ident)
            if not ended:
                self.wait(PAUSE)


def _python() -> str:
    """Return the interpreter; in a server that embeds one, `sys.executable` is the server."""
    if Path(sys.executable or "").name.startswith("python"):
        return sys.executable
    return str(Path(sys.prefix, "bin", "python3"))


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
