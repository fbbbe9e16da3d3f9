"""Both directions of a command at once, without threads: the job goes in, lines and pieces come out."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from mcp_aws import processes

POLL = 0.1  # seconds between looks at whether the run is still wanted
CHUNK = 1 << 16
GRACE = {True: 4.0, False: 3.0}  # seconds from the wish to end to a kill; what keeps a worker waits 2.5 of its own
PATIENCE = 3.0  # seconds that a command may take to end after its last word
LAST = 2000  # characters of standard error that are shown


class Stream:
    """A command at work.

    :param cancelled: asked again and again; once it says yes, the command is to end and is killed after a while.
    :raises OSError: when it cannot be started.
    """

    def __init__(self, command: tuple[str, ...], job: Path, cancelled: Callable[[], bool], *, kept: bool) -> None:
        self._cancelled, self._kept = cancelled, kept
        self._job, self._errors = job.open("rb"), job.with_name("errors").open("w+b")
        environment = os.environ | {"TMPDIR": str(job.parent)}  # what a worker on this machine leaves goes with it
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
            preexec_fn=processes.end_with_parent,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._input, self._output = self._process.stdin, self._process.stdout
        os.set_blocking(self._input.fileno(), False)
        self._poll = select.poll()
        self._poll.register(self._input, select.POLLOUT)
        self._poll.register(self._output, select.POLLIN)
        self._unsent = b""
        self._buffer = bytearray()
        self._deadline = 0.0

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._input.close()
        if self._wait(self._deadline or time.monotonic() + PATIENCE) is None:
            self._send(signal.SIGKILL)
            self._process.wait()
        self._output.close()
        self._job.close()
        self._errors.close()

    @property
    def ended(self) -> bool:
        """Whether somebody wanted the run to end."""
        return bool(self._deadline)

    def lines(self) -> Iterator[bytes]:
        """Yield whole lines until the command closes its output; the last may lack its end."""
        searched = 0
        while True:
            end = self._buffer.find(b"\n", searched)
            if end >= 0:
                line = bytes(self._buffer[: end + 1])
                del self._buffer[: end + 1]
                searched = 0
                yield line
            else:
                searched = len(self._buffer)
                if not self._fill():
                    break
        if self._buffer:
            yield bytes(self._buffer)

    def take(self, size: int) -> Iterator[bytes]:
        """Yield so many bytes, in pieces; fewer when the command ends."""
        while size and (self._buffer or self._fill()):
            piece = bytes(self._buffer[:size])
            del self._buffer[: len(piece)]
            size -= len(piece)
            yield piece

    def result(self) -> tuple[int | None, str]:
        """Return the exit status, None for a command that does not end, and the end of its standard error."""
        rc = self._wait(time.monotonic() + PATIENCE)
        self._errors.seek(0)
        return rc, self._errors.read().decode(errors="replace").strip()[-LAST:]

    def _fill(self) -> bool:
        """Wait for output and take it; return whether there may be more."""
        while True:
            self._heed()
            for descriptor, _ in self._poll.poll(POLL * 1000):
                if descriptor == self._output.fileno():
                    chunk = os.read(descriptor, CHUNK)
                    self._buffer += chunk
                    return bool(chunk)
                self._feed()

    def _feed(self) -> None:
        """Send more of the job."""
        self._unsent = self._unsent or self._job.read(CHUNK)
        try:
            self._unsent = self._unsent[os.write(self._input.fileno(), self._unsent) :]
            done = not self._unsent and self._job.tell() == os.fstat(self._job.fileno()).st_size
        except BrokenPipeError:  # its output or its exit status tells why
            done = True
        if done:
            self._poll.unregister(self._input)
            if not self._kept:
                self._input.close()

    def _heed(self) -> None:
        """End the command when the run is not wanted any more."""
        if not self._deadline and self._cancelled():
            self._deadline = time.monotonic() + GRACE[self._kept]
            if not self._input.closed:
                with suppress(KeyError):  # all was sent
                    self._poll.unregister(self._input)
                self._input.close()
            if not self._kept:
                self._send(signal.SIGINT)
        elif self._deadline and time.monotonic() > self._deadline:
            self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        """Send a signal to the command and to all below it."""
        if self._process.poll() is None:
            processes.send([self._process.pid, *processes.descendants(self._process.pid)], number)

    def _wait(self, until: float) -> int | None:
        """Return the exit status of the command, None when it has not ended by then."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(max(0.0, until - time.monotonic()))
        return None
