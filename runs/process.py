"""Run ansible-playbook under ansible-runner, whose types end here, and turn its events into a result."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ansible_runner

from runs.changes import Changes
from runs.result import CHECKOUT, COLOUR, Failure, HostStats, Run, Verdict

POLL = 0.5  # seconds between looks at the interrupt
GRACE = 3.0  # seconds that an interrupted playbook has to end its modules before it is killed


KILLED = -1


@dataclass(frozen=True)
class Order:
    """What to run. `ident` names the run's directory below `cache/artifacts`."""

    playbook: Path
    inventory: Path
    cache: Path
    ident: str
    arguments: tuple[str, ...] = ()
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    live: bool = False


def execute(order: Order) -> Run:
    """Run a playbook to its end and return what happened.

    An interrupt or SIGTERM meanwhile ends the run first and then has its usual effect.
    """
    recorder = _Recorder()
    with _private_file(order.extra_vars) as variables, _interruptible() as interrupted:
        config = ansible_runner.RunnerConfig(
            private_data_dir=str(order.cache),
            project_dir=str(CHECKOUT),  # the working directory, so that ansible.cfg counts
            ident=order.ident,
            inventory=str(order.inventory),
            playbook=str(order.playbook),
            cmdline=shlex.join([*order.arguments, *variables]) or None,
            quiet=not order.live,
            fact_cache_type="memory",  # the default leaves facts on disk, the control node's environment among them
        )
        config.prepare()
        config.pexpect_timeout = POLL
        config.env = _environment(config.env, colour=order.live and sys.stdout.isatty())
        runner = ansible_runner.Runner(config, event_handler=recorder, cancel_callback=_stopper(interrupted, recorder))
        began = time.monotonic()
        runner.run()
        duration = time.monotonic() - began
        artifacts = Path(config.artifact_dir)
        shutil.rmtree(artifacts / "job_events", ignore_errors=True)
    failures = recorder.failures() if runner.status == "failed" else ()
    if runner.status == "failed" and not failures:
        failures = _early_failures((artifacts / "stdout").read_text(errors="replace"))
    run = Run(
        playbook=order.playbook.stem,
        status=runner.status,
        rc=KILLED if runner.rc is None else runner.rc,
        duration=duration,
        artifacts=artifacts,
        hosts=recorder.hosts(),
        failures=failures,
        verdict=Verdict.read(recorder.custom_stats),
        changes=tuple(recorder.changes.found),
        unpredicted=tuple(recorder.changes.unpredicted),
        versions=recorder.custom_stats.get("versions") or {},
    )
    (artifacts / "result.json").write_text(json.dumps(run.as_dict(), indent=1))
    return run


class _Recorder:
    """Takes Ansible's events and keeps what a result is made of."""

    def __init__(self) -> None:
        self.pid: int | None = None
        self.changes = Changes()
        self.custom_stats: Mapping[str, Any] = {}
        self._stats: Mapping[str, Any] = {}
        self._failed: dict[str, list[Failure]] = {}

    def __call__(self, event: Mapping[str, Any]) -> bool:
        """Record an event; the answer keeps ansible-runner from writing a file for each."""
        self.pid = event.get("pid") or self.pid
        self.changes(event)
        kind, data = event["event"], event.get("event_data") or {}
        if kind == "playbook_on_stats":
            self._stats = data
            self.custom_stats = data.get("artifact_data") or self.custom_stats
        elif kind in ("runner_on_failed", "runner_on_unreachable") and not data.get("ignore_errors"):
            result = data.get("res") or {}
            file, _, line = (data.get("task_path") or "").rpartition(":")
            failure = Failure(data["host"], data.get("task") or "", _message(result), file, int(line or 0))
            self._failed.setdefault(data["host"], []).append(failure)
            # Ansible itself drops the stats of a task that fails, and a red verdict fails.
            self.custom_stats = (result.get("ansible_stats") or {}).get("data") or self.custom_stats
        return False

    def hosts(self) -> dict[str, HostStats]:
        """Return the counts of each host."""

        def count(key: str, host: str) -> int:
            return int((self._stats.get(key) or {}).get(host, 0))

        return {
            host: HostStats(
                ok=count("ok", host),
                changed=count("changed", host),
                failed=count("failures", host),
                unreachable=count("dark", host),
                skipped=count("skipped", host),
                rescued=count("rescued", host),
                ignored=count("ignored", host),
            )
            for host in self._stats.get("processed") or {}
        }

    def failures(self) -> tuple[Failure, ...]:
        """Return the failures that counted; rescued ones come before those that ended a host's play."""
        counted = {host: stats.failed + stats.unreachable for host, stats in self.hosts().items()}
        return tuple(failure for host, n in counted.items() if n for failure in self._failed.get(host, [])[-n:])


class _Environment(dict[str, str]):
    """An environment that the process gets but that cannot be written down.

    ansible-runner writes the whole environment, credentials included, to `artifacts/<ident>/command` as JSON, which
    takes a mapping that is false for an empty one.
    """

    def __bool__(self) -> bool:
        return False


def _environment(env: Mapping[str, str], *, colour: bool) -> _Environment:
    """Return the environment of the process: this interpreter's Ansible, host keys checked unless told otherwise."""
    ours = _Environment(env)
    ours["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}"
    if "ANSIBLE_HOST_KEY_CHECKING" not in os.environ:
        ours.pop("ANSIBLE_HOST_KEY_CHECKING", None)  # ansible-runner turns it off unasked
    ours.setdefault("COLUMNS", str(shutil.get_terminal_size().columns))  # the process sees a terminal of its own
    if not colour:
        ours["ANSIBLE_NOCOLOR"] = "1"
    return ours


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Yield the question whether a signal came; at the end let it have its usual effect."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield lambda: False
        return
    usual = {
        number: signal.signal(number, lambda number, _frame: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _stopper(interrupted: Callable[[], bool], recorder: _Recorder) -> Callable[[], bool]:
    """Return the question whether to kill the playbook: an interrupted one is first asked to end itself.

    Its modules run in sessions of their own, so they outlive a kill, but Ansible ends them when it gets an interrupt.
    """
    asked: list[float] = []

    def kill() -> bool:
        if interrupted() and recorder.pid and not asked:
            asked.append(time.monotonic())
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(recorder.pid, signal.SIGINT)
        return interrupted() and (not asked or time.monotonic() - asked[0] > GRACE)

    return kill


@contextmanager
def _private_file(variables: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the arguments that hand over variables in a file which its owner alone can read and which then goes away.

    On the command line anybody on the machine could read them.
    """
    if not variables:
        yield []
        return
    with tempfile.NamedTemporaryFile("w", prefix="mcp-aws-", suffix=".json") as file:
        json.dump(dict(variables), file, default=str)
        file.flush()
        yield ["--extra-vars", f"@{file.name}"]


def _message(result: Mapping[str, Any]) -> str:
    """Return what a failed task's result says went wrong; of a loop, what its failed items say."""
    items = [item for item in result.get("results") or () if isinstance(item, Mapping) and item.get("failed")]
    if items:
        return "\n".join(_message(item) for item in items)
    said = [str(result[key]).strip() for key in ("censored", "msg", "stderr", "module_stderr") if result.get(key)]
    return "\n".join(said) or "it gave no message"


def _early_failures(output: str) -> tuple[Failure, ...]:
    """Find what was printed when nothing got as far as a task: no event tells."""
    text = COLOUR.sub("", output).strip()
    error = re.search(r"^\[ERROR\]: (.+?)(?:\n\n|\Z|\nOrigin: (/.*?):(\d+))", text, re.M | re.S)
    if not error:
        return (Failure("", "", text.rpartition("\n")[2] or "ansible-playbook said nothing"),)
    return (Failure("", "", error[1].strip(), error[2] or "", int(error[3] or 0)),)
