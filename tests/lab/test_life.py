"""The lab's own bad days, last of all tests because they take it away: it heals, and `down` leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import daemons, engine, services
from lab.__main__ import down, status, up
from lab.settings import EDGE, REGISTRY_PORT, RUN
from lab.shell import LabError

ROOT = Path(__file__).parents[2]


def lab(verb: str) -> subprocess.CompletedProcess[str]:
    """Run one verb of the lab."""
    command = [sys.executable, "-m", "lab", verb]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)


@pytest.fixture(autouse=True)
def evidence() -> Iterator[None]:
    """What the daemons said, which pytest shows when a test fails."""
    yield
    for log in sorted((RUN / "log").glob("*.log")):
        print(f"--- {log}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-5:]))


def test_lab_whose_api_was_killed_starts_anew_without_orphans() -> None:
    assert lab("up").returncode == 0
    pid = int((RUN / "api.pid").read_text().partition('"pid": ')[2].partition(",")[0])
    os.kill(pid, signal.SIGKILL)
    assert lab("status").returncode == 1
    again = lab("up")
    assert again.returncode == 0, again.stderr
    assert engine.containers() == []
    assert lab("status").returncode == 0


def test_lab_whose_processes_all_were_killed_comes_up_again() -> None:
    """As after a power cut: no part had the time to take away what it had mounted or written."""
    assert lab("up").returncode == 0
    records = [json.loads(path.read_text()) for path in RUN.glob("*.pid")]
    # A number alone is the pid that a daemon wrote itself.
    for record in [record for record in records if isinstance(record, dict)]:
        os.kill(record["pid"], signal.SIGKILL)
    again = lab("up")
    assert again.returncode == 0, again.stderr
    assert lab("status").returncode == 0
    assert services.tells_sizes()


def test_down_leaves_nothing_behind_and_can_be_repeated() -> None:
    for _ in range(2):
        done = lab("down")
        assert done.returncode == 0, done.stderr
    assert not RUN.exists()
    assert not services.listening(EDGE, 443)
    rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    assert "MCP-LAB" not in rules
    assert EDGE not in rules
    assert EDGE not in subprocess.run(["ip", "address"], capture_output=True, text=True, check=True).stdout
    if engine.answers():
        assert engine.containers() == engine.networks() == []


@pytest.mark.parametrize("step", ["container engine", "network and services", "python:3.11-slim", "AWS API"])
def test_up_that_was_interrupted_is_taken_up_by_the_next(step: str) -> None:
    """Killed just when a step begins, each time a later one, and 0.2 s into it."""
    assert lab("down").returncode == 0
    first = subprocess.Popen([sys.executable, "-m", "lab", "up"], cwd=ROOT, stdout=subprocess.PIPE)
    assert first.stdout
    said = b""
    while step.encode() not in said:
        part = os.read(first.stdout.fileno(), 1000)
        assert part, f"`up` ended before the step {step}: {said.decode()}"
        said += part
    time.sleep(0.2)
    first.kill()
    assert first.wait() == -signal.SIGKILL, "`up` had ended before"
    again = lab("up")
    assert again.returncode == 0, again.stderr
    assert lab("status").returncode == 0


def test_two_at_once_take_turns_and_a_current_lab_is_left_alone() -> None:
    records = {path: path.read_text() for path in RUN.glob("*.pid")}
    assert {path.stem for path in records} >= {"api", "dns", "edge", "registry"}
    command = [sys.executable, "-m", "lab", "up"]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert {path: path.read_text() for path in RUN.glob("*.pid")} == records


def test_a_part_whose_configuration_changed_is_started_anew() -> None:
    before = (RUN / "registry.pid").read_text()
    edge = (RUN / "edge.pid").read_text()
    (RUN / "registry.pid").write_text(before.replace(json.loads(before)["digest"], "of another configuration"))
    assert lab("up").returncode == 0
    assert (RUN / "registry.pid").read_text() != before
    assert (RUN / "edge.pid").read_text() == edge
    pid = json.loads(before)["pid"]
    assert not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()


def test_taken_port_is_named_with_its_holder_and_the_setting_that_moves_it() -> None:
    daemons.stop("registry")
    with socket.create_server(("127.0.0.1", REGISTRY_PORT)):
        refused = lab("up")
    assert refused.returncode == 1
    assert f"Port {REGISTRY_PORT}" in refused.stderr
    assert f"pid={os.getpid()}" in refused.stderr
    assert "REGISTRY_PORT in lab/settings.py" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert lab("up").returncode == 0


def test_only_root_may_start_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for verb in (up, status, down):
        with pytest.raises(LabError, match="sudo make lab"):
            verb()


def test_it_ends_down() -> None:
    assert lab("down").returncode == 0
    assert not daemons.is_running("apt-cache")
