"""What the running Redis says of itself after the role redis."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from questions import eventually, journal, listeners, outside_address, run, variables
from testinfra.host import Host

UNIT = "redis-server"
PASSWORD = variables()["redis_password"]


def ask(host: Host, *words: str, password: str | None = PASSWORD, address: str = "127.0.0.1") -> str:
    env = {} if password is None else {"REDISCLI_AUTH": password}
    return run(host, "redis-cli", "-h", address, *words, env=env)[1].strip()


def test_server_runs_and_starts_at_boot_after_docker(host: Host) -> None:
    assert host.service(UNIT).is_running, journal(host, UNIT)
    assert host.service(UNIT).is_enabled
    assert "docker.service" in host.check_output(f"systemctl show -p After {UNIT}")


def test_version(host: Host) -> None:
    assert "redis_version:7." in ask(host, "info", "server")


def test_listens_on_loopback_and_bridge_alone(host: Host) -> None:
    assert listeners(host, 6379) == {"127.0.0.1": "redis-server", "172.30.0.1": "redis-server"}


def test_process_belongs_to_redis(host: Host) -> None:
    assert host.check_output("ps -C redis-server -o user=") == "redis"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("maxmemory", str(64 * 1024 * 1024)),
        ("maxmemory-policy", "allkeys-lru"),
        ("appendonly", "yes"),
        ("appendfsync", "everysec"),
        ("timeout", "300"),
    ],
)
def test_setting_is_in_force(host: Host, name: str, value: str) -> None:
    assert ask(host, "config", "get", name).split() == [name, value]


def test_password_lets_in_over_the_bridge(host: Host) -> None:
    assert ask(host, "set", "molecule", "7", address="172.30.0.1") == "OK"
    assert ask(host, "get", "molecule") == "7"


@pytest.mark.parametrize(("password", "says"), [(None, "NOAUTH"), ("wrong", "WRONGPASS")])
def test_stranger_is_refused(host: Host, password: str | None, says: str) -> None:
    said = ask(host, "get", "molecule", password=password)
    assert says in said
    assert "NOAUTH" in said


def test_outside_address_does_not_answer(host: Host) -> None:
    assert "Connection refused" in ask(host, "ping", address=outside_address(host))


def test_password_is_nowhere_in_clear(host: Host) -> None:
    assert PASSWORD not in host.check_output("ps -eo args")
    assert run(host, "grep", "-rF", PASSWORD, "/etc/redis")[0] == 1


def test_writes_survive_a_restart(host: Host) -> None:
    assert ask(host, "set", "kept", "yes") == "OK"
    host.check_output(f"systemctl restart {UNIT}")
    assert eventually(lambda: ask(host, "ping") == "PONG"), journal(host, UNIT)
    assert ask(host, "get", "kept") == "yes"
    assert set(listeners(host, 6379)) == {"127.0.0.1", "172.30.0.1"}
