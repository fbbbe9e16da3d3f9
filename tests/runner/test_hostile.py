"""What a hostile or hurried user gives a run, end to end: it is refused before anything starts, or the run says why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from mcp_aws.outcome import Outcome, now
from mcp_aws.request import RunRequest
from runner import BadInput, Run, RunFailed, Stack

Command = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).resolve().parents[2]
KEY = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA7\nq8Zt+/9aXxQ==\nsh\n-----END KEY-----\n"
PRINTED = """
- name: Print a key and a number in every form
  hosts: here
  gather_facts: false
  tasks:
    - name: Print it as JSON
      ansible.builtin.debug: {msg: "{{ {'key': deploy_private_key} | to_json }}"}
    - name: Print it as YAML
      ansible.builtin.debug: {msg: "{{ {'a': {'key': deploy_private_key}} | to_nice_yaml }}"}
    - name: Print it by its lines
      ansible.builtin.debug: {msg: "{{ deploy_private_key.splitlines() }}"}
    - name: Give a number
      ansible.builtin.set_fact: {size: 604800, part: 1.604800}
    - name: Write it
      ansible.builtin.copy: {content: "{{ deploy_private_key }}", dest: "{{ playbook_dir }}/written", mode: "0600"}
      diff: true
"""
SHAPES = """
- name: Publish what nobody expects
  hosts: here
  gather_facts: false
  tasks:
    - name: Publish it
      ansible.builtin.set_stats: {data: {verdict: fine, versions: [1], other: 3}}
"""


@pytest.fixture
def playbook(house: Path) -> Callable[[str, str], str]:
    """Write a playbook and return its name."""

    def write(name: str, text: str) -> str:
        (house / "playbooks" / f"{name}.yml").write_text(text)
        return name

    return write


def test_a_key_and_a_number_are_masked_and_the_run_goes_on(
    stack: Stack, playbook: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "604800")
    run = stack.run(playbook("printed", PRINTED), extra_vars={"deploy_private_key": KEY}, diff=True)
    assert run.ok
    files = "".join(path.read_text() for path in run.artifacts.rglob("*") if path.is_file())
    for line in KEY.splitlines():
        assert len(line) < 6 or line not in files
    results = [event.result for event in run if event.task == "Give a number" and event.result]
    assert results[0]["ansible_facts"]["size"] == "********"
    assert "604800" not in "".join(event.output for event in run)


def test_a_playbook_may_publish_anything(command: Command, playbook: Callable[[str, str], str]) -> None:
    done = command(playbook("shapes", SHAPES))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(command("shapes", "--json").stdout)["published"] == {
        "verdict": "fine",
        "versions": [1],
        "other": 3,
    }


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("hosts", "[all\nnot an inventory: {\n", "as ini: Failed to parse inventory: not enough values"),
        ("hosts.yml", "all: [\n", "while parsing"),
        ("aws_ec2.yml", "plugin: amazon.aws.aws_ec2\nregions: [eu\n", "while parsing"),
    ],
)
def test_an_inventory_that_cannot_be_parsed_is_bad_input(
    command: Command, house: Path, name: str, text: str, words: str
) -> None:
    folder = house / "damaged" / name.replace(".", "_")
    folder.mkdir(parents=True)
    (folder / name).write_text(text)
    done = command("green", "-i", str(folder), "--quiet")
    assert done.returncode == 3, done.stdout + done.stderr
    assert words in done.stdout + done.stderr
    assert "provision" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_one_thread_reads_and_another_joins() -> None:
    """The one that reads has looked while the run went on, and must not put its old view over the end."""
    looked, joined = threading.Event(), threading.Event()
    running = Outcome("site", "i", Path("/a"), now())
    ended = replace(running, status="successful", rc=0)

    class Follower:
        running = True

        def look(self) -> Outcome:
            if threading.current_thread() is reader:
                looked.set()
                assert joined.wait(10)
                return running
            return ended

        def join(self, _timeout: float | None) -> None:
            self.running = False

        def close(self) -> None:
            pass

    run = Run(running, Follower())  # type: ignore[arg-type]
    reader = threading.Thread(target=lambda: run.status)
    reader.start()
    assert looked.wait(10)
    run.join()
    joined.set()
    reader.join()
    assert (run.status, run.done, run.ok) == ("successful", True, True)


SUPERVISOR = """
import sys
from mcp_aws import supervisor
{patch}
sys.exit(supervisor.main())
"""
NO_PLAYBOOK = "supervisor.command_of = lambda *_: (['no-ansible-playbook'], {'PATH': '/bin'}, '/')"
BROKEN = """
supervisor.command_of = lambda *_: (['sleep', '977'], {'PATH': '/usr/bin:/bin'}, '/')
def broken(*_): raise LookupError('of the day')
supervisor._attend = broken
"""


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        (NO_PLAYBOOK, "`no-ansible-playbook` does not start: No such file or directory. Install ansible-core beside"),
        (BROKEN, "What watches over the run broke, and ended it: LookupError: of the day"),
    ],
)
def test_whatever_a_supervisor_meets_the_playbook_ends_and_the_run_says_why(
    house: Path, tmp_path: Path, patch: str, words: str
) -> None:
    request = RunRequest(
        "green", house / "playbooks/green.yml", house / "inventory/lab", tmp_path, "i", program=os.getpid()
    )
    program = SUPERVISOR.format(patch=patch)
    done = subprocess.run(
        [sys.executable, "-c", program], input=request.to_line(), cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    run = Run.read(tmp_path / "artifacts" / "i")
    assert (run.status, run.ok, len(run.failures)) == ("failed", False, 1)
    assert run.failures[0].message.startswith(words)
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if path.read_bytes() == b"sleep\x00977\x00"]
    assert left == []


@pytest.mark.parametrize("verb", ["../playbooks/green", "./green", "green.yml", "", "x\0", 5])
def test_a_verb_is_a_name(stack: Stack, house: Path, verb: Any) -> None:
    with pytest.raises(BadInput, match="No playbook `"):
        stack.run(verb)
    with pytest.raises(BadInput, match="No playbook `"):
        stack.run(str(house / "playbooks" / "green"))


def test_teardown_is_refused_before_anything_starts(stack: Stack) -> None:
    before = stack.history.runs()
    for wrong in (lambda: stack.teardown(confirm=""), lambda: stack.run("teardown"), lambda: stack.start("teardown")):
        with pytest.raises(BadInput, match="wants its name"):
            wrong()
    assert stack.history.runs() == before
    assert stack.teardown(confirm="lab", extra_vars=None).ok


def test_every_verb_takes_no_variables_as_none(stack: Stack) -> None:
    assert stack.rollback(to="v1.4.2", extra_vars={"other": 1}).ok
    assert stack.versions(extra_vars=None).ok
    with pytest.raises(RunFailed):
        stack.rollback(to="v1.4.2", extra_vars=None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"timeout": -1}, "timeout is -1"),
        ({"wait": float("nan")}, "wait is nan"),
        ({"forks": -1}, "forks is -1"),
        ({"tags": [1]}, "tags: 1 is no text"),
        ({"extra_vars": {b"a": 1}}, "is no text"),
        ({"extra_vars": "a=1"}, "give a mapping"),
    ],
)
def test_options_that_cannot_be_are_refused(stack: Stack, options: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        stack.start("green", **options)
    with pytest.raises(BadInput, match=words):
        stack.rollback(to="v1", **options)


async def test_awaiting_raises_as_running_does(stack: Stack) -> None:
    with pytest.raises(RunFailed, match="is wrong"):
        await stack.start("loop")
    run = await stack.start("loop").ended()
    assert run.status == "failed"
    assert (await stack.start("versions")).ok


async def test_a_plan_under_asyncio(stack: Stack, house: Path) -> None:
    plan = await stack.aplan()
    assert plan.drift
    assert {change.task for change in plan.changes} >= {"Write a file"}
    with pytest.raises(RunFailed, match="Stop where it was asked for"):
        await replace(stack, inventory=house / "inventory" / "failing").aplan()


@pytest.mark.parametrize(("arguments", "status"), [(["history"], 0), (["nope"], 3), (["nope", "--json"], 3)])
@pytest.mark.parametrize("closed", ["<&- >&-", "2>&-", ">&- 2>&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>&1"])
def test_closed_and_full_outputs(house: Path, arguments: list[str], status: int, closed: str) -> None:
    line = f'"$0" runner.py {" ".join(arguments)} {closed}'
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(house), "XDG_CACHE_HOME": str(house / "user")}
    done = subprocess.run(
        ["bash", "-c", line, sys.executable], cwd=house, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in (status, 1 if "full" in closed else status)
    assert "Traceback" not in done.stderr + done.stdout
    assert "Exception ignored" not in done.stderr


def test_an_order_is_told_whole(tmp_path: Path) -> None:
    request = RunRequest("green", tmp_path, tmp_path, tmp_path, "i", extra_vars={"a": [1, "\x1b"]})
    assert asdict(RunRequest.from_line(request.to_line())) == asdict(request)
