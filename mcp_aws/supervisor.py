"""The process between a program and its run: it starts ansible-playbook, keeps all evidence, and ends everything.

It takes a request on standard input, and reports what went wrong with itself on standard error. Being a process of its
own, it has a main thread for signals and no event loop, framework or handler that could hold it up; it adopts what the
playbook leaves behind, and it outlives the program, so that a program that is killed leaves nothing running.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from mcp_aws import artifacts, lock, processes
from mcp_aws.command import command_of
from mcp_aws.errors import ArtifactsError, BadInput
from mcp_aws.evidence import Evidence
from mcp_aws.outcome import Outcome
from mcp_aws.private import private_directory
from mcp_aws.remote import conversation
from mcp_aws.request import RunRequest

POLL = 0.5  # seconds between looks at the clock and at the program
REST = 0.05  # seconds in which output gathers: to be woken for each event would take the playbook's time
ROOM = 1 << 20  # bytes that it may gather
GRACE = 2.5  # seconds that an interrupted playbook has to end its modules before all is killed
PATIENCE = 1.5  # seconds for what was killed to be gone
KILLED = -1
REMEDY = "Install ansible-core beside this Python, or put the directory of ansible-playbook on PATH."


class Stop:
    """Why the run is to end before its end: `canceled` or `timeout`; empty while it is not."""

    def __init__(self, timeout: float, program: int) -> None:
        self.why = ""
        self._settled = False
        self._program = program
        self._deadline = time.monotonic() + timeout if timeout else None
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda _number, _frame: self.now("canceled"))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # it was blocked, lest it come too early

    def now(self, why: str) -> None:
        """End the run, for this reason unless there was one before."""
        if not self._settled:
            self.why = self.why or why

    def settle(self) -> None:
        """Take note that the run has ended by itself: whatever came in the same moment came too late."""
        self._settled, self.why = True, ""

    def asked(self) -> bool:
        """Return whether the run is to end."""
        if os.getppid() != self._program:  # the program is gone, and with it whoever wanted the run
            self.now("canceled")
        if self._deadline and time.monotonic() > self._deadline:
            self.now("timeout")
        return bool(self.why)


def supervise(request: RunRequest) -> Outcome:
    """Run a playbook to its end and keep what happened."""
    stop = Stop(request.timeout, request.program)
    processes.adopt_orphans()
    artifacts.prepare(request.artifacts)
    held = artifacts.hold(request.artifacts)
    lock.keep(request.lock)
    try:
        outcome = _watched(request, stop)
    except OSError as error:
        if error.errno in artifacts.NO_ROOM:
            raise artifacts.lost(error, request.artifacts) from error
        raise
    finally:
        os.close(held)
        lock.release(request.lock)
    artifacts.trim(request.artifacts.parent, request.limits)
    return outcome


def _watched(request: RunRequest, stop: Stop) -> Outcome:
    """Run a playbook and keep its evidence. Whatever breaks here ends the playbook, and the run says what it was."""
    why = ""
    with private_directory() as private, Evidence(request) as evidence:
        try:
            rc, why = (_elsewhere if request.node else _here)(request, private, evidence, stop)
        except Exception as error:
            if isinstance(error, OSError) and error.errno in artifacts.NO_ROOM:
                raise
            rc, why = KILLED, f"What watches over the run broke, and ended it: {type(error).__name__}: {error}"
            evidence.give_up(traceback.format_exc())
    return evidence.outcome(rc, stop.why, why)


def _elsewhere(request: RunRequest, private: Path, evidence: Evidence, stop: Stop) -> tuple[int, str]:
    """Run the playbook on another control node; return its exit status and what went wrong between here and there."""

    def take(event: dict[str, Any]) -> None:
        evidence.take(event)
        evidence.flush()

    try:
        _status, rc = conversation.execute(request, take, stop.asked, private)
    except (conversation.NodeError, BadInput) as error:
        return KILLED, str(error)
    finally:
        processes.end_all(PATIENCE)
    return rc, ""


def _here(request: RunRequest, private: Path, evidence: Evidence, stop: Stop) -> tuple[int, str]:
    """Run the playbook on this machine; return its exit status and why it did not start."""
    command, environment, folder = command_of(request, private)
    if stop.asked():
        return KILLED, ""
    try:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=processes.end_with_parent,
        )
    except (FileNotFoundError, PermissionError) as error:
        return KILLED, f"`{command[0]}` does not start: {error.strerror}. {REMEDY}"
    assert child.stdout
    output = child.stdout.fileno()
    try:
        _attend(child, output, evidence, stop)
        if stop.why:
            _end(child, output, evidence)
    except BaseException:  # also of what keeps the evidence
        _end(child, output, None)
        raise
    child.stdout.close()
    processes.send(processes.with_text(str(private / "cp")), signal.SIGTERM)  # masters of SSH connections
    return KILLED if child.returncode < 0 else child.returncode, ""


def _attend(child: subprocess.Popen[bytes], output: int, evidence: Evidence, stop: Stop) -> None:
    """Take the output until the playbook ends or is to end."""
    os.set_blocking(output, False)
    with suppress(OSError):  # more than this user's pipes may have in all: then it gathers less
        fcntl.fcntl(output, fcntl.F_SETPIPE_SZ, ROOM)
    handle = os.pidfd_open(child.pid)
    anything, end = select.poll(), select.poll()
    anything.register(output, select.POLLIN)
    anything.register(handle, select.POLLIN)
    end.register(handle, select.POLLIN)
    try:
        while not stop.asked():
            ready = dict(anything.poll(POLL * 1000))
            if output in ready and not _take(output, evidence):
                anything.unregister(output)
            if ready and end.poll(REST * 1000):
                child.wait()
                stop.settle()
                _take(output, evidence)  # all that it wrote is in the pipe, whoever else may hold it open
                return
    finally:
        os.close(handle)


def _take(output: int, evidence: Evidence | None) -> bool:
    """Take what there is of the output; return whether there may come more."""
    while True:
        try:
            chunk = os.read(output, 1 << 16)
        except BlockingIOError:
            return True
        if not chunk:
            return False
        if evidence:
            evidence.write(chunk)


def _end(child: subprocess.Popen[bytes], output: int, evidence: Evidence | None) -> None:
    """Interrupt the playbook, which ends its modules, and after a while kill all that is left."""
    left = processes.Leftovers()
    left.note()
    processes.send([child.pid], signal.SIGINT)
    until = time.monotonic() + GRACE
    while child.poll() is None and time.monotonic() < until:
        _take(output, evidence)  # a full pipe would hold it up
        left.note()
        time.sleep(processes.POLL)
    child.kill()
    child.wait()
    _take(output, evidence)
    processes.end_all(PATIENCE)
    left.remove()


def main() -> int:
    """Do what standard input says."""
    request = RunRequest.from_line(sys.stdin.buffer.readline())
    sys.stdin.close()
    os.environ.update(request.environment)
    try:
        supervise(request)
    except ArtifactsError as error:
        report = {"errno": error.errno, "message": error.strerror, "file": error.filename}
        print(json.dumps(report), file=sys.stderr)
        return 1
    except Exception as error:  # the playbook has been ended; who follows says this sentence
        print(f"What watches over the run broke: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
