"""What the benchmarks of hosts make of what they measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.converge import report
from bench.converge.report import Cost
from bench.converge.tools import wanted
from bench.footprint import watch


def measured(fresh: float, again: float) -> report.Measured:
    ours = {"fresh": [Cost(fresh, 4, 20)] * 3, "no-op": [Cost(again, 2, 3)] * 3}
    return {"ours": ours, "pyinfra": {"fresh": [Cost(25, 1, 18)], "no-op": [Cost(3, 1, 1)]}}


def host(**changed: Any) -> dict[str, Any]:
    file = {"path": "/etc/redis/redis.conf", "mode": "640", "user": "root", "group": "redis", "content": "port 6379"}
    return {"packages": {"redis-server": "7"}, "files": [file], "services": {"redis": "PONG"}} | changed


def test_medians_are_judged_beside_their_limits() -> None:
    kept, missed = report.judgment(measured(40, 9))[1:]
    assert "ours/pyinfra 1.60; ours 40.0 s" in kept
    assert kept.endswith("kept")
    assert missed.endswith("MISSED by 1.5 s")
    assert len(report.table(measured(40, 9))) == 2 + 4


def test_equal_hosts_have_no_differences() -> None:
    assert list(report.differences(host(), host())) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"packages": {}}, "package redis-server: ours 7, pyinfra nothing"),
        ({"services": {"redis": "NOAUTH"}}, "answer of redis: ours PONG, pyinfra NOAUTH"),
        ({"files": []}, "file /etc/redis/redis.conf"),
    ],
)
def test_difference_is_named(changed: dict[str, Any], says: str) -> None:
    (said,) = report.differences(host(), host(**changed))
    assert said.startswith(says)


def test_secret_that_each_host_draws_is_no_difference() -> None:
    line = "user default on #aa +@all\nuser admin on #{} ~* +@all &file:{}\n"
    ours, peer = (
        [{"path": "/etc/redis/users.acl", "content": line.format(*pair)}] for pair in (("1a", "b2"), ("3c", "d4"))
    )
    assert list(report.differences(host(files=ours), host(files=peer))) == []


def test_peer_gets_what_our_roles_added() -> None:
    timer = {"path": "/etc/systemd/system/prune.timer"}
    asked = wanted({"manual": ["bash"]}, {"manual": ["redis-server", "bash"], "files": [timer]}, "secret")
    assert asked["packages"] == ["redis-server"]
    assert asked["units"]["prune.timer"] == []


@pytest.mark.parametrize(
    ("group", "whose"),
    [
        ("/system.slice/redis-server.service", "redis-server.service"),
        ("/system.slice/docker-4f2a.scope", "container mcp"),
        ("/docker/4f2a", "container mcp"),
        ("/user.slice/user-1000.slice/session-c12.scope", "logins"),
        ("/", "others"),
    ],
)
def test_memory_is_told_by_unit(group: str, whose: str) -> None:
    assert watch.unit(group, {"4f2a": "mcp"}) == whose


def test_number_is_the_one_after_the_word(tmp_path: Path) -> None:
    (tmp_path / "events").write_text("oom 3\noom_kill 2\n")
    assert watch.number(tmp_path / "events", "oom_kill") == 2
    assert watch.number(tmp_path / "events", "absent") == 0
    assert watch.number(tmp_path / "absent") == 0
