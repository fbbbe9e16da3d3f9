"""What the running engine says of itself after the role docker."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from questions import eventually, journal
from testinfra.host import Host

# An image without a registry: one static program of the host.
BUILD = "tar -C /usr/bin -c busybox | docker import -c 'ENTRYPOINT [\"/busybox\"]' - molecule/busybox"


@pytest.fixture(scope="module")
def image(host: Host) -> str:
    host.check_output("apt-get install -y -q busybox-static >/dev/null && " + BUILD)
    return "molecule/busybox"


def info(host: Host, template: str) -> str:
    return host.check_output("docker info --format %s", template)


def test_engine_runs_and_starts_at_boot(host: Host) -> None:
    unit = host.service("docker")
    assert unit.is_running, journal(host, "docker")
    assert unit.is_enabled


def test_compose_is_version_2(host: Host) -> None:
    assert host.check_output("docker compose version --short").lstrip("v").startswith("2.")


def test_daemon_settings_are_in_force(host: Host) -> None:
    assert info(host, "{{.LoggingDriver}} {{.LiveRestoreEnabled}}") == "local true"
    pools = json.loads(info(host, "{{json .DefaultAddressPools}}"))
    assert pools == [{"Base": "172.29.0.0/16", "Size": 24}]


def test_bridge_has_its_address(host: Host) -> None:
    assert "172.30.0.1/24" in host.check_output("ip -4 -o address show docker0")


def test_container_reaches_the_host_over_the_bridge(host: Host, image: str) -> None:
    assert host.check_output(f"docker run --rm {image} ping -c 1 -W 2 172.30.0.1"), journal(host, "docker")


def test_new_networks_come_from_the_pool(host: Host) -> None:
    host.check_output("docker network create molecule")
    subnet = host.check_output("docker network inspect -f %s molecule", "{{(index .IPAM.Config 0).Subnet}}")
    host.check_output("docker network rm molecule")
    assert subnet.startswith("172.29.")


def test_containers_outlive_a_restart_of_the_engine(host: Host, image: str) -> None:
    name = host.check_output(f"docker run -d {image} sleep 300")
    before = host.check_output(f"docker inspect -f {{{{.State.Pid}}}} {name}")
    host.check_output("systemctl restart docker")
    assert eventually(lambda: host.run("docker info").rc == 0), journal(host, "docker")
    after = host.check_output(f"docker inspect -f {{{{.State.Pid}}}} {name}")
    host.check_output(f"docker rm -f {name}")
    assert after == before


def test_socket_is_closed_to_others(host: Host) -> None:
    socket = host.file("/var/run/docker.sock")
    assert (socket.user, socket.group, oct(socket.mode)) == ("root", "docker", "0o660")
