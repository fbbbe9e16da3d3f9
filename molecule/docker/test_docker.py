"""What the running engine says of itself after the role docker, and what it does on a bad day."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cis import EXCEPTIONS, ITEMS, Item
from questions import eventually, journal, listeners, outside_address, run
from testinfra.host import Host

# An image without a registry: one static program of the host.
IMAGE = "molecule/busybox"
BUILD = f"tar -C /usr/bin -c busybox | docker import -c 'ENTRYPOINT [\"/busybox\"]' - {IMAGE}"
WEB = "/busybox mkdir -p /www; echo hello > /www/index.html; exec /busybox httpd -f -p 80 -h /www"
# An engine of a higher version: Debian's own package with another number. Installing it takes as long as a file says.
NEWER = """set -e
mkdir -p /srv/newer && cd /srv/newer && apt-get download -q docker.io
dpkg-deb --raw-extract docker.io_*.deb tree && rm docker.io_*.deb
sed -i 's/^Version: .*/&+molecule1/' tree/DEBIAN/control
sed -i '1a if [ -e /srv/newer/slow ]; then touch /srv/newer/waits; sleep 60; fi' tree/DEBIAN/postinst
dpkg-deb --root-owner-group -Znone --build tree docker.io.deb >/dev/null && rm -r tree
{ dpkg-deb --field docker.io.deb; echo "Filename: ./docker.io.deb"; echo "Size: $(stat -c %s docker.io.deb)"
  echo "SHA256: $(sha256sum docker.io.deb | cut -d' ' -f1)"; } > Packages
echo 'deb [trusted=yes] file:/srv/newer ./' > /etc/apt/sources.list.d/newer.list
"""


def apply(playbook: str = "molecule/shared/converge.yml", tasks: str = "main", **settings: Any) -> tuple[int, str]:
    """Exit status and output of the role, a file of its tasks or another playbook, applied with other variables."""
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
    words = ["ansible-playbook", "-i", str(folder / "inventory"), "-e", json.dumps({"tasks_from": tasks, **settings})]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(folder / "ansible.cfg")}
    command = [*words, playbook]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.fixture(scope="module")
def image(host: Host) -> str:
    host.check_output(BUILD)
    return IMAGE


@pytest.fixture
def web(host: Host, image: str) -> Iterator[str]:
    """A container with a page on a port of loopback and one of all addresses."""
    ports = "-p 127.0.0.1:18101:80 -p 18102:80"
    name = host.check_output(f"docker run -d {ports} {image} sh -c '{WEB}'")
    yield name
    host.check_output(f"docker rm -f {name}")


def fetch(host: Host, address: str) -> str:
    """A page, fetched by the host itself."""
    script = f"import urllib.request as r; print(r.urlopen('http://{address}/', timeout=5).read().decode())"
    return host.run("python3 -c %s 2>&1", script).stdout.strip()


def process(host: Host, container: str) -> str:
    return host.check_output(f"docker inspect -f {{{{.State.Pid}}}} {container}")


def info(host: Host, template: str) -> str:
    return host.check_output("docker info --format %s", template)


def engine(host: Host) -> str:
    return host.check_output("systemctl show -p MainPID --value docker")


def settings(host: Host) -> dict[str, Any]:
    return dict(json.loads(host.file("/etc/docker/daemon.json").content_string))


def test_engine_runs_and_starts_at_boot(host: Host) -> None:
    unit = host.service("docker")
    assert unit.is_running, journal(host, "docker")
    assert unit.is_enabled


def test_compose_is_version_2(host: Host) -> None:
    assert host.check_output("docker compose version --short").lstrip("v").startswith("2.")


def test_buildx_answers_and_ansible_can_talk_to_the_engine(host: Host) -> None:
    assert host.check_output("docker buildx version")
    host.check_output("python3 -c 'import requests'")


def test_daemon_settings_are_in_force(host: Host) -> None:
    assert info(host, "{{.LoggingDriver}} {{.LiveRestoreEnabled}}") == "local true"
    assert json.loads(info(host, "{{json .DefaultAddressPools}}")) == [{"Base": "172.29.0.0/16", "Size": 24}]
    options = json.loads(host.check_output("docker network inspect -f '{{json .Options}}' bridge"))
    assert options["com.docker.network.bridge.enable_icc"] == "false"


def test_container_has_its_limits(host: Host, image: str) -> None:
    said = host.check_output(f"docker run --rm {image} sh -c 'ulimit -n; /busybox grep NoNewPrivs /proc/self/status'")
    assert said.split() == ["16384", "NoNewPrivs:", "1"]


def test_bridge_has_its_address(host: Host) -> None:
    assert "172.30.0.1/24" in host.check_output("ip -4 -o address show docker0")


def test_port_answers_without_a_proxy(host: Host, web: str) -> None:
    """On loopback to the host alone, on all addresses to everybody; the engine keeps others off the port."""
    outside = outside_address(host)
    for address in ("127.0.0.1:18101", f"{outside}:18102", "127.0.0.1:18102"):
        assert fetch(host, address) == "hello", address
    with urllib.request.urlopen(f"http://{outside}:18102/", timeout=5) as answer:
        assert answer.read() == b"hello\n"
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://{outside}:18101/", timeout=5)
    assert host.run("pgrep docker-proxy").rc == 1
    assert listeners(host, 18101) == {"127.0.0.1": "dockerd"}


def test_container_reaches_the_host_over_the_bridge(host: Host, image: str) -> None:
    """As it reaches PostgreSQL and Redis, from docker0 and from a network like Compose's."""
    host.check_output("docker network create --subnet 172.30.1.0/24 compose")
    listener = "python3 -m http.server --directory /srv --bind 172.30.0.1 5432"
    host.check_output(f"systemd-run --quiet --collect --unit listener {listener}")
    for network in ("bridge", "compose"):
        ask = f"docker run --rm --network {network} {image} nc -w 3 172.30.0.1 5432"
        assert eventually(lambda ask=ask: host.run(ask).rc == 0, 10), network + host.run(ask).stderr
    host.check_output("systemctl stop listener; docker network rm compose")


def test_new_networks_come_from_the_pool(host: Host) -> None:
    host.check_output("docker network create molecule")
    subnet = host.check_output("docker network inspect -f %s molecule", "{{(index .IPAM.Config 0).Subnet}}")
    host.check_output("docker network rm molecule")
    assert subnet.startswith("172.29.")


def test_user_of_the_list_may_use_the_engine(host: Host) -> None:
    assert host.check_output("getent group docker").endswith(":admin")
    assert run(host, "runuser", "-u", "admin", "--", "docker", "ps")[0] == 0
    assert "permission denied" in run(host, "runuser", "-u", "nobody", "--", "docker", "ps")[1]


def test_prune_takes_old_images_that_nothing_uses(host: Host, image: str) -> None:
    load = Path(__file__).with_name("load_image.py").read_text()
    names = {}
    for name, (created, tag) in {
        "old": ("2020-01-01T00:00:00Z", ""),
        "used": ("2020-01-01T00:00:00Z", ""),
        "named": ("2020-01-01T00:00:00Z", "molecule/named:1"),
        "young": (host.check_output("date -u +%FT%TZ"), ""),
    }.items():
        names[name] = host.check_output("python3 -c %s %s %s %s", load, name, created, tag)
    container = host.check_output(f"docker run -d {names['used']} sleep 300")
    host.check_output("docker volume create molecule")
    host.check_output("systemctl start docker-prune.service"), journal(host, "docker-prune")
    kept = host.check_output("docker images --all --quiet --no-trunc").split()
    assert {name for name, number in names.items() if number in kept} == {"used", "named", "young"}
    assert process(host, container) != "0"
    assert host.run("docker volume inspect molecule").rc == 0
    host.check_output(f"docker rm -f {container}; docker volume rm molecule")


def test_prune_has_its_day(host: Host) -> None:
    assert host.service("docker-prune.timer").is_running
    assert "Sun" in host.check_output("systemctl show -p NextElapseUSecRealtime docker-prune.timer")


@pytest.fixture(scope="module")
def evidence(host: Host) -> dict[str, str]:
    """What the commands of the benchmark's items say, asked all at once."""
    script = "".join(f"echo '== {item.number}'; {item.command}\n" for item in ITEMS)
    parts = host.run("sh -c %s", script).stdout.split("== ")[1:]
    return {number: said.strip() for number, _, said in (part.partition("\n") for part in parts)}


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_benchmark(evidence: dict[str, str], item: Item) -> None:
    assert item.kept(evidence[item.number]), f"{item}: {evidence[item.number]}"


def test_benchmark_is_told_whole() -> None:
    told = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"], "docs/docker_bench.md").read_text()
    assert [item.number for item in ITEMS if f"| {item.number} | kept |" not in told] == []
    assert [number for number in EXCEPTIONS if f"| {number} | exception |" not in told] == []


@pytest.mark.parametrize(
    ("daemon", "says"),
    [
        ({}, ""),
        ({"log-drivr": "local"}, "don't match any configuration option: log-drivr"),
        ({"hosts": ["tcp://0.0.0.0:2375"]}, "both as a flag and in the configuration file: hosts"),
        ({"live-restore": "perhaps"}, "live-restore of type bool"),
        ({"log-level": "loud"}, "unable to parse logging level: loud"),
        ({"bip": "172.30.0.1"}, "bip: 172.30.0.1 has no prefix length"),
        ({"default-address-pools": [{"base": "172.29.0/16", "size": 24}]}, "default-address-pools: '172.29.0/16'"),
    ],
    ids=lambda value: next(iter(value), "empty") if isinstance(value, dict) else "",
)
def test_validation_names_the_key(host: Host, daemon: dict[str, Any], says: str) -> None:
    script = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"], "roles/docker/files/validate_daemon.py").read_text()
    host.check_output("echo %s > /tmp/daemon.json", json.dumps(daemon))
    result = host.run("python3 -c %s /tmp/daemon.json", script)
    assert (result.rc != 0) == bool(says), result.stdout
    assert says in result.stdout


def test_setting_that_cannot_be_read_is_not_written(host: Host) -> None:
    before, ran = settings(host), engine(host)
    status, said = apply(tasks="configure", docker_daemon_options={"log-drivr": "local"})
    assert status != 0
    assert (
        "The new /etc/docker/daemon.json is refused and stays as it was: unable to configure the Docker daemon" in said
    )
    assert "log-drivr. A key is set by docker_daemon_options, or by the variable" in said
    assert (settings(host), engine(host)) == (before, ran)


def test_setting_that_the_engine_refuses_is_taken_back(host: Host, image: str) -> None:
    container = host.check_output(f"docker run -d {image} sleep 300")
    before, pid = settings(host), process(host, container)
    status, said = apply(docker_log_options={"max-sizee": "1m"})
    assert status != 0
    assert (
        "runs with the one before: failed to start daemon: failed to set log opts: unknown log opt 'max-sizee'" in said
    )
    assert "Correct what changed: log-opts (variable docker_log_options)." in said
    assert settings(host) == before
    assert host.service("docker").is_running
    assert process(host, container) == pid
    host.check_output(f"docker rm -f {container}")


@pytest.mark.parametrize(
    ("tasks", "wrong", "says"),
    [
        (
            "run",
            {"docker_users": ["admin", "molecule-nobody"]},
            "'molecule-nobody' does not exist. Correct docker_users",
        ),
        ("configure", {"docker_prune_age": "1 week"}, "1 week is no age. Correct docker_prune_age"),
        ("configure", {"docker_prune_schedule": "sundays"}, "Correct docker_prune_schedule"),
        ("main", {"docker_log_driver": "lokal"}, "value of docker_log_driver must be one of"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_wrong_variable_is_named(tasks: str, wrong: dict[str, Any], says: str) -> None:
    status, said = apply(tasks=tasks, **wrong)
    assert status != 0
    assert says in said


def test_configuration_that_an_interrupted_run_wrote_comes_in_force(host: Host) -> None:
    """The file is there, the restart was never reached."""
    wanted = settings(host)
    host.check_output("sed -i s/172.29.0.0/172.28.0.0/ /etc/docker/daemon.json && systemctl restart docker")
    assert eventually(lambda: "172.28" in host.run("docker info").stdout)
    host.check_output("sed -i s/172.28.0.0/172.29.0.0/ /etc/docker/daemon.json")
    status, said = apply()
    assert status == 0, said
    assert settings(host) == wanted
    assert json.loads(info(host, "{{json .DefaultAddressPools}}"))[0]["Base"] == "172.29.0.0/16"


def test_upgrade_that_was_killed_goes_on_and_containers_never_stop(host: Host, web: str) -> None:
    host.check_output("sh -c %s", NEWER)
    before, ran = process(host, web), engine(host)
    host.check_output("touch /srv/newer/slow && apt-get -q update")
    host.check_output("systemd-run --quiet --collect --unit upgrade apt-get -q -y install docker.io")
    assert eventually(lambda: host.file("/srv/newer/waits").exists, 60), journal(host, "upgrade")
    host.check_output("systemctl kill --signal KILL upgrade; rm /srv/newer/slow")
    assert eventually(lambda: host.run("pgrep -x dpkg").rc == 1)
    assert "docker.io" in host.check_output("dpkg --audit")

    status, said = apply("molecule/docker/repair.yml")
    assert status == 0, said
    status, said = apply(docker_upgrade=True)
    assert status == 0, said
    assert host.package("docker.io").version.endswith("+molecule1")
    assert host.check_output("dpkg --audit") == ""
    assert engine(host) != ran
    assert process(host, web) == before
    assert fetch(host, "127.0.0.1:18101") == "hello"


def test_version_that_is_chosen_comes_and_the_prune_timer_goes(host: Host, web: str) -> None:
    version = host.package("docker.io").version.removesuffix("+molecule1")
    before = process(host, web)
    status, said = apply(docker_packages=[f"docker.io={version}", "docker-compose"], docker_prune_enabled=False)
    assert status == 0, said
    assert host.package("docker.io").version == version
    assert process(host, web) == before
    timer = host.service("docker-prune.timer")
    assert (timer.is_running, timer.is_enabled) == (False, False)
    host.check_output("rm -r /srv/newer /etc/apt/sources.list.d/newer.list")
