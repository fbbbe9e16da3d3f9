"""A server of everything, deployed by the role, before the conformance suite: the door must not change what it says."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from deploys import deploy, play, serving
from questions import outside_address, variables
from testinfra.host import Host

from tests.conformance.suite import EXTENSIONS, REVISIONS, at_home, judge_all

PROJECT = Path(__file__).parents[2]
EVERYTHING = PROJECT / "tests/fixtures/everything"
# The reference server's own: Docker has their layer already.
REQUIREMENTS = PROJECT / "roles/stack/files/server/requirements.txt"
REPOSITORY = "/srv/everything"
TOOL = "test_simple_text"
SUITES = REVISIONS | EXTENSIONS


def packed() -> str:
    """The repository's files as an archive in base64."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:xz") as tar:
        for file in (EVERYTHING / "Dockerfile", *sorted(EVERYTHING.glob("everything/*.py"))):
            tar.add(file, file.relative_to(EVERYTHING))
        tar.add(REQUIREMENTS, REQUIREMENTS.name)
    return base64.b64encode(archive.getvalue()).decode()


@pytest.fixture(scope="module")
def slot(host: Host) -> Iterator[str]:
    """The slot that the server of everything serves from. Afterwards all is as before."""
    before = host.check_output(f"readlink /opt/mcp/slots/{serving(host)}").rpartition("/")[2]
    host.check_output(f"rm -rf {REPOSITORY}* && cp -a /opt/mcp/source {REPOSITORY}.before && git init -q {REPOSITORY}")
    host.check_output(f"echo {packed()} | base64 -d | tar xJ -C {REPOSITORY}")
    git = f"git -C {REPOSITORY} -c user.name=m -c user.email=m@localhost"
    host.check_output(f"{git} add . && {git} commit -q -m everything")
    done = deploy(
        stack_repository=REPOSITORY,
        stack_environment={},
        stack_secrets={},
        stack_websocket_path="",
        stack_smoke_test_host="localhost",
        stack_smoke_test_tools=[TOOL],
        stack_smoke_test_tool=TOOL,
    )
    host.check_output(f"rm -rf /opt/mcp/source && mv {REPOSITORY}.before /opt/mcp/source")
    assert done.returncode == 0, done.stdout + done.stderr
    yield serving(host)
    done = play("rollback", stack_rollback_to=before)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_door_changes_no_result(host: Host, slot: str, tmp_path: Path) -> None:
    address = outside_address(host)
    port = next(place["port"] for place in variables()["stack_slots"] if place["name"] == slot)
    with at_home(address, port) as direct, at_home(address, 8000) as door:
        verdicts = judge_all({"direct": direct, "door": door}, "everything", tmp_path, SUITES)
    log = host.run(f"docker logs --tail 40 mcp-{slot} 2>&1").stdout
    for which, verdict in verdicts.items():
        assert verdict.expected, f"{which}\n{verdict.told()}\n{log}"
    for suite in SUITES:
        assert verdicts["direct", suite].checks
        assert verdicts["door", suite].checks == verdicts["direct", suite].checks
