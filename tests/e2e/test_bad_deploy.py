"""A deploy that cannot work says why in one message, exits with an error, and leaves the running version serving."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Server, ansible


def refused(*arguments: str) -> str:
    """Run the playbook deploy, expect it to fail, and give what it printed."""
    done = ansible("mcp.aws.deploy", *arguments)
    assert done.returncode != 0, done.stdout[-4000:]
    return done.stdout + done.stderr


@pytest.fixture
def repository(server: Server) -> Iterator[Callable[[str], str]]:
    """Put a git repository with the given Dockerfile on the host, and give its URL."""
    path = "/srv/e2e-repository"

    def make(dockerfile: str) -> str:
        server.shell(
            f"rm -rf {path} && git init -q {path} && cd {path} && printf '{dockerfile}' > Dockerfile && git add . "
            "&& git -c user.name=e2e -c user.email=e2e@localhost commit -qm e2e"
        )
        return f"file://{path}"

    yield make
    server.shell(f"rm -rf {path}")
    again = ansible("mcp.aws.deploy")
    assert again.returncode == 0, "the next deploy must go through:\n" + again.stdout[-4000:]


def test_repository_that_cannot_be_cloned(server: Server) -> None:
    output = refused("-e", "stack_repository=file:///nowhere/at-all.git")
    assert "/nowhere/at-all.git" in output
    assert server.ready()


def test_dockerfile_that_does_not_build(server: Server, repository: Callable[[str], str]) -> None:
    url = repository("FROM scratch\\nRUN true\\n")
    output = refused("-e", f"stack_repository={url}")
    assert "Dockerfile" in output
    assert server.ready()


def test_port_of_the_slot_taken_by_another_program(server: Server) -> None:
    server.shell("systemctl stop mcp && systemd-run --quiet --unit=e2e-squatter python3 -m http.server 8101")
    try:
        output = refused()
        assert "8101" in output
        assert "python3" in output, "the message names who holds the port"
    finally:
        server.shell("systemctl stop e2e-squatter; true")
        assert ansible("mcp.aws.deploy").returncode == 0
    server.wait_until_ready(60)


def test_disk_full(server: Server) -> None:
    # A small file system in the place of the checkout, so that the machine's own disk is not filled.
    server.shell("mkdir -p /opt/mcp && mount -t tmpfs -o size=16k,mode=0755 none /opt/mcp")
    try:
        output = refused()
        assert "space" in output.lower()
    finally:
        server.shell("umount /opt/mcp")
    assert server.ready()
    assert ansible("mcp.aws.deploy").returncode == 0


def test_wrong_key(server: Server, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    # A socket folder of its own: an open connection would let everybody in.
    other = {"ansible_ssh_private_key_file": f"{tmp_path}/other", "ansible_control_path_dir": f"{tmp_path}"}
    output = refused("-e", json.dumps(other))
    assert "Permission denied (publickey)" in output
    assert server.ready()
