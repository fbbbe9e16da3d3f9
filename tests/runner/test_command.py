"""The command line: what it prints and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]


def test_green(command: Command) -> None:
    done = command("green")
    assert done.returncode == 0, done.stderr
    assert "TASK [Change something]" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("green green in ")
    assert "\x1b" not in done.stdout  # a pipe has no colours


def test_failed(command: Command) -> None:
    done = command("red", "--inventory", "inventory/lab", "--limit", "here")
    assert done.returncode == 1
    assert "localhost: Judge (" in done.stdout
    assert "red: Disk: 91 %" in done.stdout


def test_json_is_all_that_is_printed(command: Command) -> None:
    done = command("loop", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["failures"][0]["task"] == "Refuse"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gren"], "No playbook `gren`. Did you mean `green`?"),
        (["green", "-i", "inventory/lap"], "No inventory `inventory/lap`. Did you mean `lab`?"),
        (["green", "--chekc"], "unrecognized arguments: --chekc"),
        ([], "required: verb"),
    ],
)
def test_bad_input(command: Command, arguments: list[str], message: str) -> None:
    done = command(*arguments)
    assert done.returncode == 3
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_nowhere_to_write(house: Path) -> None:
    done = subprocess.run(
        [sys.executable, house / "runner.py", "green"],
        cwd=house,
        env={**os.environ, "XDG_CACHE_HOME": "/dev/null"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "/dev/null" in done.stderr
    assert "Traceback" not in done.stderr


def test_interrupt_ends_the_playbook_too(house: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, house / "runner.py", "wait"],
        cwd=house,
        env={**os.environ, "XDG_CACHE_HOME": str(house / "user")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Where a shell started the tests in the background, children would inherit that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    while "TASK [Wait]" not in process.stdout.readline():
        assert process.poll() is None
    started = _descendants(process.pid)
    while not any("AnsiballZ_wait_for" in command for command in started.values()):
        started = _descendants(process.pid)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=10)
    assert (process.returncode, complaint.strip()) == (130, "interrupted")
    deadline = time.monotonic() + 5
    while left := [command for pid, command in started.items() if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < deadline, f"these outlive the runner: {left}"


def _descendants(pid: int) -> dict[int, str]:
    """Return the processes that this one started, directly and through others, with their command lines."""
    found: dict[int, str] = {}
    try:
        for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
            found[child] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
            found |= _descendants(child)
    except OSError:  # it ended meanwhile
        pass
    return found


@pytest.mark.parametrize(("arguments", "status"), [([], 1), (["--confirm", "lab"], 0)])
def test_teardown_waits_for_nobody_to_answer(command: Command, arguments: list[str], status: int) -> None:
    done = command("teardown", *arguments)
    assert done.returncode == status, done.stdout
    assert status == 0 or "The answer is ``." in done.stdout
