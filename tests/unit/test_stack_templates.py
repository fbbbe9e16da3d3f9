"""Unit tests of what the role stack writes: Compose file, unit, messages."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import subprocess
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.unit.role_values import trust

ROLE = Path(__file__).parents[2] / "roles" / "stack"


def variables(**given: Any) -> dict[str, Any]:
    """The role's own variables."""
    own: dict[str, Any] = {}
    for path in ("defaults/main.yml", "vars/main.yml"):
        own |= trust(yaml.safe_load((ROLE / path).read_text()))
    return own | {"ansible_managed": "managed", "__stack_compose": {"image": "mcp:3f786850e387-0c1d2e3f"}} | given


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
    given = variables(__stack_git_output=said, stack_version="v9", stack_repository="https://x/y.git")
    message = Templar(loader=DataLoader(), variables=given).template(given["__stack_clone_failure"])
    assert remedy in message.splitlines()[1]
    assert message.splitlines()[2].startswith("What runs on the host was left alone.")
    assert message.endswith(said)


BUILT: dict[str, Any] = {"__stack_built": {"failed": True}}
PUSHED: dict[str, Any] = {"__stack_pushed": {"failed": True}}
ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("step", "output", "cause"),
    [
        (BUILT, "write /var/lib/docker/tmp/x: no space left on device", "built: the disk of the host is full"),
        (BUILT, "Cannot connect to the Docker daemon at unix:///x.", "built: the Docker engine does not answer"),
        (BUILT, '"/opt/mcp/source/x" is not an existing directory', "built: there is no Dockerfile at the place named"),
        (BUILT, "failed to read dockerfile: open Dockerfile: no such", "built: there is no Dockerfile at the place"),
        (BUILT, "dockerfile parse error line 7: unknown instruction: FOO", "built: the Dockerfile cannot be read"),
        (BUILT, 'failed to do request: Head "https://x/v2/": no such host', "built: a base image cannot be pulled"),
        (BUILT, "pull access denied, repository does not exist", "built: a base image cannot be pulled"),
        (
            BUILT,
            'process "/bin/sh -c false" did not complete successfully: exit code: 1',
            "built: a step of the Docker",
        ),
        (
            BUILT,
            'process "/bin/sh -c x" did not complete successfully: exit code: 137',
            "built: a step was killed, most",
        ),
        (
            BUILT,
            'failed to calculate checksum of ref a: "/x.py": not found',
            "built: a file that the Dockerfile copies",
        ),
        (BUILT, "async task did not complete within the requested time - 9s", "built: it took more than 1200 s"),
        (BUILT, "something new", "built: Docker reports the reason below"),
        (PUSHED, "write /var/lib/docker/x: no space left on device", "pushed: the disk of the host is full"),
        (
            PUSHED,
            "denied: User: arn:aws:sts::1:assumed-role/example/i-0 is not authorized to perform:"
            " ecr:InitiateLayerUpload on resource: arn:aws:ecr:us-east-1:1:repository/x",
            "pushed: the role of the host lacks the right ecr:InitiateLayerUpload",
        ),
        (
            {},
            "pull access denied, repository does not exist or may require 'docker login': denied: User:"
            " arn:aws:sts::1:assumed-role/x is not authorized to perform: ecr:BatchGetImage on resource: x",
            "pulled: the role of the host lacks the right ecr:BatchGetImage",
        ),
        ({}, f'Head "https://{ECR}/v2/x": no basic auth credentials', "pulled: the host has no credentials for"),
        (
            {},
            "name unknown: The repository with name 'x' does not exist",
            "pulled: the registry has no such repository",
        ),
        (PUSHED, "denied: requested access to the resource is denied", "pushed: the registry denies this host access"),
        ({}, 'Get "https://x/v2/": x509: certificate signed by unknown authority', "pulled: the certificate of the"),
        (
            {},
            'Get "https://x/v2/": dial tcp: lookup x on 10.0.0.2:53: no such host',
            "pulled: the host cannot reach it",
        ),
        ({}, 'Get "http://x:9/v2/": dial tcp x:9: connect: connection refused', "pulled: the host cannot reach it"),
        ({}, "net/http: request canceled (Client.Timeout exceeded while awaiting)", "pulled: the host cannot reach it"),
        ({}, "received unexpected HTTP status: 503 Service Unavailable", "pulled: the host cannot reach it"),
        ({}, "toomanyrequests: Rate exceeded", "pulled: the registry limits how often it is asked"),
        (
            {},
            "manifest unknown: Requested image not found",
            "pulled: the registry does not have it. Remedy: see why the",
        ),
    ],
)
def test_a_failed_image_names_one_cause_and_remedy(step: dict[str, Any], output: str, cause: str) -> None:
    failed = {
        "failed": True,
        "item": {"image": "r.example/x:1"},
        "msg": "It failed",
        "stderr": f"#1 sha256:0\n\n{output}",
    }
    given = variables(ansible_failed_result={"results": [{"failed": False}, failed]}, **step)
    message = Templar(loader=DataLoader(), variables=given).template(given["__stack_image_failure"])
    assert message.startswith(f"The image r.example/x:1 cannot be {cause}")
    assert message.count("Remedy: ") == 1
    assert message.splitlines()[0].endswith("What runs on the host was left alone.")
    assert message.splitlines()[1:] == ["  It failed", f"  {output}"]


@pytest.mark.parametrize(
    ("registry", "builders"), [("", ["a", "b", "c", "d"]), ("r.example/x", ["b", "c"])], ids=["no registry", "registry"]
)
def test_the_first_of_the_hosts_that_deploy_the_same_builds_where_others_can_pull(
    registry: str, builders: list[str]
) -> None:
    images = {"b": "r.example/x:1", "c": "r.example/x:2", "d": "r.example/x:1"}
    hosts: dict[str, Any] = {name: {"inventory_hostname": name} for name in ("a", *images)}
    for name, image in images.items():
        hosts[name]["__stack_compose"] = {"image": image}
    found = []
    for name in hosts if not registry else images:
        given = {"stack_registry": registry, "ansible_play_batch": list(hosts), "hostvars": hosts, **hosts[name]}
        known = variables(**given)
        if Templar(loader=DataLoader(), variables=known).template(known["__stack_is_builder"]):
            found.append(name)
    assert found == builders


@pytest.mark.parametrize(
    ("output", "absent", "taken"),
    [
        (f"manifest for {ECR}/x:y not found: manifest unknown: Requested image not found", True, False),
        (f'failed to resolve reference "{ECR}/x:y": {ECR}/x:y: not found', True, False),
        (f"repository {ECR}/x not found: name unknown: The repository with name 'x' does not exist", False, False),
        (
            "tag invalid: The image tag 'y' already exists in the 'x' repository and cannot be overwritten because the"
            " repository is immutable.",
            False,
            True,
        ),
        ("layer already exists, unexpected EOF", False, False),
    ],
)
def test_only_a_missing_tag_is_built_and_only_a_taken_one_pulled(output: str, absent: bool, taken: bool) -> None:
    known = variables()
    found = [bool(re.search(known[f"__stack_{name}_registry"], output)) for name in ("not_in", "already_in")]
    assert found == [absent, taken]


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
    facts = {
        "release": release,
        "failed_at": "Smoke test",
        "reason": "no tools",
        "evidence": evidence,
    }
    given = variables(**{f"__stack_{name}": value for name, value in facts.items()})
    message = Templar(loader=DataLoader(), variables=given).template(given["__stack_refusal"])
    assert message.startswith(
        "The release 3f786850e387-5f2a9c01 was refused at «Smoke test»: no tools\n9daeafb9864c-1b2c3d4e serves on"
    )
    assert message.strip().endswith(says)


def test_unit_says_to_the_proxy_what_makes_its_release_ready() -> None:
    """By what release.env holds of the release that is started, be it written by an older version."""
    unit = render("mcp@.service.j2")
    (line,) = [line for line in unit.splitlines() if "proxy-slot check" in line]
    command = line.removeprefix("ExecStartPre=-/bin/sh -c '").removesuffix("'").replace("$$", "$")
    command = command.replace("exec /usr/local/sbin/proxy-slot", "echo").replace("%i", "green")
    for path, options, said in (
        ("/ready", "--fail", "check green /ready"),
        ("/", "", "check green / --any"),
        ("/mcp", "--header Accept:application/json", "check green /mcp --any"),
    ):
        environment = {"MCP_READY": path, "MCP_READY_OPTIONS": options}
        assert subprocess.check_output(["/bin/sh", "-c", command], env=environment, text=True).strip() == said
