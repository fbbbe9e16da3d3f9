"""The deploy lock of the role stack: real runs that want it, and what is said of who holds it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.deploy import log as deploy_log

ROOT = Path(__file__).parents[2]
PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    __stack_verb: deploy
    __stack_version: "{{ me }}"
    __stack_outcome: ok
    __stack_release: {release: r1, commit: c1}
  tasks:
    - ansible.builtin.include_role: {name: mcp.aws.stack, tasks_from: lock}
    - ansible.builtin.include_role: {name: mcp.aws.stack, tasks_from: lock}
    - ansible.builtin.wait_for: {path: "{{ __stack_state }}/go", timeout: 30, sleep: 1}
    - ansible.builtin.include_role: {name: mcp.aws.stack, tasks_from: unlock}
"""


def start(place: Path, me: str, *arguments: str, **settings: Any) -> subprocess.Popen[str]:
    """Begin a run whose host keeps its lock in a folder of its own."""
    (place / "playbook.yml").write_text(PLAYBOOK)
    given = {"__stack_state": str(place), "me": me, **settings}
    environment = {**os.environ, "ANSIBLE_CALLBACKS_ENABLED": "mcp.aws.payload_cache, mcp.aws.workflow"}
    environment.pop("PYTHONUNBUFFERED", None)  # as in cron
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "playbook.yml", "-i", "localhost,", *arguments]
    return subprocess.Popen(
        [*command, "-e", json.dumps(given)],
        cwd=place,
        env=environment | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        stdout=(place / f"{me}.log").open("w"),
        stderr=subprocess.STDOUT,
        text=True,
    )


def said(place: Path, me: str) -> str:
    """What a run has printed, in one line."""
    return " ".join((place / f"{me}.log").read_text().split())


def finished(place: Path, me: str, *arguments: str, **settings: Any) -> tuple[int, str]:
    (place / "go").touch()
    return start(place, me, *arguments, **settings).wait(60), said(place, me)


def hold(place: Path, age: int = 0, **change: Any) -> None:
    """Let another control node hold the lock for some seconds."""
    began = datetime.fromtimestamp(time.time() - age, UTC).isoformat(timespec="milliseconds")
    lock = {"run": "theirs", "who": "ann@build", "node": "build", "boot": "boot-7", "pid": 4711, "started": "55"}
    file = place / deploy_log.LOCK
    file.write_text(json.dumps(lock | {"verb": "deploy", "version": "main", "began": began} | change, indent=1) + "\n")
    os.utime(file, (time.time() - age,) * 2)


def test_of_two_runs_one_has_the_lock_and_when_it_is_killed_the_other_gets_it(tmp_path: Path) -> None:
    runs = {me: start(tmp_path, me, stack_lock_wait=60) for me in ("one", "two")}
    try:
        deadline = time.monotonic() + 60
        while not (found := deploy_log.lock(tmp_path)):
            assert time.monotonic() < deadline, [process.poll() for process in runs.values()]
            time.sleep(0.1)
        other = "two" if found["version"] == "one" else "one"
        loser, killed = runs[other], runs[found["version"]]
        while "holds the lock since" not in said(tmp_path, other):
            assert loser.poll() is None, f"the other run has ended: {said(tmp_path, other)}"
            assert time.monotonic() < deadline, said(tmp_path, other)
            time.sleep(0.1)
        assert f"deploy of {found['version']} by process {killed.pid}" in said(tmp_path, other)
        assert killed.pid == found["pid"]
        killed.kill()
        os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)  # dead, though nobody has waited for it
        (tmp_path / "go").touch()
        assert loser.wait(60) == 0, said(tmp_path, other)
        assert f"as that run is dead (its process {killed.pid} on" in said(tmp_path, other)
        ends = [(record["version"], record["outcome"]) for record in deploy_log.read(tmp_path)]
        assert ends == [(found["version"], "abandoned"), (other, "ok")]
        assert deploy_log.lock(tmp_path) == {}
    finally:
        for process in runs.values():
            process.kill()


def test_a_refusal_names_holder_time_and_remedy_and_check_mode_says_it_too(tmp_path: Path) -> None:
    hold(tmp_path, age=610)
    code, text = finished(tmp_path, "me")
    assert code == 2, text
    assert "ann@build holds the lock since 2" in text
    assert " UTC, for 61" in text
    assert "s: deploy of main by process 4711 on build. Wait for it with stack_lock_wait. It is taken over 11" in text
    assert "if you know that it is dead, break the lock with -e stack_lock_break=true." in text
    code, text = finished(tmp_path, "check", "--check")
    assert code == 0, text
    assert "A real run would have to wait: ann@build holds the lock" in text
    assert deploy_log.lock(tmp_path)["run"] == "theirs"
    assert deploy_log.read(tmp_path) == []


@pytest.mark.parametrize(
    ("age", "change", "settings", "why"),
    [
        (1900, {"began": "yesterday", "who": None}, {}, "it is older than its lease of 1800 s"),
        (10, {}, {"stack_lock_break": True}, "stack_lock_break is set"),
    ],
)
def test_who_is_dead(tmp_path: Path, age: int, change: dict[str, Any], settings: dict[str, Any], why: str) -> None:
    hold(tmp_path, age, **change)
    (tmp_path / "lock").touch()  # what earlier versions guarded their file with
    code, text = finished(tmp_path, "me", **settings)
    assert code == 0, text
    assert f"Took the lock over, as that run is dead ({why}" in text
    assert [record["outcome"] for record in deploy_log.read(tmp_path)] == ["abandoned", "ok"]
    assert not list(tmp_path.glob("lock*")) + list(tmp_path.glob(".*"))


def test_a_damaged_lock_is_named_and_broken(tmp_path: Path) -> None:
    (tmp_path / deploy_log.LOCK).write_text("7")
    code, text = finished(tmp_path, "me")
    assert code == 2, text
    assert "A run that is unknown, as the file is damaged, holds the lock for" in text
    (tmp_path / deploy_log.LOCK).write_text('{"run"')
    assert finished(tmp_path, "again", stack_lock_break=True)[0] == 0


def test_the_record_is_bounded_and_tells_who_what_when_and_how_it_ended(tmp_path: Path) -> None:
    (tmp_path / deploy_log.FILE).write_text("".join(f'{{"run": "{number}"}}\n' for number in range(1000)))
    assert finished(tmp_path, "me", __stack_reason="x" * 9999)[0] == 0
    assert len((tmp_path / deploy_log.FILE).read_text().splitlines()) == 1000
    record = deploy_log.read(tmp_path)[-1]
    assert (record["verb"], record["version"], record["release"], record["commit"]) == ("deploy", "me", "r1", "c1")
    assert (record["outcome"], record["reason"]) == ("ok", "x" * 2000)
    assert record["who"].endswith(f"@{record['node']}")
    assert 0 < record["seconds"] < 60
    assert (tmp_path / deploy_log.FILE).stat().st_mode & 0o777 == 0o640
