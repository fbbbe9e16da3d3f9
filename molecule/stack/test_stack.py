"""What runs after the role stack, what it survives, and how a deploy and a rollback change it without a gap."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time

import pytest
from deploys import DOOR, Requests, answers, deploy, play, refused, serving
from questions import eventually, journal, run
from testinfra.host import Host

AWKWARD = 'it\'s $HOME "a" %p#ss\\word/@:'
TOKEN = "molecule-token-of-32-characters-0"  # noqa: S105 (of a host that lives for minutes)


def unit(host: Host) -> str:
    return f"mcp@{serving(host)}.service"


def container(host: Host) -> str:
    return f"mcp-{serving(host)}"


def serves(host: Host) -> bool:
    return host.run(f"systemctl is-active {unit(host)}").stdout.strip() == "active" and answers(host)


def inspect(host: Host, template: str) -> str:
    return run(host, "docker", "inspect", "--format", template, container(host))[1].strip()


def release(host: Host) -> str:
    """The release that serves."""
    return inspect(host, '{{index .Config.Labels "mcp.aws.release"}}')


@pytest.fixture(scope="module")
def fork(host: Host) -> str:
    """A repository on the host: the reference server and one commit more."""
    git = "git -C /srv/fork -c user.name=m -c user.email=m@localhost"
    host.check_output(f"rm -rf /srv/fork && git clone -q /opt/mcp/source /srv/fork && {git} checkout -q -b next")
    host.check_output(r"printf 'FROM python:3.11-slim\nRUN sleep 300\n' > /srv/fork/Slow")
    host.check_output(f"{git} add Slow && {git} commit -q -m next")
    return host.check_output(f"{git} rev-parse HEAD")


def test_unit_runs_and_starts_at_boot_after_its_neighbours(host: Host) -> None:
    assert host.service(unit(host)).is_running, journal(host, unit(host))
    after = host.check_output(f"systemctl show -p After --value {unit(host)}").split()
    assert {"docker.service", "postgresql@12-main.service", "redis-server.service"} <= set(after)


def test_only_the_serving_slot_starts(host: Host) -> None:
    other = {"blue": "green", "green": "blue"}[serving(host)]
    for slot in (serving(host),):
        assert host.service(f"mcp@{slot}").is_enabled
    host.run(f"systemctl start mcp@{other}")
    assert not host.service(f"mcp@{other}").is_running


def test_container_is_healthy_and_confined(host: Host) -> None:
    assert eventually(lambda: inspect(host, "{{.State.Health.Status}}") == "healthy")
    assert inspect(host, "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.Memory}}") == (
        "true [ALL] 402653184"
    )
    assert host.check_output(f"docker exec {container(host)} id -u") != "0"


def test_server_is_ready_behind_the_door(host: Host) -> None:
    said = host.run(f"curl -sS -m 5 {DOOR}/ready").stdout
    assert answers(host), said + journal(host, unit(host))


def test_environment_arrives_as_written(host: Host) -> None:
    program = "import json, os; print(json.dumps(os.environ['AWKWARD']))"
    assert json.loads(run(host, "docker", "exec", container(host), "python", "-c", program)[1]) == AWKWARD


def test_environment_is_for_root_alone(host: Host) -> None:
    for name in ("mcp.env", "secrets.env"):
        file = host.file(f"/opt/mcp/slots/{serving(host)}/{name}")
        assert (file.user, file.group, file.mode) == ("root", "root", 0o600)


def test_no_secret_is_seen_by_others(host: Host) -> None:
    assert TOKEN not in host.check_output("ps -ewwo args | grep -v molecule-token || true")
    this = f"_SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID {unit(host)})"
    assert TOKEN not in host.check_output(f"journalctl --no-pager {this} + _SYSTEMD_UNIT=docker.service")
    readable = f"cat /opt/mcp/slots/*/compose.yml /opt/mcp/slots/*/mcp.env {'/etc/systemd/system/mcp@.service'}"
    assert TOKEN not in host.check_output(f"{readable} /var/lib/mcp/deploys.jsonl")


@pytest.mark.parametrize(
    "blow",
    [
        "docker kill {0}",
        "kill -9 $(docker inspect --format '{{{{.State.Pid}}}}' {0})",
        "docker rm --force {0}",
        "systemctl stop docker.socket docker && systemctl start docker",
    ],
)
def test_comes_back_by_itself(host: Host, blow: str) -> None:
    before = inspect(host, "{{.State.StartedAt}}")
    host.check_output(blow.format(container(host)))
    back = eventually(lambda: serves(host) and inspect(host, "{{.State.StartedAt}}") != before, 60)
    assert back, journal(host, unit(host))


@pytest.mark.parametrize("blow", ["docker rm --force {0}", "docker kill {0}"])
def test_a_container_that_ends_while_it_starts_is_seen_at_once(host: Host, blow: str) -> None:
    before = inspect(host, "{{.State.StartedAt}}")
    host.check_output(f"docker kill {container(host)}")
    assert eventually(lambda: inspect(host, "{{.State.StartedAt}} {{.State.Running}}") not in ("", f"{before} false"))
    state = host.check_output(f"systemctl show -P ActiveState {unit(host)}")
    assert state == "activating", f"it got ready before the blow: {state}"
    host.check_output(blow.format(container(host)))
    began = time.monotonic()
    assert eventually(lambda: serves(host), 60), journal(host, unit(host))
    assert time.monotonic() - began < 20


def test_supervision_costs_next_to_nothing(host: Host) -> None:
    """The unit's own processes, not the container's, which belong to Docker."""
    pid = host.check_output(f"systemctl show -P MainPID {unit(host)}")
    group = host.check_output(f"cat /sys/fs/cgroup/*/system.slice/system-mcp.slice/{unit(host)}/cgroup.procs | sort -u")
    assert group.split() == [pid]
    memory = int(host.check_output(f"grep VmRSS /proc/{pid}/status").split()[1])
    assert memory < 20 * 1024
    spent = f"set -- $(cut -d')' -f2 /proc/{pid}/stat); echo $(($12 + $13))"
    ticks = int(host.check_output(spent))
    time.sleep(5)
    assert int(host.check_output(spent)) - ticks <= 5  # hundredths of a second in five


def test_restart_of_the_engine_does_not_interrupt(host: Host) -> None:
    before = inspect(host, "{{.State.StartedAt}}")
    host.check_output("systemctl restart docker")
    assert eventually(lambda: serves(host), 60), journal(host, unit(host))
    assert inspect(host, "{{.State.StartedAt}}") == before


def test_a_stop_is_a_stop(host: Host) -> None:
    host.check_output(f"systemctl stop {unit(host)}")
    assert inspect(host, "{{.State.Running}}") == "false"
    host.check_output(f"systemctl start {unit(host)}")
    assert eventually(lambda: answers(host), 10), "active before it answered"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"stack_repository": "/srv/nowhere"}, "There is no repository at this address"),
        ({"stack_version": "v0.0.0"}, "has no version `v0.0.0`"),
        ({"stack_dockerfile": "docker/Dockerfile"}, "there is no Dockerfile"),
        ({"stack_secrets": {"PASSWORD": ""}}, "stack_secrets has no value for PASSWORD"),
    ],
)
@pytest.mark.usefixtures("fork")
def test_a_deploy_that_cannot_begin_says_why_and_leaves_the_old_one(
    host: Host, settings: dict[str, object], says: str
) -> None:
    before = inspect(host, "{{.Id}} {{.State.StartedAt}}")
    assert says in refused(**{"stack_repository": "/srv/fork", **settings})
    assert answers(host)
    assert inspect(host, "{{.Id}} {{.State.StartedAt}}") == before


@pytest.mark.usefixtures("fork")
def test_a_build_that_takes_too_long_is_ended(host: Host) -> None:
    said = refused(stack_repository="/srv/fork", stack_dockerfile="Slow", stack_build_timeout=15)
    assert "it took more than 15 s. Remedy: see what takes so long, or raise stack_build_timeout" in said
    assert eventually(lambda: host.run("pgrep -fx 'sleep 300'").rc != 0), "the build goes on"
    assert answers(host)


def test_a_deploy_and_its_rollback_have_no_gap(host: Host, fork: str) -> None:
    old, slot = release(host), serving(host)
    other = {"blue": "green", "green": "blue"}[slot]
    host.check_output("rm -f /root/hooks")
    hooks = {
        when: [f"echo {when} $MCP_COMMIT $MCP_SLOT >> /root/hooks"]
        for when in ("before_build", "before_switch", "after_switch")
    }
    migrate = ["python", "-c", "import os, mcp_memory; os.environ['DATABASE_URL']"]
    with Requests(host) as requests:
        done = deploy(stack_repository="/srv/fork", stack_hooks=hooks, stack_migrate=migrate)
        assert done.returncode == 0, done.stdout
        assert host.check_output("cat /root/hooks").splitlines() == [
            f"before_build {fork}",
            f"before_switch {fork} {other}",
            f"after_switch {fork} {other}",
        ]
        assert inspect(host, '{{index .Config.Labels "org.opencontainers.image.revision"}}') == fork
        assert inspect(host, "{{.Config.Image}}").startswith(f"mcp:{fork[:12]}-")
        assert serving(host) == other
        assert host.run(f"docker inspect mcp-{slot}").rc != 0, "the old one is still there"

        done = play("rollback", stack_repository="/srv/fork")
        assert done.returncode == 0, done.stdout
        assert (release(host), serving(host)) == (old, slot)
    assert requests.failed == []
    assert requests.count > 50

    log = [json.loads(line) for line in host.check_output("cat /var/lib/mcp/deploys.jsonl").splitlines()]
    assert [(line["verb"], line["outcome"]) for line in log[-2:]] == [("deploy", "ok"), ("rollback", "ok")]
    assert log[-2]["commit"] == fork
    assert "@" in log[-1]["who"]
