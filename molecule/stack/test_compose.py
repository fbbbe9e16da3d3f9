"""Compose files as repositories have them: each merges with the slot's override, as Compose on the host judges."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import io
import json
import shlex
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.mcp.aws.plugins.filter.compose_release import compose_release
from ansible_collections.mcp.aws.tests.unit.role_values import trust
from testinfra.host import Host

PROJECT = Path(__file__).parents[2]
ROLE = PROJECT / "roles/stack"
CASES = PROJECT / "tests/fixtures/compose"
CLONE = "/opt/mcp/source"
OWN: dict[str, Any] = {"stack_compose_service": "app", "stack_environment": {"GIVEN": "by the role"}}

# What a case needs of the role, and what its server has to have in the slot.
NEEDS: dict[str, dict[str, Any]] = {
    "mcp-port": {"stack_environment": {"MCP_PORT": 9000}, "stack_secrets": {"MCP_AUTH_TOKEN": "x"}},
    "no-server-names": {"stack_compose_service": "mcp.server-1"},
    "secrets-env": {"stack_secrets": {"API_KEY": "x"}},
    "secrets-file": {"stack_secrets": {"API_KEY": "x"}},
    "own-database": {"stack_compose_omit": ["pg"]},
}
HOLDS: dict[str, dict[str, Any]] = {
    "anchors": {"environment": {"GIVEN": "${GIVEN}", "LEVEL": "info", "ROLE": "server"}, "restart": "no"},
    "bool-env": {"environment": {"GIVEN": "${GIVEN}", "DEBUG": "true", "N": "5", "EMPTY": None, "F": "1.1"}},
    "env-file-missing": {
        "environment": {
            "GIVEN": "${GIVEN}",
            "A": "here",
            "A_FROM_ENV_FILE": "here",
            "MULTI": "one\ntwo",
            "REF": "here/x",
        }
    },
    "extends": {"environment": {"GIVEN": "${GIVEN}", "LEVEL": "info", "ROLE": "server"}},
    "healthcheck-var": {"command": ["sh", "-c", "exec app --port $$PORT"]},
    "mcp-port": {
        "environment": {
            "MCP_PORT": "${MCP_PORT}",
            "MCP_URL": "http://localhost:9000",
            "MCP_AUTH_TOKEN": "${MCP_AUTH_TOKEN}",
            "OTHER": "x",
        }
    },
    "own-database": {"extra_hosts": ["host.docker.internal=172.30.0.1", "pg=172.30.0.1"], "mem_limit": "402653184"},
    "profiles": {"depends_on": None},
    "replicas": {"mem_limit": None},
    "volume-default-source": {"volumes": [{"type": "volume", "source": "store", "target": "/data", "volume": {}}]},
}

# A Compose file, what the role is given, and what is said.
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a file of the repository": (
        "services: {app: {image: x, volumes: ['./conf.d:/c']}}",
        {},
        "services.app.volumes mounts `conf.d` out of the clone",
    ),
    "the clone itself": ("services: {app: {image: x, volumes: ['.:/app']}}", {}, "mounts `.` out of the clone"),
    "no value": ("services: {app: {image: x, command: '$KEY'}}", {}, "`${KEY}` has no value. Remedy: give stack_env"),
    "a value that is demanded": ("services: {app: {image: 'x:${KEY:?is needed}'}}", {}, "KEY is missing a value"),
    "the host's network": ("services: {app: {image: x, network_mode: host}}", {}, "uses the host's network"),
    "a part of what is left out": (
        "services: {app: {image: x, network_mode: 'service:db'}, db: {image: d}}",
        {"stack_compose_omit": ["db"]},
        "db",
    ),
    "a fixed address": (
        "{services: {app: {image: x, networks: {a: {ipv4_address: 10.0.0.2}}}}, networks: {a: }}",
        {},
        "app has a fixed address",
    ),
    "a context outside": ("services: {app: {build: ../other}}", {}, "outside of the repository"),
    "a context elsewhere": ("services: {app: {build: 'https://x/y.git'}}", {}, "outside of the repository"),
    "a Dockerfile inside": ("services: {app: {build: {dockerfile_inline: FROM x}}}", {}, "`dockerfile_inline`, which"),
    "a secret's file": (
        "{services: {app: {image: x, secrets: [key]}}, secrets: {key: {file: ./conf.d/a}}}",
        {},
        "secrets.key is the file `conf.d/a`, and a release has no files of the repository. Remedy: give stack_secrets",
    ),
    "no such service": (
        "services: {web: {image: x}}",
        {},
        "the service `app`, which compose.yml does not have. It has: w",
    ),
    "omitted without being there": (
        "services: {app: {image: x}}",
        {"stack_compose_omit": ["pg"]},
        "stack_compose_omit names the service `pg`",
    ),
    "the server omitted": ("services: {app: {image: x}}", {"stack_compose_omit": ["app"]}, "leaves out `app`, which"),
    "an include that is missing": ("{include: [no.yml], services: {app: {image: x}}}", {}, "no.yml"),
    "a key that is unknown": ("services: {app: {image: x, prots: [1]}}", {}, "prots"),
}


def slug(name: str) -> str:
    """A name as that of a folder."""
    return name.replace(" ", "_").replace("'", "")


SLOT = {
    "MCP_SLOT": "blue",
    "MCP_ADDRESS": "127.0.0.1",
    "MCP_PORT": "8101",
    "MCP_SUBNET": "172.30.1.0/25",
    "MCP_RELEASE": "r",
    "GIVEN": "by the role",
    "MCP_AUTH_TOKEN": "x",
    "API_KEY": "x",
}
ACCEPTED = "accepted"
Run = Callable[[list[str]], list[str]]


def variables(settings: dict[str, Any]) -> dict[str, Any]:
    """The role's own variables, and those of a case."""
    own: dict[str, Any] = {"__stack_commit": "3f786850e387550fdab836ed7e6dc881de23001b"}
    for path in ("defaults/main.yml", "vars/main.yml"):
        own |= trust(yaml.safe_load((ROLE / path).read_text()))
    return own | OWN | {"stack_compose_file": "compose.yml"} | settings


def evaluate(expression: str, known: dict[str, Any]) -> Any:
    loader = DataLoader()
    loader.set_basedir(str(ROLE))
    return Templar(loader=loader, variables=known).template(trust_as_template(expression), escape_backslashes=False)


def command(known: dict[str, Any], name: str, words: str, text: str = "") -> str:
    """Compose on a case as the role calls it, in a clone of its own; status and both streams as JSON."""
    folder = f"/srv/compose/{name}"
    argv = shlex.join([str(word) for word in evaluate("{{ __stack_compose_command }}", known)]).replace(CLONE, folder)
    override = base64.b64encode(text.encode()).decode()
    report = """import json, sys
print(json.dumps({"rc": int(sys.argv[1]), "stdout": open("/tmp/out").read(), "stderr": open("/tmp/err").read()}))"""
    compose = f"{argv} {words} --no-normalize --format json >/tmp/out 2>/tmp/err"
    return f"echo {override} | base64 -d | {compose}; python3 -c {shlex.quote(report)} $?"


def judge(run: Run, cases: dict[str, dict[str, Any]], tracked: list[str]) -> dict[str, tuple[str, dict[str, Any]]]:
    """What became of each case: an error, or the Compose file of its release."""
    known = {name: variables(settings) for name, settings in cases.items()}
    read = run([command(known[name], name, "config --no-interpolate --no-consistency") for name in cases])
    verdicts: dict[str, tuple[str, dict[str, Any]]] = {}
    for name, line in zip(cases, read, strict=True):
        known[name] |= {
            "__stack_compose_read": json.loads(line.replace(f"/srv/compose/{name}", CLONE)),
            "__stack_tracked": {"stdout_lines": tracked},
        }
    whole = {name: each for name, each in known.items() if each["__stack_compose_read"]["rc"] == 0}
    template = (ROLE / "templates/compose.override.yml.j2").read_text()
    overrides = {name: evaluate(template, each).replace(CLONE, f"/srv/compose/{name}") for name, each in whole.items()}
    merged = run([command(known[name], name, "--file - config", text) for name, text in overrides.items()])
    for name, line in zip(whole, merged, strict=True):
        known[name]["__stack_compose_merged"] = json.loads(line.replace(f"/srv/compose/{name}", CLONE))
    for name, each in known.items():
        failed = [step for step in ("read", "merged") if each.get(f"__stack_compose_{step}", {"rc": 0})["rc"]]
        if failed:
            verdicts[name] = (each[f"__stack_compose_{failed[0]}"]["stderr"], {})
        else:
            given = ("merged", "build", "compose_settings")
            merged_project, build, settings = (evaluate(f"{{{{ __stack_{part} }}}}", each) for part in given)
            release = compose_release(merged_project, build, **settings)
            verdicts[name] = (" ".join(release["errors"]), json.loads(release["compose"]))
    return verdicts


def start(project: dict[str, Any]) -> str:
    """What Compose says of a release's file as a slot's unit gives it to it, then ACCEPTED: that alone when it is."""
    text = base64.b64encode(json.dumps(project).encode()).decode()
    environment = shlex.join(["env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin", *(f"{k}={v}" for k, v in SLOT.items())])
    judged = f"{environment} docker compose -p mcp-blue -f - config -q 2>&1 | tr '\\n' ' '"
    return f"echo {text} | base64 -d | {judged}; echo {ACCEPTED}"


def unpack(files: dict[str, str]) -> str:
    """A command that writes files below /srv/compose."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:xz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    packed = base64.b64encode(archive.getvalue()).decode()
    return f"rm -rf /srv/compose; mkdir -p /srv/compose && echo {packed} | base64 -d | tar xJ -C /srv/compose"


@pytest.fixture(scope="module")
def run(host: Host) -> Run:
    """Runs commands on the host in one go; a line of output each."""
    cases = {str(path.relative_to(CASES)): path.read_text() for path in CASES.rglob("*") if path.is_file()}
    refused = {f"{slug(name)}/compose.yml": text for name, (text, *_rest) in REFUSED.items()}
    host.check_output(unpack(cases | refused))
    return lambda commands: host.check_output("; ".join(commands)).splitlines()


def test_every_compose_file_merges(run: Run) -> None:
    names = sorted(path.name for path in CASES.iterdir())
    verdicts = judge(run, {name: NEEDS.get(name, {}) for name in names}, [])
    assert len(names) == 19
    errors = {name: error for name, (error, _project) in verdicts.items() if error}
    assert errors == {}, errors
    for name, (_error, project) in verdicts.items():
        service = NEEDS.get(name, {}).get("stack_compose_service", "app")
        server = project["services"][service]
        assert server["container_name"] == "mcp-${MCP_SLOT}", name
        assert server["restart"] == "no", name
        assert server["labels"]["mcp.aws.release"] == "${MCP_RELEASE}", name
        assert server["image"].startswith("mcp:3f786850e387-"), name
        assert "build" not in server, name
        assert [(port["host_ip"], port["published"]) for port in server["ports"]] == [("${MCP_ADDRESS}", "${MCP_PORT}")]
        assert project["networks"] == {"default": {"ipam": {"config": [{"subnet": "${MCP_SUBNET}"}]}}}, name
        others = [each for other, each in project["services"].items() if other != service]
        assert [each for each in others if "ports" in each or "container_name" in each] == [], name
        for key, value in HOLDS.get(name, {}).items():
            assert server.get(key) == value, f"{name}: {key}"
    accepted = run([start(project) for _error, project in verdicts.values()])
    assert accepted == [ACCEPTED] * 19
    assert sorted(verdicts["profiles"][1]["services"]) == ["app"]
    assert verdicts["volume-default-source"][1]["volumes"] == {"store": {"name": "mcp_store"}}
    assert verdicts["secrets-file"][1]["secrets"] == {"api_key": {"environment": "API_KEY"}}
    assert "environment" not in verdicts["replicas"][1]["services"]["worker"]
    assert verdicts["configs-inline"][1]["configs"] == {"c": {"content": "level = 'info'\n"}}


def test_what_two_slots_cannot_share_is_refused(run: Run) -> None:
    cases = {slug(name): settings for name, (_text, settings, _says) in REFUSED.items()}
    verdicts = judge(run, cases, ["compose.yml", "conf.d/a"])
    missing = {
        name: verdicts[slug(name)][0]
        for name, (_text, _settings, says) in REFUSED.items()
        if says not in verdicts[slug(name)][0]
    }
    assert missing == {}, missing
