"""What runs after the role stack, what it survives, and how the next deploy changes it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from questions import eventually, journal, run
from testinfra.host import Host

URL = "http://127.0.0.1:8000"
AWKWARD = 'it\'s $HOME "a" %p#ss\\word/@:'
TOKEN = "molecule-token-of-32-characters-0"  # noqa: S105 (of a host that lives for minutes)


def answers(host: Host, path: str = "/ready") -> bool:
    return host.run(f"curl -sf -m 2 -o /dev/null {URL}{path}").rc == 0


def serves(host: Host) -> bool:
    return host.run("systemctl is-active mcp").stdout.strip() == "active" and answers(host)


def inspect(host: Host, template: str) -> str:
    return run(host, "docker", "inspect", "--format", template, "mcp")[1].strip()


def deploy(*settings: str) -> subprocess.CompletedProcess[str]:
    """Run the role again, with other variables."""
    project = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
    inventory = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent
    extra = [word for setting in settings for word in ("-e", setting)]
    command = ["ansible-playbook", "-i", str(inventory), *extra, str(project / "molecule/shared/converge.yml")]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def fork(host: Host) -> str:
    """A repository on the host: the reference server and one commit more."""
    git = "git -C /srv/fork -c user.name=m -c user.email=m@localhost"
    host.check_output(f"rm -rf /srv/fork && git clone -q /opt/mcp/source /srv/fork && {git} checkout -q -b next")
    host.check_output(f"{git} commit -q --allow-empty -m next")
    return host.check_output(f"{git} rev-parse HEAD")


def test_unit_runs_and_starts_at_boot_after_its_neighbours(host: Host) -> None:
    assert host.service("mcp").is_running, journal(host, "mcp")
    assert host.service("mcp").is_enabled
    after = host.check_output("systemctl show -p After --value mcp").split()
    assert {"docker.service", "postgresql@12-main.service", "redis-server.service"} <= set(after)


def test_container_is_healthy_and_confined(host: Host) -> None:
    assert inspect(host, "{{.State.Health.Status}}") == "healthy"
    assert inspect(host, "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.Memory}}") == (
        "true [ALL] 402653184"
    )
    assert host.check_output("docker exec mcp id -u") != "0"


def test_server_is_ready(host: Host) -> None:
    said = host.check_output(f"curl -sS -m 5 {URL}/ready")
    assert answers(host), said + journal(host, "mcp")


def test_environment_arrives_as_written(host: Host) -> None:
    program = "import json, os; print(json.dumps(os.environ['AWKWARD']))"
    assert json.loads(run(host, "docker", "exec", "mcp", "python", "-c", program)[1]) == AWKWARD


def test_environment_is_for_root_alone(host: Host) -> None:
    file = host.file("/etc/mcp/mcp.env")
    assert (file.user, file.group, file.mode) == ("root", "root", 0o600)


def test_no_secret_is_seen_by_others(host: Host) -> None:
    assert TOKEN not in host.check_output("ps -ewwo args | grep -v molecule-token || true")
    assert TOKEN not in host.check_output("journalctl --no-pager -u mcp -u docker")
    assert TOKEN not in host.check_output("cat /opt/mcp/compose.yml /etc/systemd/system/mcp.service")


@pytest.mark.parametrize(
    "blow",
    [
        "docker kill mcp",
        "kill -9 $(docker inspect --format '{{.State.Pid}}' mcp)",
        "docker rm --force mcp",
        "systemctl stop docker.socket docker && systemctl start docker",
    ],
)
def test_comes_back_by_itself(host: Host, blow: str) -> None:
    before = inspect(host, "{{.State.StartedAt}}")
    host.check_output(blow)
    back = eventually(lambda: serves(host) and inspect(host, "{{.State.StartedAt}}") != before, 60)
    assert back, journal(host, "mcp")


def test_restart_of_the_engine_does_not_interrupt(host: Host) -> None:
    before = inspect(host, "{{.State.StartedAt}}")
    host.check_output("systemctl restart docker")
    assert eventually(lambda: serves(host), 60), journal(host, "mcp")
    assert inspect(host, "{{.State.StartedAt}}") == before


def test_a_stop_is_a_stop(host: Host) -> None:
    host.check_output("systemctl stop mcp")
    assert inspect(host, "{{.State.Running}}") == "false"
    host.check_output("systemctl start mcp")
    assert eventually(lambda: answers(host), 10), "active before it answered"


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("stack_repository=/srv/nowhere", "There is no repository at this address"),
        ("stack_version=v0.0.0", "has no version `v0.0.0`"),
        ("stack_dockerfile=docker/Dockerfile", "there is no Dockerfile"),
    ],
)
@pytest.mark.usefixtures("fork")
def test_a_deploy_that_fails_says_why_and_leaves_the_old_one(host: Host, setting: str, says: str) -> None:
    before = inspect(host, "{{.Id}} {{.State.StartedAt}}")
    result = deploy("stack_repository=/srv/fork", setting)
    assert result.returncode != 0
    assert says in " ".join(f"{result.stdout} {result.stderr}".split())
    assert answers(host)
    assert inspect(host, "{{.Id}} {{.State.StartedAt}}") == before


def test_another_content_replaces_what_runs(host: Host, fork: str) -> None:
    result = deploy("stack_repository=/srv/fork")
    assert result.returncode == 0, result.stdout
    assert inspect(host, '{{index .Config.Labels "org.opencontainers.image.revision"}}') == fork
    assert inspect(host, "{{.Config.Image}}") == f"mcp:{fork[:12]}"
    assert answers(host)
