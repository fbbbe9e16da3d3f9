"""The lab's own bad days, last of all tests because they take it away: it heals, and `down` leaves nothing behind."""

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
from lab.settings import EDGE, REGISTRY_PORT, RUN

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


@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.0])
def test_up_that_was_interrupted_is_taken_up_by_the_next(seconds: float) -> None:
    first = subprocess.Popen([sys.executable, "-m", "lab", "up"], cwd=ROOT, stdout=subprocess.DEVNULL)
    time.sleep(seconds)
    first.kill()
    first.wait()
    again = lab("up")
    assert again.returncode == 0, again.stderr
    assert lab("status").returncode == 0


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
    from lab.__main__ import up
    from lab.shell import LabError

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="sudo make lab"):
        up()


def test_it_ends_down() -> None:
    assert lab("down").returncode == 0
    assert not daemons.is_running("apt-cache")
