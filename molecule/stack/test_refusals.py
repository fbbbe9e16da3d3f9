"""Versions that must never serve: each is refused, the old one serves on, and what it leaves behind says why."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from deploys import Requests, refused
from testinfra.host import Host

FOLDER = Path(__file__).parent / "refused"
REPOSITORY = "/srv/refused"
SECRETS = {"molecule-token-of-32-characters-0", 'it\'s $HOME "a" %p#ss\\word/@:'}
FORMS = SECRETS | {quote(secret, safe="") for secret in SECRETS} | {json.dumps(secret)[1:-1] for secret in SECRETS}

# Behaviour, variables of the deploy, what is said, and what the file of evidence holds.
REFUSALS: dict[str, tuple[str, dict[str, Any], str, str, str]] = {
    "it crashes": ("crashes", {}, "ended with status 1", "container.log", "this one cannot start"),
    "it never gets ready": (
        "sick",
        {"stack_start_timeout": 5},
        "did not get ready within 5 s (stack_start_timeout)",
        "container.log",
        '"GET /ready HTTP/1.1" 503',
    ),
    "it does not pass the smoke test": (
        "lacking",
        {},
        "check `tools`: recall, remember not listed, only: other. Wanted: among the tools: recall, remember.",
        "gate.json",
        '"measured": "protocol 2025-06-18, 1 tools in',
    ),
    "it eats all memory": (
        "greedy",
        {"stack_memory": "48m"},
        "its memory ran out (stack_memory)",
        "compose.yml",
        "mem_limit: 48m",
    ),
    "its migration fails": (
        "healthy",
        {"stack_migrate": ["python3", "server.py", "migrate"]},
        "«Migrate the database»",
        "gate.json",
        "the table memories is locked",
    ),
}


@pytest.fixture(scope="module")
def repository(host: Host) -> Iterator[str]:
    """A repository on the host, with a branch for each behaviour. The clone of before comes back afterwards."""
    git = f"git -C {REPOSITORY} -c user.name=m -c user.email=m@localhost"
    host.check_output(f"rm -rf {REPOSITORY}* && git init -q {REPOSITORY} && cp -a /opt/mcp/source {REPOSITORY}.before")
    for name in ("server.py", "Dockerfile"):
        text = base64.b64encode((FOLDER / name).read_bytes()).decode()
        host.check_output(f"echo {text} | base64 -d > {REPOSITORY}/{name}")
    for behaviour, *_rest in REFUSALS.values():
        change = f"echo {behaviour} > {REPOSITORY}/behaviour && {git} add --all && {git} commit -q -m {behaviour}"
        host.check_output(f"{git} checkout -q -B {behaviour} && {change}")
    yield REPOSITORY
    host.check_output(f"rm -rf /opt/mcp/source && mv {REPOSITORY}.before /opt/mcp/source")


def what_serves(host: Host) -> str:
    """Slot, container and release, and since when."""
    form = '{{.Id}} {{.State.StartedAt}} {{index .Config.Labels "mcp.aws.release"}}'
    return host.check_output(
        f"s=$(cut -d' ' -f2 /etc/haproxy/serving.map); echo $s $(docker inspect -f '{form}' mcp-$s)"
    )


@pytest.mark.parametrize(("behaviour", "settings", "says", "file", "holds"), REFUSALS.values(), ids=REFUSALS)
def test_a_release_is_refused_and_the_old_one_serves_on(
    host: Host, repository: str, behaviour: str, settings: dict[str, Any], says: str, file: str, holds: str
) -> None:
    before = what_serves(host)
    with Requests(host) as requests:
        said = refused(
            stack_repository=repository,
            stack_version=behaviour,
            stack_websocket_path="",
            stack_smoke_test_tool="",
            **settings,
        )
    assert requests.failed == []
    assert requests.count > 20
    assert what_serves(host) == before
    assert says in said

    folder = re.search(r"/var/lib/mcp/evidence/\d{8}T\d{6}Z-[0-9a-f]{12}-[0-9a-f]{8}", said)
    assert folder, said
    files = host.check_output(f"tail -n +1 {folder[0]}/*")
    parts = dict(re.findall(rf"^==> {folder[0]}/(\S+) <==\n(.*?)(?=^==> |\Z)", files, re.MULTILINE | re.DOTALL))
    assert holds in parts[file]
    assert [form for form in FORMS if form in files] == []
    if behaviour != "healthy":  # which never ran in a slot
        assert "MCP_TOKENS is ***" in parts["container.log"]

    idle = {"blue": "green", "green": "blue"}[before.split()[0]]
    state = host.check_output(
        f"stat -c %a {folder[0]}; docker ps -aq --filter name=mcp-{idle}; systemctl is-active mcp@{idle}; "
        "tail -n 1 /var/lib/mcp/deploys.jsonl"
    ).splitlines()
    assert state[0] == "700"
    assert state[1:-1] == ["inactive"], "the refused one is still there"
    line = json.loads(state[-1])
    assert (line["verb"], line["outcome"], line["evidence"]) == ("deploy", "refused", folder[0])
