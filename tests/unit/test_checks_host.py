"""What a host says about itself: from text to facts, and from facts to green or red."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.health import host as checks_host
from ansible_collections.mcp.aws.plugins.module_utils.health.rules import examine
from ansible_collections.mcp.aws.plugins.module_utils.host import facts as host_facts

EXPECTED = {
    "unit": "mcp@blue.service",
    "project": "mcp-blue",
    "postgresql_major": 12,
    "redis_major": 7,
    "disk_limit_percent": 85,
    "memory_available_min_mb": 100,
    "cpu_limit_percent": 90,
    "restart_limit_seconds": 30,
}
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ACTIVE = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "UnitFileState": "enabled",
    "Restart": "always",
    "NRestarts": "0",
}
CONTAINER = {
    "name": "mcp-blue", "status": "running", "health": "healthy", "restarts": 0, "policy": "no",
    "image": f"mcp:{COMMIT[:12]}-0c1d2e3f", "started": "",
}  # fmt: skip
IMAGE = {
    "name": CONTAINER["image"], "id": "ab", "created": "2026-01-01T00:00:00", "size_mb": 210,
    "labels": {"org.opencontainers.image.revision": COMMIT},
}  # fmt: skip
HELD = f"{COMMIT[:12]}-5f2a9c01"
BLUE, GREEN = {"release": HELD, "running": 1}, {"release": "", "running": 0}
SECRETS = {"path": "/opt/mcp/slots/blue/secrets.env", "mode": "0600", "owner": "root", "names": 3}
ENVIRONMENT = {"path": "/opt/mcp/slots/blue/mcp.env", "mode": "0600", "owner": "root", "names": 2}
SOUND: dict[str, Any] = {
    "login": {"user": "admin", "root": True, "hostname": "mcp", "system": "Debian GNU/Linux 12"},
    "cpu": {"percent": 12.0, "samples": 1, "load": "0.20", "cores": 1},
    "memory": {"total_mb": 970, "available_mb": 388, "swap_used_mb": 0},
    "disks": [{"path": "/", "percent": 41.0, "free_mb": 9000}],
    "cloud_init": {"datasource": "DataSourceEc2Local", "errors": []},
    "units": {"mcp@blue.service": dict(ACTIVE), "docker.service": {**ACTIVE, "UnitFileState": "enabled-runtime"}},
    "failed_units": [],
    "docker": {"version": "29.0.1"},
    "compose": {"version": "v2.26.1-4"},
    "containers": [CONTAINER],
    "images": [IMAGE],
    "serving": {"slot": "blue"},
    "slots": {"blue": BLUE, "green": GREEN},
    "release": {"release": HELD, "image": CONTAINER["image"], "commit": COMMIT},
    "deploy": {
        "verb": "deploy",
        "version": "v1.4.2",
        "outcome": "ok",
        "started": "2026-01-01T00:00:00",
        "under_way": "",
    },
    "postgresql": {"version": "12.22 (Debian 12.22-1.pgdg120+1)", "checksums": "on"},
    "redis": {"redis_version": "7.0.15"},
    "source": {"commit": COMMIT, "subject": "Begin", "changed": 0},
    "environment_files": [ENVIRONMENT, SECRETS],
    "stored": {"rows": 1},
    "cached": {"key": "mcp:memory:x", "seconds_to_live": 299},
}


def judge(facts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = examine(checks_host.rules(EXPECTED), checks_host.complete(facts))
    return {check["id"]: check for check in found}


def test_a_sound_host_is_green() -> None:
    assert not [check for check in judge(SOUND).values() if not check["ok"]]


@pytest.mark.parametrize(
    ("part", "value", "red", "measured"),
    [
        ("login", {"root": False}, {"ssh"}, "not root"),
        ("cpu", {"percent": 97.5}, {"cpu"}, "97.5 % of 1 CPU, load 0.20"),
        ("memory", {"available_mb": 99}, {"memory"}, "99 of 970 MB"),
        ("disks", [{"path": "/", "percent": 85.1, "free_mb": 1}], {"disk"}, "/ 85.1 %"),
        ("disks", [], {"disk"}, "none"),
        ("cloud_init", {"errors": ["runcmd failed"]}, {"cloud_init"}, "runcmd failed"),
        ("failed_units", ["nginx.service"], {"failed_units"}, "nginx.service"),
        ("docker", {"version": ""}, {"docker"}, "unexpected answer"),
        ("compose", {"version": "1.29.2"}, {"compose"}, "1.29.2"),
        ("postgresql", {"version": "15.18 (Debian)"}, {"postgresql"}, "15.18"),
        ("redis", {"redis_version": "6.2.1"}, {"redis"}, "6.2.1"),
        ("source", {"changed": 2}, {"source"}, "2 files changed"),
        ("environment_files", [ENVIRONMENT, {**SECRETS, "mode": "0644"}], {"environment"}, "secrets.env 0644 root"),
        ("environment_files", [{**ENVIRONMENT, "owner": "admin"}], {"environment"}, "mcp.env 0600 admin"),
        ("environment_files", [{**SECRETS, "names": 0}], {"environment"}, "0 variables"),
        ("images", [], {"image"}, "not there"),
        ("images", [{**IMAGE, "labels": {}}], {"image"}, f"from no commit, not {COMMIT[:12]}"),
        ("release", {"commit": "f" * 40}, {"image"}, f"from {COMMIT[:12]}, not ffffffffffff"),
        ("release", {"image": "mcp:fff-1"}, {"image"}, "the release has mcp:fff-1"),
        ("serving", {"error": "no slot serves"}, {"slots"}, "no slot serves"),
        ("serving", {"slot": "green"}, {"slots"}, f"blue runs, {HELD}; green serves but does not run, empty"),
        ("slots", {"green": BLUE}, {"slots"}, f"green runs, {HELD}"),
        ("slots", {"blue": {**BLUE, "running": 0}}, {"slots"}, "blue serves but does not run"),
        ("deploy", {"under_way": "ann holds the lock"}, {"last_deploy"}, "ann holds the lock"),
        ("deploy", {"error": "No such file"}, {"last_deploy"}, "No such file"),
        ("containers", [], {"image", "containers", "restart_policy"}, "none"),
        ("containers", [{**CONTAINER, "health": "unhealthy"}], {"containers"}, "mcp-blue running, unhealthy"),
        ("containers", [{**CONTAINER, "status": "exited"}], {"containers"}, "mcp-blue exited"),
        ("units", {"docker.service": {**ACTIVE, "ActiveState": "failed"}}, {"units"}, "docker failed, enabled"),
        ("units", {"docker.service": {**ACTIVE, "UnitFileState": "disabled"}}, {"units"}, "docker active, disabled"),
        ("units", {"mcp@blue.service": {**ACTIVE, "Restart": "no"}}, {"restart_policy"}, "systemd no; container no"),
        ("units", {"mcp@blue.service": {**ACTIVE, "UnitFileState": ""}}, {"units", "unit"}, "mcp@blue active, loaded"),
        ("stored", {"rows": 0}, {"stored"}, "0 rows"),
        ("cached", {"seconds_to_live": -2}, {"cached"}, "not there"),
    ],
)
def test_what_is_wrong_is_red(part: str, value: Any, red: set[str], measured: str) -> None:
    facts = copy.deepcopy(SOUND)
    facts[part] = {**facts[part], **value} if isinstance(value, dict) else value
    found = judge(facts)
    assert {name for name, check in found.items() if not check["ok"]} == red
    assert any(measured in found[name]["measured"] for name in red)


def test_while_no_slot_serves_its_unit_is_named_for_any() -> None:
    unit = host_facts.in_slot("mcp@{slot}.service", "")
    found = examine(checks_host.rules({**EXPECTED, "unit": unit}), SOUND)
    (check,) = (check for check in found if check["id"] == "unit")
    assert (check["ok"], check["measured"]) == (False, "mcp@* is not there, as no slot serves")
    assert "journalctl -u mcp@*.service" in check["hint"]


def test_the_engine_may_be_who_restarts() -> None:
    facts = copy.deepcopy(SOUND)
    facts["units"]["mcp@blue.service"]["Restart"] = "no"
    facts["containers"] = [{**CONTAINER, "policy": "unless-stopped"}]
    assert judge(facts)["restart_policy"]["ok"]


@pytest.mark.parametrize(
    ("seconds", "pid", "ok", "measured"),
    [
        ("4.21", 12, True, "ready, and its unit active, after 4.2 s"),
        ("30.5", 12, False, "after 30.5 s"),
        ("4.2", 11, False, "process 11 lives on"),
    ],
)
def test_restart(seconds: str, pid: int, ok: bool, measured: str) -> None:
    part = {"seconds": seconds, "pid": pid, "killed": 11}
    (check,) = examine(checks_host.restart_rules(EXPECTED), {"restart": part})
    assert check["ok"] is ok
    assert measured in check["measured"]


@pytest.mark.parametrize(
    ("text", "separator", "found"),
    [
        ('A=1\n# B=2\n\nC="x=y"\nnothing', "=", {"A": "1", "C": "x=y"}),
        ("# Server\r\nredis_version:7.0.15\r\n", ":", {"redis_version": "7.0.15"}),
    ],
)
def test_assignments(text: str, separator: str, found: dict[str, str]) -> None:
    assert host_facts.assignments(text, separator) == found


@pytest.mark.parametrize(
    ("before", "after", "percent"),
    [
        ("cpu  100 0 100 800 0 0 0 0 0 0", "cpu  130 0 120 850 0 0 0 0 0 0", 50.0),
        ("cpu  100 0 100 800 50 0 0 0 0 0", "cpu  100 0 100 850 100 0 0 0 0 0", 0.0),
        ("cpu  1 0 0 1 0 0 0 0 0 0", "cpu  1 0 0 1 0 0 0 0 0 0", 0.0),
    ],
)
def test_cpu(before: str, after: str, percent: float) -> None:
    assert host_facts.busy_percent(host_facts.cpu_times(before), host_facts.cpu_times(after)) == percent


def test_memory() -> None:
    meminfo = "MemTotal: 993280 kB\nMemAvailable: 397312 kB\nSwapTotal: 2048 kB\nSwapFree: 1024 kB\n"
    assert host_facts.memory(meminfo) == {"total_mb": 970, "available_mb": 388, "swap_used_mb": 1}


def test_disk_counts_like_df() -> None:
    status = SimpleNamespace(f_frsize=4096, f_blocks=1000, f_bfree=300, f_bavail=250)
    assert host_facts.disk(status) == {"percent": 73.7, "free_mb": 0}


def test_units() -> None:
    shown = "Id=a.service\nActiveState=active\n\nId=b.service\nActiveState=failed\n"
    assert {name: unit["ActiveState"] for name, unit in host_facts.units(shown).items()} == {
        "a.service": "active",
        "b.service": "failed",
    }


def test_container_without_health_check() -> None:
    found = {
        "Name": "/mcp",
        "State": {"Status": "running"},
        "HostConfig": {"RestartPolicy": {"Name": ""}},
        "Config": {"Image": "mcp:1"},
    }
    assert (host_facts.container(found)["health"], host_facts.container(found)["policy"]) == ("no health check", "no")


def test_a_server_that_was_given_nothing_has_empty_environment_files() -> None:
    empty = [{**ENVIRONMENT, "names": 0}, {**SECRETS, "names": 0}]
    assert checks_host.environment(empty, given=False)[0]
    assert not checks_host.environment(empty, given=True)[0]
    assert not checks_host.environment([{**ENVIRONMENT, "mode": "0644"}], given=False)[0]
