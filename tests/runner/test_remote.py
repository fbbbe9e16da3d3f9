"""Runs on another control node: a real worker on this machine, and commands that only act like one."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from base64 import b64decode
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from mcp_aws.events import Event
from mcp_aws.remote import job as remote_job
from mcp_aws.remote.conversation import Node, NodeError, execute
from mcp_aws.remote.node import KEEPER
from mcp_aws.request import RunRequest
from runner import Stack

SENT = "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH"  # without it a node finds only the collection that it was sent
SECRET, PASSWORD = "of-this-machine-0123", "of-the-order-4567"

PLAYBOOK = """
- name: Work far away
  hosts: here
  gather_facts: false
  tasks:
    - name: Change something
      ansible.builtin.command: /bin/true
      changed_when: true
    - {name: Use a plugin of the collection, changed_when: true,
       ansible.builtin.debug: {msg: "{{ 2048 | mcp.aws.sizing(1) }}"}}
    - name: Tell what came along
      ansible.builtin.debug:
        msg: "{{ of_the_group }}, {{ order_password | length }}, {{ lookup('ansible.builtin.env', sent) }}"
    - name: Tell a secret by mistake
      ansible.builtin.debug: {var: order_password}
    - name: Wait for what never comes
      ansible.builtin.wait_for: {path: /nonexistent/file, timeout: 60}
      when: waits | default(false)
    - name: Refuse
      ansible.builtin.fail: {msg: refused}
      when: ansible_check_mode
"""


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a playbook and an inventory, and with a place for temporary files that shows what is left."""
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "far.yml").write_text(PLAYBOOK)
    (tmp_path / "lab" / "group_vars").mkdir(parents=True)
    (tmp_path / "lab" / "hosts").write_text("[here]\nlocalhost ansible_connection=local\n")
    (tmp_path / "lab" / "group_vars" / "all.yml").write_text("of_the_group: variables\n")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv(SENT, "false")
    return tmp_path


@pytest.fixture
def far(places: Path) -> Stack:
    """A stack whose runs go through a worker."""
    node = Node.local(environment=(SENT,))
    return Stack(places / "lab", playbooks=places / "playbooks", cache=places / "cache", node=node)


def request_of(places: Path, node: Node, **more: Any) -> RunRequest:
    """Return an order for the playbook there."""
    playbook = places / "playbooks" / "far.yml"
    return RunRequest("far", playbook, places / "lab", places / "cache", "ident", node=asdict(node), **more)


def variables(**more: Any) -> dict[str, Any]:
    """Return the extra variables that the playbook wants."""
    return {"order_password": PASSWORD, "sent": SENT, **more}


def processes_of(ident: str) -> dict[int, str]:
    """Return the processes that a run gave its name to, with their commands."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if f"MCP_AWS_RUN={ident}".encode() in (path / "environ").read_bytes():
                found[int(path.name)] = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it has just ended
            continue
    return found


def assert_nothing_is_left(places: Path, ident: str) -> None:
    """No process, no temporary file."""
    assert not processes_of(ident)
    assert [path.name for path in (places / "temporary").iterdir()] == []


def test_a_run_on_another_node_is_like_one_on_this(places: Path, far: Stack) -> None:
    run = far.run("far", extra_vars=variables())
    events = list(run)

    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert events[-1].kind == "playbook_on_stats"
    assert run.outcome.events == len(events)
    assert [change.task for change in run.changes] == ["Change something", "Use a plugin of the collection"]
    told = next(event for event in events if event.kind == "runner_on_ok" and event.task == "Tell what came along")
    assert told.result["msg"] == f"variables, {len(PASSWORD)}, false"
    assert told.path == f"{places / 'playbooks' / 'far.yml'}:11"  # that of the node is gone
    assert "\nPLAY RECAP ****" in run.output()
    assert "\r" not in run.output()

    files = [path for path in run.artifacts.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"events.jsonl", "stdout", "result.json"}
    for path in files:
        for word in (SECRET, PASSWORD, "AWS_SECRET_ACCESS_KEY", "ANSIBLE_CALLBACK_PLUGINS"):
            assert word not in path.read_text(), f"{word} is in {path}"
    assert_nothing_is_left(places, run.ident)


def test_a_failure_and_check_mode_come_back(places: Path, far: Stack) -> None:
    run = far.run("far", check=True, extra_vars=variables(), raise_on_failure=False)

    assert (run.status, run.rc) == ("failed", 2), str(run)
    assert [(failure.task, failure.message) for failure in run.failures] == [("Refuse", "refused")]
    assert (run.failures[0].file, run.failures[0].line) == (str(places / "playbooks" / "far.yml"), 19)
    assert [change.task for change in run.changes] == ["Use a plugin of the collection"]


def waiting(run: Any) -> Event:
    """Wait until the last task of a run is at work."""
    return next(event for event in run if event.kind == "runner_on_start" and event.task.startswith("Wait"))


def test_cancelling_ends_everything_there_within_five_seconds(places: Path, far: Stack) -> None:
    run = far.start("far", extra_vars=variables(waits=True))
    waiting(run)
    assert processes_of(run.ident)
    began = time.monotonic()
    run.cancel()

    assert time.monotonic() - began < 5
    assert run.status == "canceled", str(run)
    assert_nothing_is_left(places, run.ident)


def test_a_node_that_dies_is_told_and_leaves_nothing(places: Path, far: Stack) -> None:
    run = far.start("far", extra_vars=variables(waits=True))
    waiting(run)
    playbook = min(pid for pid, command in processes_of(run.ident).items() if "ansible-playbook" in command)
    worker = int(Path(f"/proc/{playbook}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(worker, signal.SIGKILL)
    run.join(timeout=10)

    assert run.status == "failed", str(run)
    assert "Control node local: the stream broke after" in str(run)
    assert "run it again" in str(run)
    assert_nothing_is_left(places, run.ident)


@pytest.fixture
def small(places: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same places, and a job that takes no time to write: nothing will read it."""
    monkeypatch.setattr(remote_job, "PARTS", ("meta",))
    return places


def acting(*lines: object) -> tuple[str, ...]:
    """Return a command that takes a job and says these lines: texts as they are, the rest as JSON."""
    said = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return (sys.executable, "-c", "import sys; sys.stdin.read(); print(sys.argv[1], end='')", "\n".join(said))


def event(number: int) -> dict[str, Any]:
    """Return an event as a worker tells it."""
    return {"event": "verbose", "counter": number, "uuid": f"u-{number}", "stdout": ""}


RUNNING = {"status": "running"}

STRANGE = {
    "a greeting": (acting("Welcome to it", ""), "not of ansible-runner's stream.\nIt said: Welcome to it"),
    "no such command": (("/nonexistent/ssh",), "`/nonexistent/ssh` does not start here: No such file"),
    "refused": (
        ("sh", "-c", "echo Permission denied >&2; exit 255"),
        "(exit status 255).\nIt said: Permission denied",
    ),
    "no worker there": ((*Node.local(runner="/nonexistent/runner").command,), "/nonexistent/runner: not found\nTry"),
    "broken": (acting(RUNNING, event(1), event(2)), "the stream broke after 2 events"),
    "broken in a line": (acting(RUNNING, event(1), '{"event": "ver'), "the stream broke after 1 events"),
    "a lost event": (acting(RUNNING, event(1), event(3)), "event 2 was lost, number 3 came instead"),
    "an error": (acting({"status": "error", "job_explanation": "Failed to extract"}), "It said: Failed to extract"),
}


@pytest.mark.parametrize(("command", "message"), STRANGE.values(), ids=STRANGE)
def test_a_node_that_does_not_do_its_work_says_why(small: Path, command: tuple[str, ...], message: str) -> None:
    node = Node(command, name="control-2", trial="Try it by hand.")
    with pytest.raises(NodeError) as caught:
        execute(request_of(small, node), lambda _: None, lambda: False)

    assert message in str(caught.value)
    assert str(caught.value).startswith("Control node control-2: ")
    assert_nothing_is_left(small, "ident")


def test_a_variable_to_send_must_be_set(small: Path) -> None:
    node = Node(("true",), environment=("NOT_SET_ANYWHERE",))
    with pytest.raises(NodeError, match="NOT_SET_ANYWHERE is to be sent there and is not set here"):
        execute(request_of(small, node), lambda _: None, lambda: False)


TALKATIVE = """
import base64, io, json, sys, zipfile
sys.stdin.read()
print(json.dumps({"status": "running"}))
for number in range(1, 5001):
    print(json.dumps({"event": "verbose", "counter": number, "uuid": "u", "stdout": "x" * (number % 300)}))
    if not number % 1000:
        print(json.dumps({"event": "keepalive", "counter": 0, "uuid": 0}))
file = io.BytesIO()
with zipfile.ZipFile(file, "w") as archive:
    archive.writestr("stdout", "x" * 100_000)
    archive.writestr("rc", "4")
print(json.dumps({"zipfile": len(file.getvalue())}))
print(base64.b64encode(file.getvalue()).decode(), end="")
print(json.dumps({"status": "failed"}))
print(json.dumps({"eof": True}))
print("(released, a7x)")
"""


def test_five_thousand_events_come_in_order(small: Path) -> None:
    numbers: list[int] = []
    node = Node((sys.executable, "-c", TALKATIVE))
    ended = execute(request_of(small, node), lambda event: numbers.append(event["counter"]), lambda: False)

    assert ended == ("failed", 4)
    assert numbers == list(range(1, 5001))


KEPT = {  # how the job comes: whether an interrupt follows, and what of the worker is heard
    "a file that ends": ("file", False, "begun\nended\n"),
    "a file, then an interrupt": ("file", True, "begun\n"),
    "a connection that closes": ("pipe", False, "begun\n"),
}


@pytest.mark.parametrize(("source", "interrupted", "heard"), KEPT.values(), ids=KEPT)
def test_a_worker_is_ended_when_nobody_listens(places: Path, source: str, interrupted: bool, heard: str) -> None:
    work = "echo begun; sleep 1 && echo ended"
    (places / "job").write_text("job\n")
    given = (places / "job").open() if source == "file" else subprocess.PIPE
    command = [sys.executable, str(KEEPER), "sh", "-c", work]
    kept = subprocess.Popen(command, stdin=given, stdout=subprocess.PIPE, text=True)
    assert kept.stdout
    first = kept.stdout.readline()
    if interrupted:
        kept.send_signal(signal.SIGINT)
    said, _ = kept.communicate(timeout=8)

    assert first + said == heard
    assert [path.name for path in (places / "temporary").iterdir()] == []


@pytest.mark.parametrize("kept", [False, True])
def test_a_command_that_does_not_answer_can_be_cancelled(small: Path, kept: bool) -> None:
    """As `ssh` to a machine that is not there."""
    node = Node(("sh", "-c", "cat > /dev/null" if kept else "sleep 60"), kept=kept)
    began = time.monotonic()
    ended = execute(request_of(small, node), lambda _: None, lambda: time.monotonic() - began > 0.3)

    assert ended == ("canceled", -1)
    assert time.monotonic() - began < 5
    assert_nothing_is_left(small, "ident")


def test_a_job_holds_what_the_run_needs_and_nothing_of_the_environment(places: Path) -> None:
    arguments = ("--check", "--limit", "here,there")
    request = request_of(places, Node(("x",), environment=(SENT,)), arguments=arguments, extra_vars=variables())
    job = remote_job.write(request, Node.of(request.node), places / "temporary").read_bytes()
    head, size, rest = job.split(b"\n", 2)
    archive = zipfile.ZipFile(io.BytesIO(b64decode(rest[: (json.loads(size)["zipfile"] + 2) // 3 * 4])))
    names, kwargs = archive.namelist(), json.loads(head)["kwargs"]

    assert kwargs["cmdline"] == "--check --limit here,there"
    assert (kwargs["playbook"], kwargs["inventory"]) == ("playbooks/far.yml", "inventory/lab")
    assert kwargs["envvars"][SENT] == "false"
    assert json.loads(archive.read("env/extravars")) == variables()
    assert archive.getinfo("env/extravars").external_attr >> 16 & 0o777 == 0o600
    collection = str(remote_job.COLLECTION)
    assert {
        "inventory/lab/group_vars/all.yml",
        "project/ansible.cfg",
        f"{collection}/roles/base/tasks/main.yml",
    } <= set(names)
    assert [name for name in names if "__pycache__" in name or "_cache/" in name] == []
    assert PASSWORD.encode() not in head  # a command line there would show it
    for content in (head, *map(archive.read, names)):
        assert SECRET.encode() not in content


def test_an_inventory_of_one_file_takes_its_variables_along(small: Path) -> None:
    request = replace(request_of(small, Node(("x",))), inventory=small / "lab" / "hosts")
    job = remote_job.write(request, Node(("x",)), small / "temporary").read_bytes()
    archive = zipfile.ZipFile(io.BytesIO(b64decode(job.split(b"\n", 2)[2].rpartition(b"{")[0])))

    assert {"inventory/hosts", "inventory/group_vars/all.yml"} <= set(archive.namelist())


NODES: dict[str, tuple[Callable[[], Node], str]] = {
    "ssh": (
        lambda: Node.ssh("control-2", "-p", "2222"),
        "ssh -T -o BatchMode=yes -o ServerAliveInterval=15 -p 2222 -- control-2 python3 -c",
    ),
    "receptor": (
        lambda: Node.receptor("node-b", "--signwork", socket="/run/receptor.sock"),
        "receptorctl --socket /run/receptor.sock work submit --node node-b --payload - --follow --rm --signwork "
        "ansible-runner",
    ),
}


@pytest.mark.parametrize(("node", "command"), NODES.values(), ids=NODES)
def test_the_command_of_a_node_is_what_its_kind_wants(node: Callable[[], Node], command: str) -> None:
    made = node()
    assert " ".join(made.command).startswith(command)
    assert Node.of(json.loads(json.dumps(asdict(made)))) == made
