"""A server that knows nothing of this role: deployed as it is, privately, and by its own Compose file."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deploys import DOOR, deploy, packed, play, refused, serving
from questions import run
from testinfra.host import Host

FOLDER = Path(__file__).parent / "any"
REPOSITORY = "git@127.0.0.1:any.git"
SERVER: dict[str, Any] = {
    "stack_repository": REPOSITORY,
    "stack_container_port": 3000,
    "stack_health_path": "/",
    "stack_ready_path": "",
    "stack_websocket_path": "/mcp",
    "stack_environment": {},
    "stack_smoke_test_tools": ["where"],
    "stack_smoke_test_tool": "where",
}


@pytest.fixture(scope="module")
def access(host: Host) -> Iterator[dict[str, str]]:
    """A private repository that the host's own sshd serves, and what opens it. Afterwards all is as before."""
    before = host.check_output(f"readlink /opt/mcp/slots/{serving(host)}").rpartition("/")[2]
    git = "git -c init.defaultBranch=main -c user.name=m -c user.email=m@localhost"
    host.check_output(
        "set -e; userdel --force --remove git 2>/dev/null || true; useradd --create-home git --shell /usr/bin/git-shell"
        "; usermod -p '*' git; rm -rf /srv/before; cp -a /opt/mcp/source /srv/before; cd $(mktemp -d)"
        f"; echo {packed(FOLDER)} | base64 -d | tar xJ; {git} init -q; {git} add .; {git} commit -qm any"
        "; git clone -q --bare . ~git/any.git; install -d -m 700 ~git/.ssh"
        "; ssh-keygen -q -t ed25519 -N '' -f key; cp key.pub ~git/.ssh/authorized_keys; cp key ~git; chown -R git: ~git"
    )
    known = host.check_output("sed 's/^/127.0.0.1 /' /etc/ssh/ssh_host_ed25519_key.pub")
    yield {"stack_deploy_key": host.check_output("cat ~git/key"), "stack_known_hosts": known}
    done = play("rollback", stack_rollback_to=before)
    host.check_output("userdel --remove git; rm -rf /opt/mcp/source && mv /srv/before /opt/mcp/source")
    assert done.returncode == 0, done.stdout + done.stderr


def page(host: Host) -> dict[str, Any]:
    """What the server says at `/`, through the door."""
    return dict(json.loads(host.check_output(f"curl -sS -m 5 {DOOR}/")))


def inspect(host: Host, template: str) -> str:
    return run(host, "docker", "inspect", "--format", template, f"mcp-{serving(host)}")[1].strip()


def test_a_private_repository_without_its_key_is_refused(access: dict[str, str]) -> None:
    said = refused(**{**SERVER, **access, "stack_deploy_key": ""})
    assert (
        "The repository does not let this host in. It is private, or its name is wrong. Give stack_deploy_key" in said
    )


def test_a_server_in_a_subfolder_is_deployed_as_it_is(host: Host, access: dict[str, str]) -> None:
    done = deploy(**SERVER, **access, stack_context="service", stack_volumes=["logs:/srv/app/logs"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert page(host)["redis"] == ""
    assert inspect(host, "{{.Config.User}} {{.HostConfig.ReadonlyRootfs}}") == "app true"
    assert "/mcp" in host.check_output(f"docker exec mcp-{serving(host)} cat logs/access.log")
    # Nobody but root reads the key, and nothing but ssh has it.
    assert host.check_output("stat -c '%a %U' /etc/mcp/git/deploy_key") == "600 root"
    assert "PRIVATE KEY" not in done.stdout + host.check_output("journalctl --no-pager | tail -n 2000")
    assert host.check_output("git -C /opt/mcp/source remote get-url origin") == REPOSITORY


def test_a_repository_runs_by_its_own_compose_file_with_the_hosts_services(host: Host, access: dict[str, str]) -> None:
    done = deploy(
        **SERVER,
        **access,
        stack_compose_file="docker-compose.yml",
        stack_compose_service="web",
        stack_compose_omit=["postgres", "redis"],
        stack_secrets={"DATABASE_URL": "postgresql://the.host/one", "TOKEN": 'it\'s $HOME "a"'},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert page(host) == {
        "redis": "-NOAUTH Authentication required.",
        "LEVEL": "debug",
        "TOKEN": 'it\'s $HOME "a"',
        "DATABASE_URL": "postgresql://the.host/one",
    }
    containers = host.check_output("docker ps --format '{{.Names}}'").split()
    assert containers == [f"mcp-{serving(host)}"]
    assert inspect(host, "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.Memory}}") == "no 402653184"
    # What the server of before wrote to the same volume is still there.
    assert host.check_output(f"docker exec mcp-{serving(host)} cat logs/access.log").count("/mcp") > 1
