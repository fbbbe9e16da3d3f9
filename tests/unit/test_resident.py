"""The resident interpreter: which commands it takes, what a module gets from it, and that it ends with its run."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.mcp.aws.plugins.connection import resident

PYTHON = sys.executable


@pytest.mark.parametrize(
    ("command", "environment"),
    [
        (f"/bin/sh -c '{PYTHON} && sleep 0'", {}),
        (f"/bin/sh -c 'AWS_PROFILE=acme LANG=C {PYTHON} && sleep 0'", {"AWS_PROFILE": "acme", "LANG": "C"}),
        ("/bin/sh -c '/usr/bin/another-python && sleep 0'", None),
        (f"/bin/sh -c '{PYTHON} /tmp/module.py && sleep 0'", None),
        (f"sudo -u admin /bin/sh -c '{PYTHON} && sleep 0'", None),
        ("/bin/sh -c 'mkdir /tmp/x && sleep 0'", None),
    ],
)
def test_only_this_interpreter_is_served(command: str, environment: dict[str, str] | None) -> None:
    assert resident.environment_of(command) == environment


@pytest.fixture
def run() -> Iterator[subprocess.Popen[bytes]]:
    """Return a process that stands for ansible-playbook."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.fixture
def path(run: subprocess.Popen[bytes], tmp_path: Path) -> Path:
    """Return the socket of an interpreter that was started for that process."""
    path = tmp_path / "resident"
    resident.launch(path, run.pid, [])
    resident.wait_for(path, 20)
    return path


def ask(path: Path, payload: str) -> tuple[int, bytes, bytes]:
    """Run a payload."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        return resident.talk(connection, payload.encode(), str(path.parent), {"SAID": "so"})


def eventually(path: Path, seconds: float = 10) -> bool:
    """Return whether the interpreter stops listening before the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as connection:
            if connection.connect_ex(str(path)):
                return True
        time.sleep(0.05)
    return False


def test_a_module_has_its_streams_its_folder_its_environment_and_boto3(path: Path) -> None:
    payload = """
import os, sys
print(os.environ["SAID"], os.getcwd(), "boto3" in sys.modules)
print("e" * 99999, file=sys.stderr)
sys.exit(3)
"""
    status, output, errors = ask(path, payload)
    assert (status, output.decode().split(), len(errors)) == (3, ["so", str(path.parent), "True"], 100000)


def test_modules_leave_no_trace_in_each_other(path: Path) -> None:
    assert ask(path, "import boto3, os; boto3.left = 1; os.environ['LEFT'] = '1'")[0] == 0
    assert ask(path, "import boto3, os; print(hasattr(boto3, 'left'), 'LEFT' in os.environ)")[1] == b"False False\n"


def test_a_module_that_dies_is_told(path: Path) -> None:
    assert ask(path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")[0] == resident.DIED


def test_it_ends_with_its_run_and_so_do_its_modules(run: subprocess.Popen[bytes], path: Path) -> None:
    child = "import subprocess as s; print(s.Popen(['sleep', '60'], stdout=s.DEVNULL, stderr=s.DEVNULL).pid)"
    left = int(ask(path, child)[1])
    run.kill()
    assert eventually(path)
    deadline = time.monotonic() + 5
    while Path(f"/proc/{left}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{left}").exists()


def test_it_is_started_once(run: subprocess.Popen[bytes], path: Path) -> None:
    resident.launch(path, run.pid, ["/elsewhere"])
    assert ask(path, "import sys; print('/elsewhere' in sys.path)")[1] == b"False\n"


def test_it_says_why_it_does_not_start(run: subprocess.Popen[bytes], tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    resident.launch(folder / "resident", run.pid, [])
    for _ in range(2):  # the second task is told at once
        with pytest.raises(OSError, match="AF_UNIX path too long"):
            resident.wait_for(folder / "resident", 20)
