"""A run on another control node, over the streams of ansible-runner: a job goes there, events come back."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mcp_aws.remote import job as remote_job
from mcp_aws.remote.node import Node
from mcp_aws.remote.stream import Stream
from mcp_aws.request import RunRequest

__all__ = ["Node", "NodeError", "execute"]

LONGEST = 200  # characters of a strange line that are shown
NO_COMMAND = 127  # what shells, and ansible-runner, end with when there is no such command


class NodeError(RuntimeError):
    """A control node did not run what it was sent, or not to its end. `events` is how many events had come."""

    def __init__(self, node: Node, what: str, output: str = "", remedy: str = "", *, events: int = 0) -> None:
        heard = f"It said: {output}" if output else ""
        super().__init__("\n".join(filter(None, [f"Control node {node}: {what}.", heard, remedy or node.trial])))
        self.events = events


def execute(
    request: RunRequest,
    sink: Callable[[dict[str, Any]], object],
    cancelled: Callable[[], bool],
    private: Path | None = None,
) -> tuple[str, int]:
    """Run an order on its node; return ansible-runner's status and the exit status of ansible-playbook.

    :param sink: called with every event, as ansible-runner's dictionary, in order.
    :param cancelled: asked ten times a second whether to end.
    :param private: an existing directory for what the run needs meanwhile.
    :raises NodeError: when the node does not answer, or the stream breaks.
    """
    node = Node.of(request.node)
    if missing := sorted(set(node.environment) - {*os.environ, *request.environment}):
        raise NodeError(node, f"{', '.join(missing)} is to be sent there and is not set here", remedy="Set it.")
    with tempfile.TemporaryDirectory(prefix="node-", dir=private) as folder:
        job = remote_job.write(request, node, Path(folder))
        try:
            stream = Stream(node.command, job, cancelled, kept=node.kept)
        except OSError as error:
            what = f"the command `{node.command[0]}` does not start here: {error.strerror}"
            raise NodeError(node, what, remedy="Install it, or name another in the node's command.") from error
        with stream:
            conversation = _Conversation(request, node, stream, sink)
            try:
                status, rc = conversation.hold()
            except NodeError:
                if not stream.ended:
                    raise
                return "canceled", -1
    return ("canceled" if stream.ended else status), rc


class _Conversation:
    """What a worker tells, line by line."""

    def __init__(
        self, request: RunRequest, node: Node, stream: Stream, sink: Callable[[dict[str, Any]], object]
    ) -> None:
        self._request, self._node, self._stream, self._sink = request, node, stream, sink
        self._nearer: list[tuple[bytes, bytes]] = []
        self._events = 0
        self._status, self._rc = "", -1

    def hold(self) -> tuple[str, int]:
        """Take everything to the end; return the status and the exit status."""
        for message in self._lines():
            if "status" in message:
                self._heed(message)
            elif "zipfile" in message:
                self._rc = self._unpack(message["zipfile"])
            elif "eof" in message:
                return self._end()
            elif message.get("event") != "keepalive":
                self._take(message)
        raise self._broken()

    def _lines(self) -> Iterator[dict[str, Any]]:
        """Yield what the lines hold, with paths of this node."""
        for line in self._stream.lines():
            for there, here in self._nearer:
                line = line.replace(there, here)
            try:
                message = json.loads(line)
            except ValueError:
                message = None
            if not isinstance(message, dict):
                if not line.endswith(b"\n"):  # half a line
                    return
                shown = line.decode(errors="replace").strip()[:LONGEST]
                what = "it printed a line that is not of ansible-runner's stream"
                remedy = "What its shell prints by itself, as a greeting in ~/.bashrc, must be kept to terminals."
                raise NodeError(self._node, what, shown, remedy, events=self._events)
            yield message

    def _heed(self, message: Mapping[str, Any]) -> None:
        """Take a status. That of the beginning holds the whole environment of the node: none of it is kept."""
        self._status = message["status"]
        if self._status == "starting":
            self._nearer = remote_job.nearer(self._request, message["cwd"])
        elif self._status == "error":
            reasons = [message.get("job_explanation"), message.get("result_traceback")]
            raise NodeError(self._node, "it could not begin", " ".join(filter(None, reasons)), events=self._events)

    def _take(self, event: dict[str, Any]) -> None:
        """Hand on an event; ansible-runner numbers them, so that one that is missing is found."""
        self._events += 1
        if event.get("counter") != self._events:
            what = f"event {self._events} was lost, number {event.get('counter')} came instead"
            raise NodeError(self._node, what, remedy="Run it again.", events=self._events - 1)
        if "stdout" in event:
            event["stdout"] = event["stdout"].replace("\r\n", "\n")  # ansible-runner there has a terminal
        self._sink(event)

    def _unpack(self, size: int) -> int:
        """Read the archive of artifacts to its end; of all that it holds only the exit status is wanted."""
        rest = b""
        with tempfile.TemporaryFile() as file:
            for piece in self._stream.take((size + 2) // 3 * 4):
                rest += piece
                whole = len(rest) // 4 * 4
                file.write(b64decode(rest[:whole]))
                rest = rest[whole:]
            try:
                with zipfile.ZipFile(file) as archive:
                    return int(archive.read("rc"))
            except (zipfile.BadZipFile, KeyError, ValueError) as error:
                raise self._broken() from error

    def _end(self) -> tuple[str, int]:
        """Return how it ended."""
        if self._rc == NO_COMMAND:
            output = self._stream.result()[1]
            remedy = "Install ansible-core beside ansible-runner there."
            raise NodeError(self._node, "it has no ansible-playbook", output, remedy)
        return self._status, self._rc

    def _broken(self) -> NodeError:
        """Say why there is no more."""
        rc, output = self._stream.result()
        if self._status:
            what = f"the stream broke after {self._events} events"
            remedy = "What the run did until then is done; see whether the node lives, and run it again."
            return NodeError(self._node, what, output, remedy, events=self._events)
        return NodeError(self._node, f"it did not begin (exit status {rc})", output)
