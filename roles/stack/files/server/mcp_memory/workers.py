"""Several processes on one port: this one forks them, passes on the signal to stop, and replaces what dies."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable

from .logs import say

SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
YOUNG_SECONDS = 5.0
"""A worker that dies younger has no successor before PAUSE_SECONDS, or a broken one would fill the log."""
PAUSE_SECONDS = 1.0


class Workers:
    """Keeps `count` processes running `work` on the listener, until SIGTERM or SIGINT."""

    def __init__(
        self, count: int, work: Callable[[socket.socket, int], None], listener: socket.socket, stop_timeout: float
    ) -> None:
        self._count = count
        self._work = work
        self._listener = listener
        self._stop_timeout = stop_timeout
        self._born: dict[int, float] = {}
        self._not_before = 0.0
        # Workers see its end when this process dies, whatever it dies of.
        self._lifeline, self._held = os.pipe()

    def run(self) -> None:
        """Return when all are gone."""
        # Shared pages stay shared only as long as nobody writes: the collector would mark each object.
        gc.collect()
        gc.freeze()
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        deadline = None
        while deadline is None or self._born:
            if deadline is None and time.monotonic() >= self._not_before:
                while len(self._born) < self._count:
                    self._start()
            got = signal.sigtimedwait(SIGNALS, PAUSE_SECONDS)
            if got and got.si_signo != signal.SIGCHLD and deadline is None:
                deadline = time.monotonic() + self._stop_timeout
                # Held here, it would go on taking connections that nobody serves.
                self._listener.close()
                self._send(signal.SIGTERM)
            self._reap(stopping=deadline is not None)
            if deadline is not None and time.monotonic() > deadline:
                say("workers did not stop in time", logging.ERROR, pids=list(self._born))
                self._send(signal.SIGKILL)

    def _start(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            self._born[pid] = time.monotonic()
            say("worker started", pid=pid)
            return
        status = 1
        try:
            os.close(self._held)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            self._work(self._listener, self._lifeline)
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            # The way out of the parent is not the child's: no exit handlers, no return up the stack.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _reap(self, stopping: bool) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                # As the first process of a container this one inherits orphans, too.
                born = self._born.pop(pid, None)
                if born is None:
                    continue
                code = os.waitstatus_to_exitcode(status)
                say("worker ended", logging.INFO if stopping else logging.ERROR, pid=pid, status=code)
                if time.monotonic() < born + YOUNG_SECONDS:
                    self._not_before = time.monotonic() + PAUSE_SECONDS

    def _send(self, number: signal.Signals) -> None:
        for pid in self._born:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
