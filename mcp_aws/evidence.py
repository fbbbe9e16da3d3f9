"""All that is kept of a run: its output, its events, its result, and its place in the history."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import codecs
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from ansible_runner.utils import OutputEventFilter

from mcp_aws import events, outcome
from mcp_aws.events import Event
from mcp_aws.history.history import History, HistoryError
from mcp_aws.history.tasks import TaskTimes
from mcp_aws.masks import Masks
from mcp_aws.outcome import Failure, Outcome
from mcp_aws.recorder import Recorder, early_failures
from mcp_aws.request import RunRequest


class Evidence:
    """Takes the output of ansible-playbook, in which the callback has hidden the events."""

    def __init__(self, request: RunRequest) -> None:
        self._request = request
        self._recorder, self._times = Recorder(), TaskTimes()
        self._masks = Masks(os.environ, request.extra_vars)
        self._started, self._began = outcome.now(), time.monotonic()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._events = (request.artifacts / events.FILE).open("a", encoding="utf-8")
        self._stdout = (request.artifacts / "stdout").open("a", encoding="utf-8", errors="backslashreplace")
        os.chmod(self._stdout.name, 0o600)
        self._gave_up = False
        self._filter = OutputEventFilter(None, self._event, suppress_ansible_output=True)

    def __enter__(self) -> Evidence:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and not self._gave_up:
                self._filter.write(self._decoder.decode(b"", final=True))
                self._filter.close()
        finally:
            self._events.close()
            self._stdout.close()

    def write(self, chunk: bytes) -> None:
        """Take a piece of the output, which may end anywhere."""
        self._filter.write(self._decoder.decode(chunk))
        self.flush()

    def flush(self) -> None:
        """Let readers see what was taken."""
        self._stdout.flush()
        self._events.flush()

    def _event(self, event: dict[str, Any]) -> None:
        """Keep one event, as the decoder found it."""
        if "uuid" in event:  # all but the end of the output
            self.take({"created": outcome.now().isoformat(), **event})  # a line that belongs to no event has no time

    def take(self, event: dict[str, Any]) -> None:
        """Keep one event, ansible-runner's dictionary."""
        recorded = event | {"counter": self._recorder.count + 1}
        line = json.dumps(recorded)
        if self._masks.concern(line):
            recorded = self._masks.event(recorded)
            line = json.dumps(recorded)
        self._recorder(recorded)
        self._times(Event.of(recorded))
        self._events.write(line + "\n")
        if printed := recorded.get("stdout"):
            self._stdout.write(printed + "\n")

    def give_up(self, why: str) -> None:
        """Take no more output, as what there was could not be taken."""
        self._gave_up = True
        self._note(why)

    def _note(self, text: str) -> None:
        """Add what is no output of Ansible's to it."""
        with self._printed().open("a", encoding="utf-8", errors="backslashreplace") as file:
            print(self._masks.text(text), file=file)

    def _printed(self) -> Path:
        return self._request.artifacts / "stdout"

    def outcome(self, rc: int, stopped: str, why: str = "") -> Outcome:
        """Write the result and the history; return the result.

        :param stopped: the status of a run that was ended before its end.
        :param why: what went wrong beside the playbook.
        """
        why = self._masks.text(why)
        status = stopped or ("failed" if rc or why else "successful")
        failures = self._recorder.failures() if status == "failed" else ()
        if status == "failed" and why:
            failures = (*failures, Failure("", "", why))
        elif status == "failed" and not failures:
            failures = early_failures(self._printed().read_text("utf-8", errors="replace"))
        result = Outcome(
            verb=self._request.verb,
            ident=self._request.ident,
            artifacts=self._request.artifacts,
            started=self._started,
            status=status,
            rc=rc,
            duration=time.monotonic() - self._began,
            check=self._request.check,
            events=self._recorder.count,
            hosts=self._recorder.hosts(),
            failures=failures,
            changes=tuple(self._recorder.changes.found),
            unpredicted=tuple(self._recorder.changes.unpredicted),
            published=self._recorder.published,
        )
        try:
            History(self._request.cache / "history.sqlite").record(result, self._times.times())
        except HistoryError as error:  # the run was what it was
            self._note(f"[WARNING]: {error}")
        _write(self._request.artifacts / outcome.FILE, result.as_dict())  # the sign that all is done
        return result


def _write(path: Path, data: Mapping[str, Any]) -> None:
    """Write a file that is there wholly or not at all."""
    half = path.with_suffix(".half")
    half.write_text(json.dumps(data, indent=1))
    half.chmod(0o600)
    half.replace(path)
