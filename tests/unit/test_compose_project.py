"""Unit tests of a repository's own Compose file: what becomes of it in a slot, and what is refused."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils import compose_syntax
from ansible_collections.mcp.aws.plugins.module_utils.compose_project import Clone, Slotted, Wanted, fit
from ansible_collections.mcp.aws.plugins.module_utils.docker_build import Build

BUILD = Build("mcp", "/opt/mcp/source", "3f786850e387550fdab836ed7e6dc881de23001b")
WANTED = Wanted(BUILD, "compose.yml", "app", omit=["db"], names=["DATABASE_URL"], container_port=3000, memory="384m")
CLONE = Clone(read={"defaults.env": "LEVEL=info\nDATABASE_URL=none\n"}.get, tracked=lambda path: path == "nginx.conf")


def slotted(services: dict[str, Any], wanted: Wanted = WANTED, **beside: Any) -> Slotted:
    answer = fit({"services": {"db": {"image": "postgres"}, **services}, **beside}, wanted, CLONE)
    assert isinstance(answer, Slotted), answer
    return answer


def app(given: dict[str, Any], **beside: Any) -> dict[str, Any]:
    return dict(slotted({"app": given, "worker": {"image": "w"}}, **beside).project["services"]["app"])


def worker(given: dict[str, Any], **beside: Any) -> dict[str, Any]:
    return dict(slotted({"app": {}, "worker": given}, **beside).project["services"]["worker"])


def problems(services: dict[str, Any], wanted: Wanted = WANTED, **beside: Any) -> str:
    answer = fit({"services": {"db": {"image": "postgres"}, **services}, **beside}, wanted, CLONE)
    assert isinstance(answer, list), answer.project
    return " ".join(answer)


def test_the_server_is_that_of_its_slot() -> None:
    server = app(
        {
            "build": "./server",
            "container_name": "fixed",
            "deploy": {"replicas": 2},
            "labels": ["own=1"],
            "ports": ["80:3000"],
            "restart": "always",
        }
    )
    assert server == {
        "image": replace(BUILD, context="server").reference,
        "pull_policy": "never",
        "container_name": "mcp-${MCP_SLOT}",
        "labels": {"own": "1", "mcp.aws.release": "${MCP_RELEASE}"},
        "ports": ["${MCP_ADDRESS}:${MCP_PORT}:3000"],
        "restart": "no",
        "init": True,
        "env_file": ["mcp.env", "secrets.env"],
        "extra_hosts": ["host.docker.internal:172.30.0.1", "db:172.30.0.1"],
        "mem_limit": "384m",
        "networks": {"default": {"aliases": ["fixed"]}},
    }


def test_the_slot_has_one_network_of_its_own() -> None:
    whole = slotted({"app": {"networks": ["proxy"]}}, networks={"proxy": {"external": True}}).project
    assert whole["networks"] == {"default": {"ipam": {"config": [{"subnet": "${MCP_SUBNET}"}]}}}
    assert worker({"networks": {"a": {"aliases": ["w"]}, "b": None}})["networks"] == {"default": {"aliases": ["w"]}}


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({"depends_on": ["db", "worker"]}, {"depends_on": ["worker"]}),
        ({"depends_on": {"db": {"condition": "service_healthy"}}}, {}),
        ({"links": ["db:database", "worker"]}, {"links": ["worker"]}),
    ],
)
def test_nothing_refers_to_what_is_left_out(given: dict[str, Any], left: dict[str, Any]) -> None:
    assert {key: value for key, value in app(given).items() if key in given} == left


def test_a_service_with_a_profile_is_left_out_too() -> None:
    services = slotted({"app": {"depends_on": ["seed"]}, "seed": {"image": "s", "profiles": ["once"]}})
    assert list(services.project["services"]) == ["app"]
    assert "depends_on" not in services.project["services"]["app"]


@pytest.mark.parametrize(
    ("given", "environment"),
    [
        ({"environment": ["A=1", "DATABASE_URL=postgresql://db/app", "B"]}, {"A": "1", "B": None}),
        ({"environment": {"A": "1", "DATABASE_URL": "x"}}, {"A": "1"}),
        ({"env_file": [{"path": ".env", "required": True}, "defaults.env"]}, {"LEVEL": "info"}),
        ({"env_file": "defaults.env", "environment": {"LEVEL": "debug"}}, {"LEVEL": "debug"}),
        ({"environment": {"DATABASE_URL": "x"}}, None),
    ],
)
def test_the_roles_environment_stands_above_the_files(given: dict[str, Any], environment: dict[str, Any]) -> None:
    for service in (app(given), worker(given)):
        assert service["env_file"] == ["mcp.env", "secrets.env"]
        assert service.get("environment") == environment


def test_a_service_that_asks_for_nothing_gets_no_secret() -> None:
    assert "env_file" not in worker({"environment": {"A": "1"}})


def test_other_services_publish_nothing_and_stay_down_with_their_slot() -> None:
    given = {"image": "w", "container_name": "w1", "ports": ["9000:9000"], "restart": "always", "scale": 2}
    assert worker(given) == {
        "image": "w",
        "restart": "unless-stopped",
        "networks": {"default": {"aliases": ["w1"]}},
        "extra_hosts": ["host.docker.internal:172.30.0.1", "db:172.30.0.1"],
    }


def test_every_service_of_the_repository_is_built() -> None:
    wanted = replace(
        WANTED, build=replace(BUILD, registry="r.example/x", build_args={"A": "2"}), file="deploy/compose.yml"
    )
    services = {
        "app": {"build": {"context": "..", "args": ["A=1", "B"], "target": "run"}},
        "worker": {"build": {"context": "../jobs", "dockerfile": "docker/Dockerfile", "args": {"C": 3}}},
    }
    answer = slotted(services, wanted)
    assert answer.builds == {
        "app": replace(wanted.build, target="run"),
        "worker": replace(
            wanted.build, image="mcp-worker", context="jobs", dockerfile="docker/Dockerfile", build_args={"C": "3"}
        ),
    }
    assert answer.project["services"]["worker"]["image"] == answer.builds["worker"].reference


def test_a_server_without_a_build_is_built_as_the_role_says() -> None:
    wanted = replace(WANTED, build=replace(BUILD, context="src", dockerfile="Other"))
    assert slotted({"app": {"image": "example/app:latest"}}, wanted).builds == {"app": wanted.build}


def test_volumes_outlive_slots() -> None:
    given = {"volumes": ["data:/data", "./logs:/app/logs:ro", "/srv/x:/x", "/anonymous", "shared:/s"]}
    answer = slotted({"app": given}, volumes={"data": None, "pg": {}, "shared": {"external": True, "name": "s"}})
    assert answer.project["volumes"] == {
        "data": {"name": "mcp_data"},
        "logs": {"name": "mcp_logs"},
        "shared": {"external": True, "name": "s"},
    }
    assert answer.project["services"]["app"]["volumes"] == [
        {"type": "volume", "source": "data", "target": "/data"},
        {"type": "volume", "source": "logs", "target": "/app/logs", "read_only": True},
        {"type": "bind", "source": "/srv/x", "target": "/x"},
        {"type": "volume", "target": "/anonymous"},
        {"type": "volume", "source": "shared", "target": "/s"},
    ]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"volumes": ["./nginx.conf:/etc/nginx.conf"]}, "mounts `./nginx.conf` out of the clone"),
        ({"volumes": [".:/app"]}, "mounts `.` out of the clone"),
        ({"volumes": ["~/x:/x"]}, "mounts `~/x` out of the clone"),
        ({"volumes": ["${DATA}:/x"]}, "has the variable source `${DATA}`"),
        (
            {"environment": {"A": "${SECRET}"}},
            "`${SECRET}` has no value. Remedy: give stack_environment or stack_secrets",
        ),
        ({"command": ["--key", "$KEY"]}, "`${KEY}` has no value"),
        ({"network_mode": "host"}, "uses the host's network"),
        ({"network_mode": "service:db"}, "shares parts of db, which is left out"),
        ({"networks": {"a": {"ipv4_address": "10.0.0.2"}}}, "has a fixed address"),
        ({"build": "../other"}, "build.context is `../other`, outside of the repository"),
        ({"build": "https://github.com/example/example.git"}, "outside of the repository"),
        ({"build": {"context": ".", "dockerfile_inline": "FROM x"}}, "`dockerfile_inline`, which is not known here"),
        ({"build": {"context": ".", "args": {"V": "${V}"}}}, "the build argument V of app is a variable"),
        ({"secrets": ["key"]}, "secrets.key is the file `./key.txt`"),
    ],
)
def test_what_a_slot_cannot_have_is_refused_with_the_remedy(given: dict[str, Any], says: str) -> None:
    said = problems({"app": given}, secrets={"key": {"file": "./key.txt"}})
    assert says in said
    assert said.startswith("In compose.yml, ")
    assert "Remedy: " in said


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"service": "server"}, "stack_compose_service names the service `server`, which compose.yml does not have."),
        ({"omit": ["postgres"]}, "stack_compose_omit names the service `postgres`"),
        ({"omit": ["app"]}, "leaves out `app`, which stack_compose_service says to run"),
    ],
)
def test_a_name_that_the_file_does_not_have_is_told_with_the_choice(change: dict[str, Any], says: str) -> None:
    said = problems({"app": {}}, replace(WANTED, **change))
    assert says in said
    assert "leaves out" in said or "It has: app, db." in said


@pytest.mark.parametrize(
    ("text", "unset"),
    [
        ("$A ${B} ${C:?needed}", ["A", "B", "C"]),
        ("${A:-x} ${B-} ${C:+y}", []),
        ("$$A $${B} $1", []),
        ({"a": ["${A}", 1, None]}, ["A"]),
    ],
)
def test_only_variables_without_a_default_have_to_be_given(text: Any, unset: list[str]) -> None:
    assert list(compose_syntax.unset(text)) == unset


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain # comment", "plain"),
        ("export A=1", "1"),
        ("A='$x # y'", "$$x # y"),
        ('A="say \\"a\\""', 'say "a"'),
        ("A=a#b", "a#b"),
        ("A=", ""),
    ],
)
def test_environment_files_mean_in_the_project_what_they_mean_to_compose(line: str, value: str) -> None:
    assert compose_syntax.dotenv(f"# comment\n\n{line}\nnothing\n") == {"A": value}


def test_hosts_come_in_two_notations() -> None:
    assert compose_syntax.hosts(["a:1.1.1.1", "b=::1"]) == compose_syntax.hosts({"a": "1.1.1.1", "b": ["::1"]})
