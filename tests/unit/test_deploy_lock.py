"""The deploy lock: who is dead, what is said, what the kernel's tables tell, and two real runs that want it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.mcp.aws.plugins.module_utils import deploy_lock
from ansible_collections.mcp.aws.plugins.module_utils.deploy_lock import Lock
from ansible_collections.mcp.aws.plugins.plugin_utils import playbook_run

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 26, 16, 30, tzinfo=UTC)
MINE = Lock("mine", "eve@desk", "desk", "boot-1", 11, "100", "deploy", "v2")
SSH = "10.0.0.9 53412 10.0.0.2 22"


def held(age: float, **other: str) -> Lock:
    """Return a lock of another node that was taken 10 minutes ago and renewed so many seconds ago."""
    lock = Lock("theirs", "ann@build", "build", "boot-7", 4711, "55", "deploy", "main", connection=SSH)
    began, renewed = (NOW - timedelta(seconds=seconds) for seconds in (610, age))
    return replace(lock, **({"began": began.isoformat(), "renewed": renewed.isoformat()} | other))


HERE = {"node": "desk", "boot": "boot-1"}


@pytest.mark.parametrize(
    ("lock", "connected", "gone", "why"),
    [
        (held(1800), True, "", ""),
        (held(1801), True, "", "longer than its lease of 30 min"),
        (held(119), False, "", ""),
        (held(121), False, "", "its connection is closed, and it was not heard of for 2 min 1 s"),
        (held(1800), None, "", ""),
        (held(-99999), False, "", ""),
        (held(9999, **HERE), False, "", ""),
        (held(0, **HERE), True, "theirs", "its process 4711 on desk has ended"),
        (held(0, **HERE), True, "another", ""),
        (held(1801, node="desk", boot=""), None, "", "longer than its lease"),
    ],
)
def test_who_is_dead(lock: Lock, connected: bool | None, gone: str, why: str) -> None:
    found = deploy_lock.why_dead(lock, MINE, NOW, 1800, connected, gone)
    assert why in found
    assert bool(why) == bool(found)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.6, "1 min"),
        (250, "4 min 10 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (273600, "3 d 4 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert deploy_lock.duration(seconds) == text


@pytest.mark.parametrize(
    ("lock", "hope"),
    [
        (held(10), "taken over at 16:59:50 UTC; if you know that it is dead, delete /x/lock.json on the host."),
        (held(10, **HERE), "That process lives. Wait for it with stack_lock_wait, or end it"),
    ],
)
def test_a_refusal_names_holder_time_and_remedy(lock: Lock, hope: str) -> None:
    said = deploy_lock.refusal(lock, MINE, NOW, 1800, Path("/x/lock.json"))
    assert "ann@build holds the lock since 2026-11-26 16:19:50 UTC, for 10 min 10 s: deploy of main" in said
    assert f"by process 4711 on {lock.node}" in said
    assert hope in said


TCP = """  sl  local_address rem_address   st tx_queue
   0: 0200000A:0016 0900000A:D0A4 {state} 00000000:00000000
   1: 00000000:0016 00000000:0000 0A 00000000:00000000
"""
MAPPED = "   0: 0000000000000000FFFF00000200000A:0016 0000000000000000FFFF00000900000A:D0A4 01 0\n"
SIX = "   0: B80D0120000000000000000002000000:0016 B80D0120000000000000000009000000:D0A4 01 0\n"


@pytest.mark.parametrize(
    ("connection", "table", "open_"),
    [
        (SSH, TCP.format(state="01"), True),
        (SSH, TCP.format(state="06"), False),
        (SSH, MAPPED, True),
        ("10.0.0.9 53413 10.0.0.2 22", MAPPED, False),
        ("2001:db8::9 53412 2001:db8:0::2 22", SIX, True),
        (SSH, "", False),
    ],
)
def test_connections_in_the_tables_of_the_kernel(connection: str, table: str, open_: bool) -> None:
    assert deploy_lock.established(connection, table) is open_


def test_the_connection_is_found_above_sudo_and_so_is_a_task_that_was_left(tmp_path: Path) -> None:
    by_ssh = f"A=1\0SSH_CONNECTION={SSH}\0"
    for pid, above, environment in ((9, 8, "HOME=/root"), (8, 7, by_ssh), (7, 1, ""), (5, 7, by_ssh), (4, 5, "B=2")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "environ").write_text(environment)
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a ) name) S {above} 1 1")
    assert deploy_lock.connection_of(9, tmp_path) == SSH
    assert deploy_lock.connection_of(7, tmp_path) == ""
    assert deploy_lock.at_work(SSH, 9, tmp_path) == [5]
    assert deploy_lock.at_work("", 9, tmp_path) == []


def test_a_damaged_file_is_named_and_a_full_one_comes_back(tmp_path: Path) -> None:
    assert deploy_lock.read(tmp_path) is None
    deploy_lock.write(tmp_path, held(1))
    assert deploy_lock.read(tmp_path) == held(1)
    assert (tmp_path / "lock.json").stat().st_mode & 0o777 == 0o640
    for text in ("", "7", "{}", json.dumps(held(1, began="yesterday").as_dict())):
        (tmp_path / "lock.json").write_text(text)
        with pytest.raises(ValueError, match=r"lock\.json is damaged .* Delete it when no deploy is running\."):
            deploy_lock.read(tmp_path)


def test_one_at_a_time_looks_at_the_file(tmp_path: Path) -> None:
    with (
        deploy_lock.guarded(tmp_path),
        pytest.raises(TimeoutError, match="fuser -v"),
        deploy_lock.guarded(tmp_path, patience=0),
    ):
        pass
    with deploy_lock.guarded(tmp_path, patience=0):
        pass


def test_a_process_is_known_by_its_start() -> None:
    this = playbook_run.holder()
    with subprocess.Popen(["sleep", "60"]) as process:
        other = {**this, "pid": process.pid, "started": playbook_run.started(process.pid)}
        assert not playbook_run.gone(other, this)
        assert playbook_run.gone({**other, "started": "1"}, this)  # another process has got its number
        assert not playbook_run.gone({**other, "started": "1", "node": "elsewhere"}, this)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, though nobody has waited for it
        assert playbook_run.gone(other, this)


PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - mcp.aws.deploy_lock: {path: "{{ place }}", version: "{{ me }}", wait: 30}
    - mcp.aws.deploy_lock: {path: "{{ place }}", version: "{{ me }}"}
    - ansible.builtin.wait_for: {path: "{{ place }}/go", timeout: 30, sleep: 1}
    - mcp.aws.deploy_lock: {path: "{{ place }}", version: "{{ me }}", state: released, outcome: ok, release: r1}
"""


def records(place: Path) -> list[dict[str, str]]:
    file = place / "deploys.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_of_two_runs_one_has_the_lock_and_when_it_is_killed_the_other_gets_it(tmp_path: Path) -> None:
    (tmp_path / "playbook.yml").write_text(PLAYBOOK)
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(tmp_path / "playbook.yml")]
    environment = os.environ | {"ANSIBLE_CALLBACKS_ENABLED": "mcp.aws.payload_cache, mcp.aws.workflow"}
    environment.pop("PYTHONUNBUFFERED", None)  # as in cron
    runs = {
        me: subprocess.Popen(
            [*command, "-i", "localhost,", "-e", f"place={tmp_path} me={me}"],
            cwd=ROOT,
            env=environment,
            stdout=(tmp_path / f"{me}.log").open("w"),
            stderr=subprocess.STDOUT,
        )
        for me in ("one", "two")
    }
    try:
        deadline = time.monotonic() + 30
        while not (found := deploy_lock.read(tmp_path)):
            assert time.monotonic() < deadline, [process.poll() for process in runs.values()]
            time.sleep(0.1)
        other = "two" if found.version == "one" else "one"
        loser, killed = runs[other], runs[found.version]
        said = tmp_path / f"{other}.log"
        while "holds the lock since" not in said.read_text():
            assert loser.poll() is None, f"the other run has ended: {said.read_text()}"
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.1)
        assert f"deploy of {found.version}" in said.read_text()
        assert killed.pid == found.pid
        killed.kill()
        killed.wait()
        (tmp_path / "go").touch()
        assert loser.wait(30) == 0, said.read_text()
        assert [(record["version"], record["outcome"]) for record in records(tmp_path)] == [
            (found.version, "abandoned"),
            (other, "ok"),
        ]
        assert deploy_lock.read(tmp_path) is None
    finally:
        for process in runs.values():
            process.kill()
