"""The stack lock: one holder at a time, whoever asks and however it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Self

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.run import stack_lock

MODULE = Path(stack_lock.__file__)
# As another program loads it, without Ansible; it says that it holds the lock, and ends when its input does.
OTHER = """
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("stack_lock", sys.argv[1])
stack_lock = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stack_lock)
stack_lock.DIRECTORY = Path(sys.argv[2])
stack_lock.take(Path(sys.argv[3]), verb="site", ident="other")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An inventory whose lock is in a directory like /run/lock."""
    locks = tmp_path / "locks"
    locks.mkdir()
    locks.chmod(0o1777)
    monkeypatch.setattr(stack_lock, "DIRECTORY", locks)
    monkeypatch.setattr(stack_lock, "GRACE", 0.0)
    (tmp_path / "lab").mkdir()
    return tmp_path / "lab"


@pytest.fixture
def other(inventory: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    command = [sys.executable, "-I", "-c", OTHER, str(MODULE), str(stack_lock.DIRECTORY), str(inventory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.parametrize(
    ("verb", "check", "expected"),
    [
        ("site", False, True),
        ("verify", False, True),  # it kills the server to see it come back
        ("site", True, False),
        ("plan", False, False),
        ("preflight", False, False),
        ("report", False, False),
        ("versions", False, False),
    ],
)
def test_what_only_looks_needs_no_lock(verb: str, check: bool, expected: bool) -> None:
    assert stack_lock.changes_things(verb, check) is expected


def test_the_file_follows_the_inventory_and_not_how_its_path_is_written(
    inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(inventory.parent)
    (inventory.parent / "link").symlink_to(inventory)
    (inventory.parent / "other").mkdir()
    (inventory.parent / "other/lab").mkdir()
    expected = stack_lock.path_of(inventory)
    assert expected.name.startswith("mcp.aws-lab-"), expected
    assert {stack_lock.path_of(Path(way)) for way in ("lab", "./lab/", "link", "other/../lab")} == {expected}
    assert stack_lock.path_of(Path("other/lab")) != expected
    assert "/" not in stack_lock.path_of(Path("a b\n;c")).name[:-1]
    assert stack_lock.path_of(Path("a b\n;c")).name.startswith("mcp.aws-a_b__c-")


def test_another_process_has_it_until_it_ends_even_by_a_kill(inventory: Path, other: subprocess.Popen[str]) -> None:
    with pytest.raises(stack_lock.Held) as refused:
        stack_lock.take(inventory, verb="deploy", ident="mine")
    holder = refused.value.holder
    assert holder == stack_lock.taken_by(inventory)
    assert (holder["pid"], holder["verb"], holder["ident"]) == (other.pid, "site", "other")
    assert str(refused.value).startswith("site of lab has been running since ")
    assert f"(pid {other.pid}, " in str(refused.value)

    other.send_signal(signal.SIGKILL)
    other.wait(10)
    assert stack_lock.taken_by(inventory) is None, "a killed holder holds nothing, though its file is there"
    assert stack_lock.path_of(inventory).exists()
    stack_lock.release(stack_lock.take(inventory, verb="deploy", ident="mine"))
    assert list(stack_lock.DIRECTORY.iterdir()) == []


def test_waiting_ends_when_the_holder_does(inventory: Path, other: subprocess.Popen[str]) -> None:
    assert other.stdin
    threading.Timer(0.2, other.stdin.close).start()
    began = time.monotonic()
    stack_lock.release(stack_lock.take(inventory, verb="deploy", ident="mine", wait=30))
    assert 0.1 < time.monotonic() - began < 10


def test_a_file_that_was_just_made_by_another_user_is_waited_for(
    inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, refusals = stack_lock._open, iter(range(2))

    def refusing(path: Path) -> int:
        if next(refusals, None) is not None:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path)

    monkeypatch.setattr(stack_lock, "_open", refusing)
    stack_lock.release(stack_lock.take(inventory, verb="deploy", ident="mine", wait=30))
    assert list(refusals) == []


def test_waiting_ends_at_its_deadline(inventory: Path, other: subprocess.Popen[str]) -> None:
    began = time.monotonic()
    with pytest.raises(stack_lock.Held):
        stack_lock.take(inventory, verb="deploy", ident="mine", wait=0.2)
    assert 0.2 <= time.monotonic() - began < 5


def test_it_stays_with_a_process_that_inherited_it(inventory: Path) -> None:
    held = stack_lock.take(inventory, verb="site", ident="mine")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[held]) as heir:
        stack_lock.hand_over(held, heir.pid)
        os.close(held)
        holder = stack_lock.taken_by(inventory)
        heir.communicate(b"\n")
    assert holder
    assert (holder["pid"], holder["ident"]) == (heir.pid, "mine")
    assert stack_lock.taken_by(inventory) is None


def test_many_threads_have_it_one_after_the_other(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each removes the file, so that the others must see that the one they opened is gone."""
    monkeypatch.setattr(stack_lock, "POLL", 0.001)
    inside: list[int] = []
    most: list[int] = []

    def run(number: int) -> None:
        for _ in range(20):
            held = stack_lock.take(inventory, verb="site", ident=str(number), wait=30)
            inside.append(number)
            most.append(len(inside))
            time.sleep(0)
            inside.remove(number)
            stack_lock.release(held)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == [1] * 120
    assert list(stack_lock.DIRECTORY.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("first", [0, 65534])
def test_another_user_shares_it(inventory: Path, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever made the file, with whatever umask; it stays where its owner alone may remove it."""
    locks = Path(tempfile.mkdtemp())  # the directories of pytest are closed to others
    locks.chmod(0o1777)
    monkeypatch.setattr(stack_lock, "DIRECTORY", locks)

    def as_user(user: int, killed: bool) -> int:
        pid = os.fork()
        if pid == 0:
            try:
                os.umask(0o077)
                os.setuid(user)
                held = stack_lock.take(inventory, verb="site", ident="x")
                if not killed:
                    stack_lock.release(held)
                os._exit(0)
            except BaseException as error:
                os.write(2, repr(error).encode())
                os._exit(1)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    second = 65534 - first
    assert as_user(first, killed=True) == 0
    assert stat.S_IMODE(stack_lock.path_of(inventory).stat().st_mode) == 0o666
    assert as_user(second, killed=False) == 0
    assert as_user(first, killed=False) == 0
    shutil.rmtree(locks)


@pytest.mark.parametrize("kind", ["link", "second name", "pipe", "directory"])
def test_what_is_no_file_is_refused(inventory: Path, kind: str, tmp_path: Path) -> None:
    path = stack_lock.path_of(inventory)
    matters = tmp_path / "matters"
    matters.write_text("this")
    matters.chmod(0o600)
    made: dict[str, Any] = {
        "link": lambda: path.symlink_to(matters),
        "second name": lambda: path.hardlink_to(matters),
        "pipe": lambda: os.mkfifo(path),
        "directory": path.mkdir,
    }
    made[kind]()
    with pytest.raises(OSError):  # noqa: PT011 - the kernel and this module each have words for it
        stack_lock.take(inventory, verb="site", ident="x")
    assert stack_lock.taken_by(inventory) is None
    assert (matters.read_text(), stat.S_IMODE(matters.stat().st_mode)) == ("this", 0o600)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "site of lab has been running since {clock} (pid 123, root); wait for it or give --wait"),
        ({"started": "1999-12-31T12:00:00+00:00"}, "since 1999-12-31 "),
        ({"host": "elsewhere"}, "(pid 123, root, on elsewhere)"),
        ({"started": "soon"}, "site of lab has been running (pid 123, root); "),
    ],
)
def test_the_message_says_who_since_when_and_what_to_do(
    change: dict[str, Any], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(now.timestamp(), tz)

    monkeypatch.setattr(stack_lock, "datetime", Clock)
    holder = {"verb": "site", "stack": "lab", "pid": 123, "user": "root", "started": now.isoformat()}
    assert expected.format(clock=f"{now.astimezone():%H:%M}") in stack_lock.describe(holder | change)


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "[" * 3000, '{"verb": []}'])
def test_nonsense_in_the_file_hinders_nobody(inventory: Path, text: str) -> None:
    path = stack_lock.path_of(inventory)
    path.write_text(text)
    path.chmod(0o600)  # as if its maker had been killed before others could use it
    held = stack_lock.take(inventory, verb="site", ident="x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o666
    path.write_text(text)  # every user may
    with pytest.raises(stack_lock.Held, match="another run of this stack has been running; wait"):
        stack_lock.take(inventory, verb="site", ident="y")
    stack_lock.release(held)


def test_nobody_writes_on_a_terminal_by_way_of_the_file(inventory: Path) -> None:
    held = stack_lock.take(inventory, verb="site", ident="x")
    stack_lock.path_of(inventory).write_text(json.dumps({"verb": "\x1b[2Jsite\n", "stack": "lab"}))
    with pytest.raises(stack_lock.Held, match=r"\?\[2Jsite\? of lab"):
        stack_lock.take(inventory, verb="site", ident="y")
    stack_lock.release(held)


def test_nobody_removes_the_lock_of_another_stack_by_way_of_the_file(inventory: Path) -> None:
    held, of_another = (stack_lock.take(path, verb="site", ident="x") for path in (inventory, inventory / "another"))
    shutil.copyfile(stack_lock.path_of(inventory / "another"), stack_lock.path_of(inventory))
    stack_lock.release(held)
    assert stack_lock.path_of(inventory / "another").exists()
    stack_lock.release(of_another)
