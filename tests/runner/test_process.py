"""The hard promises: nothing lost, nothing reordered, nothing left; on real playbooks that are ended in every way."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_aws import artifacts
from mcp_aws.private import PREFIX
from mcp_aws.processes import descendants
from runner import ArtifactsError, Event, Limits, Locked, Run, Stack

CANCEL_SECONDS = 5.0


def _started(run: Run) -> Run:
    """Return a run of `wait` whose module is at work."""
    for event in run:
        if event.kind == "runner_on_start":
            break
    pids: list[int] = []
    while not any("wait_for" in _command(pid) for pid in pids):
        assert not run.done, run.output()
        pids = _of(run)
    return run


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _of(run: Run) -> list[int]:
    """Return the living processes that belong to a run: they have its name in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if run.ident.encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


def _nothing_is_left(run: Run) -> None:
    """Assert that no process, private directory or lock of a run is there."""
    assert [(pid, _command(pid)) for pid in _of(run)] == []
    mine = [path for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*") if run.ident in _names(path)]
    assert mine == []


def _names(path: Path) -> str:
    return " ".join(entry.name for entry in path.rglob("*"))


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Assert that a test leaves this process no descriptor and no thread."""
    before = (sorted(os.listdir("/proc/self/fd")), threading.active_count())
    yield
    assert (sorted(os.listdir("/proc/self/fd")), threading.active_count()) == before


@pytest.mark.usefixtures("descriptors")
def test_events_are_all_there_in_their_order_for_every_reader(stack: Stack) -> None:
    seen: list[Event] = []
    with stack.start("green", extra_vars={"green_expected_key": ""}, on_event=seen.append) as run:
        followed = list(run)
        run.join()
    assert [event.number for event in followed] == list(range(1, len(followed) + 1))
    assert seen == followed == list(run)
    assert run.outcome.events == len(followed)
    assert followed[-1].kind == "playbook_on_stats"
    assert [event.time for event in followed[1:]] == sorted(event.time for event in followed[1:])
    kinds = [(event.kind, event.task) for event in followed if event.kind.startswith("runner_on_")]
    assert ("runner_on_ok", "Change something") in kinds
    assert next(event for event in followed if event.changed).host == "localhost"


def test_a_run_that_has_ended_and_is_kept_holds_no_descriptor(stack: Stack) -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    with stack.start("versions") as run:
        assert len(os.listdir("/proc/self/fd")) > len(before)
        while not run.done:  # it ends before its context is left, and nobody joins it
            time.sleep(0.05)
    assert sorted(os.listdir("/proc/self/fd")) == before
    run.cancel()
    assert (run.join(0).status, run.status) == ("successful", "successful")


def test_an_event_larger_than_a_pipe_and_a_playbook_in_a_playbook(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_CALLBACK_PLUGINS", "/ours:/theirs")
    run = stack.run("pipes")
    results = {event.task: event.result for event in run if event.kind == "runner_on_ok"}
    assert results["Count"]["stdout_lines"] == [str(number + 1) for number in range(20000)]
    inner = results["Run a playbook"]
    assert "ok: [localhost]" in inner["stdout"], "it printed as it does outside of a run"
    assert "\x1b[K" not in inner["stdout"] + inner["stderr"]
    assert results["Tell where callbacks are"]["msg"] == "/ours:/theirs"


@pytest.mark.usefixtures("descriptors")
def test_a_slow_handler_slows_only_itself_and_a_broken_one_stops_nothing(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []

    def handler(event: Event) -> None:
        time.sleep(0.2)
        seen.append(event.number)
        if event.number == 1:
            raise ValueError("this handler is broken")

    run = stack.start("green", on_event=handler)
    while not run.done:
        time.sleep(0.01)
    assert len(seen) < run.outcome.events, "the run did not wait for its handler"
    run.join()
    assert seen == list(range(1, run.outcome.events + 1))
    assert "this handler is broken" in caplog.text


@pytest.mark.usefixtures("descriptors")
def test_what_is_known_of_an_unfinished_run_and_its_cancel(stack: Stack) -> None:
    run = _started(stack.start("wait"))
    assert (run.status, run.done, run.ok, run.rc) == ("running", False, False, -1)
    assert str(run).startswith("wait running for ")
    with pytest.raises(TimeoutError):
        run.join(0.1)
    with pytest.raises(Locked, match="wait") as caught:
        stack.start("green")
    assert caught.value.holder["ident"] == run.ident
    began = time.monotonic()
    run.cancel()
    assert time.monotonic() - began < CANCEL_SECONDS
    assert (run.status, run.ok, run.failures) == ("canceled", False, ())
    _nothing_is_left(run)
    assert run.cancel() is run.join() is run


def test_leaving_the_context_of_an_unfinished_run_cancels_it(stack: Stack) -> None:
    run = stack.start("wait")

    def leave() -> None:
        with run:
            raise KeyError(_started(run).ident)

    with pytest.raises(KeyError):
        leave()
    assert run.status == "canceled"
    _nothing_is_left(run)


def test_time_is_up(stack: Stack) -> None:
    run = stack.run("wait", timeout=2, raise_on_failure=False)
    assert (run.status, run.ok) == ("timeout", False)
    assert 2 <= run.duration < 2 + CANCEL_SECONDS
    _nothing_is_left(run)


@pytest.mark.usefixtures("descriptors")
def test_a_playbook_that_does_not_listen_is_killed(stack: Stack) -> None:
    run = _started(stack.start("wait"))
    [playbook] = [pid for pid in _of(run) if "ansible-playbook" in _command(pid) and _of_supervisor(pid)]
    os.kill(playbook, signal.SIGSTOP)
    began = time.monotonic()
    run.cancel()
    assert time.monotonic() - began < CANCEL_SECONDS
    assert (run.status, run.rc) == ("canceled", -1)
    _nothing_is_left(run)


def _of_supervisor(pid: int) -> bool:
    parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    return "mcp_aws.supervisor" in _command(int(parent))


def test_a_killed_supervisor_is_told_and_takes_the_playbook_along(stack: Stack) -> None:
    run = _started(stack.start("wait"))
    [supervisor] = [pid for pid in descendants(os.getpid()) if "mcp_aws.supervisor" in _command(pid)]
    os.kill(supervisor, signal.SIGKILL)
    run.join()
    assert run.status == "lost"
    assert "ended with status -9" in run.failures[0].message
    deadline = time.monotonic() + CANCEL_SECONDS
    while left := _of(run):
        assert time.monotonic() < deadline, [_command(pid) for pid in left]
    assert stack.run("green", raise_on_failure=False).done  # the lock went with it, and the next one cleans up
    assert not [path for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*") if not _held(path)]


def _held(path: Path) -> bool:
    return str(path) in "".join(_command(int(pid.name)) for pid in Path("/proc").glob("[0-9]*"))


def test_a_killed_program_leaves_nothing_running(house: Path, stack: Stack) -> None:
    program = f"""
import sys
sys.path.insert(0, {str(house)!r})
from pathlib import Path
from runner import Stack
house = Path({str(house)!r})
run = Stack(house / "inventory" / "lab", playbooks=house / "playbooks", cache=house / "cache").start("wait")
print(run.artifacts, flush=True)
run.join()
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    folder = Path(process.stdout.readline().strip())
    while "Wait" not in (folder / "stdout").read_text() if (folder / "stdout").exists() else True:
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + CANCEL_SECONDS
    while not (folder / "result.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    run = Run.read(folder)
    assert run.status == "canceled"
    stack.run("versions")  # another run of this stack is not in the way
    _nothing_is_left(run)


@pytest.mark.usefixtures("descriptors")
async def test_asyncio(stack: Stack, house: Path) -> None:
    others = [replace(stack, inventory=house / "inventory" / name) for name in ("calm", "failing")]
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0.01)

    heart = asyncio.create_task(beat())
    async with stack.start("wait") as run:
        numbers = [event.number async for event in _until_start(run)]
        finished = await asyncio.gather(*(other.start("green") for other in others))
    heart.cancel()
    assert numbers == list(range(1, len(numbers) + 1))
    assert run.status == "canceled"
    assert [one.done for one in finished] == [True, True]
    assert beats > 50  # the loop was never held up for long
    _nothing_is_left(run)


async def _until_start(run: Run):  # type: ignore[no-untyped-def]
    async for event in run:
        yield event
        if event.kind == "runner_on_start":
            return


def test_secrets_that_a_task_prints_are_kept_nowhere(stack: Stack) -> None:
    secrets = {"leak_password": 'hunter2"long', "leak_nested": {"token": "tok-123456"}}
    seen: list[Event] = []
    run = stack.run("leak", extra_vars=secrets, on_event=seen.append)
    assert run.ok
    files = "".join(path.read_text() for path in run.artifacts.rglob("*") if path.is_file())
    for text in (files, run.output(), repr(seen)):
        assert "hunter2" not in text
        assert "tok-123456" not in text
    assert "it is ******** and ********" in run.output()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 48 MiB, which root may mount."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(tmp_path)], check=True)
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_is_told_before_and_meanwhile(stack: Stack, small_disk: Path) -> None:
    on_it = replace(stack, cache=small_disk)
    ended = "The run was ended, as its evidence could not be kept: No space left"
    with pytest.raises(ArtifactsError, match=ended) as caught:
        on_it.run("fill", extra_vars={"fill_file": str(small_disk / "full")})
    assert "XDG_CACHE_HOME" in str(caught.value)
    with pytest.raises(ArtifactsError, match="The run was not begun: 0 MiB are left for its artifacts"):
        on_it.run("green")
    [kept] = (small_disk / "artifacts").iterdir()  # what was written before the disk was full
    assert "Fill the disk" in (kept / "stdout").read_text()
    (small_disk / "full").unlink()
    assert on_it.run("versions").ok


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        (Limits(runs=2), ["4", "5"]),
        (Limits(days=3), ["3", "4", "5"]),
        (Limits(size=2 << 20), ["4", "5"]),
        (Limits(files=9), ["3", "4", "5"]),
        (Limits(runs=0, days=0, size=0, files=0), ["5"]),
    ],
)
def test_artifacts_are_bounded(tmp_path: Path, limits: Limits, left: list[str]) -> None:
    for number in range(1, 6):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "stdout").write_bytes(b"x" * (1 << 20) if number != 5 else b"x")
        (folder / "events.jsonl").touch()
        old = time.time() - (5 - number) * 86400 - 3600
        os.utime(folder, (old, old))
    artifacts.trim(tmp_path, limits)
    assert sorted(path.name for path in tmp_path.iterdir()) == left


def test_artifacts_of_a_run_at_work_stay(tmp_path: Path) -> None:
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
    descriptor = artifacts.hold(tmp_path / "1")
    artifacts.trim(tmp_path, Limits(runs=1))
    assert (tmp_path / "1").exists()
    os.close(descriptor)
    artifacts.trim(tmp_path, Limits(runs=1))
    assert not (tmp_path / "1").exists()


def test_the_result_is_read_back_as_it_was(stack: Stack) -> None:
    run = stack.run("loop", raise_on_failure=False)
    again = Run.read(run.artifacts)
    assert again.outcome == run.outcome
    assert json.loads((run.artifacts / "result.json").read_text()) == run.as_dict()
