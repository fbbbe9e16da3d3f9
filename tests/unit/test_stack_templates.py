"""Unit tests of what the role stack writes: Compose file, unit, messages."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLE = Path(__file__).parents[2] / "roles" / "stack"


def trust(value: Any) -> Any:
    """Let Ansible evaluate the expressions in a value, as it does with what a role's own files hold."""
    if isinstance(value, dict):
        return {key: trust(each) for key, each in value.items()}
    if isinstance(value, list):
        return [trust(each) for each in value]
    return trust_as_template(value) if isinstance(value, str) else value


def variables(**given: Any) -> dict[str, Any]:
    """The role's own variables."""
    own: dict[str, Any] = {}
    for path in ("defaults/main.yml", "vars/main.yml"):
        own |= trust(yaml.safe_load((ROLE / path).read_text()))
    return (
        own
        | {"ansible_managed": "managed", "__stack_built": {"results": [{"image": "mcp:3f786850e387-0c1d2e3f"}]}}
        | given
    )


def render(template: str, **given: Any) -> str:
    """Render a template of the role from its defaults."""
    text = trust_as_template((ROLE / "templates" / template).read_text())
    return str(Templar(loader=DataLoader(), variables=variables(**given)).template(text, escape_backslashes=False))


def compose(**given: Any) -> dict[str, Any]:
    return dict(yaml.safe_load(render("compose.yml.j2", **given)))


def test_compose_file_builds_and_pulls_nothing_and_leaves_restarts_to_systemd() -> None:
    server = compose()["services"]["server"]
    assert "build" not in server
    assert (server["pull_policy"], server["restart"], server["image"]) == ("never", "no", "mcp:3f786850e387-0c1d2e3f")


def test_compose_file_confines_the_server() -> None:
    server = compose(stack_capabilities=["SETUID"])["services"]["server"]
    assert (server["read_only"], server["cap_drop"], server["cap_add"]) == (True, ["ALL"], ["SETUID"])
    assert server["security_opt"] == ["no-new-privileges:true"]
    assert server["mem_limit"] == "384m"


def test_compose_file_holds_no_secret() -> None:
    assert "hunter2" not in render("compose.yml.j2", stack_environment={"PASSWORD": "hunter2"})


def test_a_release_fits_into_each_slot() -> None:
    given = compose(stack_container_port=3000)
    server = given["services"]["server"]
    assert (server["container_name"], server["ports"]) == ("mcp-${MCP_SLOT}", ["${MCP_ADDRESS}:${MCP_PORT}:3000"])
    assert given["networks"]["default"]["ipam"]["config"] == [{"subnet": "${MCP_SUBNET}"}]


def test_named_volumes_outlive_a_slot_and_paths_are_not_declared() -> None:
    given = compose(stack_volumes=["data:/data", "/srv/files:/files:ro", "./x:/x", "cache:/cache"])
    assert given["volumes"] == {"cache": {"name": "mcp_cache"}, "data": {"name": "mcp_data"}}
    assert "volumes" not in compose()


def test_services_beside_the_server() -> None:
    worker = {"image": "worker:1", "command": ["run", "it"]}
    assert compose(stack_services={"worker": worker})["services"]["worker"] == worker


def test_health_check_is_the_images_unless_given() -> None:
    assert "healthcheck" not in compose()["services"]["server"]
    given = compose(stack_healthcheck={"test": ["CMD", "true"], "interval": "3s"})
    assert given["services"]["server"]["healthcheck"]["interval"] == "3s"


def test_unit_waits_for_its_neighbours_and_never_gives_up() -> None:
    text = render("mcp@.service.j2", stack_after_units=["redis-server.service"], stack_start_timeout="90")
    unit = ConfigParser(strict=False, interpolation=None)
    unit.read_string(text)
    assert unit["Unit"]["After"] == unit["Unit"]["Wants"] == "docker.service network-online.target redis-server.service"
    assert (unit["Service"]["Restart"], unit["Unit"]["StartLimitIntervalSec"]) == ("always", "0")
    assert unit["Service"]["TimeoutStartSec"] == "120"
    assert "/etc/haproxy/serving.map" in unit["Service"]["ExecCondition"]
    assert "{{" not in text
    assert unit["Install"]["WantedBy"] == "multi-user.target docker.service"


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("fatal: unable to access 'https://x/': Could not resolve host: x", "cannot reach the server"),
        ("fatal: could not read Username for 'https://x': terminal prompts disabled", "does not let this host in"),
        ("git@x: Permission denied (publickey).\nCould not read from remote repository", "does not let this host in"),
        ("Failed to checkout v9\nerror: pathspec 'v9' did not match any file(s) known to git", "no version `v9`"),
        ("fatal: '/srv/x' does not appear to be a git repository", "no repository at this address"),
        ("error: unable to write file x: No space left on device", "disk of the host is full"),
        ("something new", "Below is what git says"),
    ],
)
def test_failed_clone_names_one_remedy(said: str, remedy: str) -> None:
    given = variables(__stack_git_says=said, stack_version="v9", stack_repository="https://x/y.git")
    message = Templar(loader=DataLoader(), variables=given).template(given["__stack_clone_failure"])
    assert remedy in message.splitlines()[1]
    assert message.splitlines()[2].startswith("What runs on the host was left alone.")
    assert message.endswith(said)


@pytest.mark.parametrize(
    ("evidence", "says"),
    [
        (
            {"path": "/var/lib/mcp/evidence/x", "last": ["one", "two"]},
            "in /var/lib/mcp/evidence/x.\nThe last lines of the server:\n  one\n  two",
        ),
        ({"path": "", "problem": "no space left"}, "No evidence could be kept: no space left"),
    ],
)
def test_a_refusal_says_where_why_what_serves_and_where_the_evidence_is(evidence: dict[str, Any], says: str) -> None:
    release = {
        "release": "3f786850e387-5f2a9c01",
        "serves": False,
        "old": {"slot": "blue", "release": "9daeafb9864c-1b2c3d4e"},
    }
    facts = {"release": release, "failed_at": "Pass the gate", "reason": "no tools", "evidence": evidence}
    given = variables(**{f"__stack_{name}": value for name, value in facts.items()})
    message = Templar(loader=DataLoader(), variables=given).template(given["__stack_refusal"])
    assert message.startswith(
        "The release 3f786850e387-5f2a9c01 was refused at «Pass the gate»: no tools\n9daeafb9864c-1b2c3d4e serves on"
    )
    assert message.strip().endswith(says)
