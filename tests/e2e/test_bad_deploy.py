"""A deploy that cannot work says why in one message, exits with an error, and leaves the running version serving."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import tiny
from tests.e2e.conftest import NAME, Server, ansible
from tests.e2e.meanwhile import asking

REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
# A file system without room for one more file, in the place of the links to the layers of images.
FULL = "mount -t tmpfs -o nr_inodes=1 none /var/lib/docker/overlay2/l", "umount /var/lib/docker/overlay2/l"


def refused(*arguments: str) -> str:
    """Run the playbook deploy, expect it to fail, and give what it printed, in one line."""
    done = ansible("mcp.aws.deploy", *arguments)
    assert done.returncode != 0, done.stdout[-4000:]
    return " ".join(f"{done.stdout} {done.stderr}".split())


@pytest.fixture(scope="module", autouse=True)
def untouched(site: subprocess.CompletedProcess[str]) -> Iterator[None]:
    """Whatever is tried here, the same container serves on without a failed request; the next deploy goes through."""
    server = Server()
    tiny.publish(server)
    look = f"docker inspect --format '{{{{.Id}}}} {{{{.State.StartedAt}}}}' {server.container}"
    before = server.shell(look)
    with asking(server) as answers:
        yield
        after = server.shell(look)
    assert (after, answers.failed) == (before, [])
    assert answers.good
    again = ansible("mcp.aws.deploy")
    assert again.returncode == 0, "the next deploy must go through:\n" + again.stdout[-4000:]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"stack_dockerfile": "Broken"}, ["cannot be built", "Broken"]),
        ({"stack_secrets": {"KEY": "{{ vault_key }}"}}, ["vault_key"]),
    ],
)
def test_what_cannot_be_built(settings: dict[str, object], says: list[str]) -> None:
    output = refused(*tiny.variables(**settings))
    assert [words for words in says if words not in output] == []


def test_image_that_does_not_start_without_a_variable(server: Server) -> None:
    output = refused(*tiny.variables(stack_environment={}))
    assert "ended with status 1" in output
    assert "The environment variable VERSION is not set." in output
    evidence = output.partition("/var/lib/mcp/evidence/")[2].split()[0].rstrip(".")
    assert "VERSION is not set" in server.shell(f"grep -rh VERSION /var/lib/mcp/evidence/{evidence}")
    assert server.shell("ls /run/mcp; docker ps --quiet | wc -l") == "1", "the other slot is empty again"


def test_registry_that_cannot_be_reached(server: Server) -> None:
    server.shell(f"cp /etc/hosts /tmp/hosts && echo 127.0.0.1 {REGISTRY} >> /etc/hosts")
    try:
        output = refused(*tiny.new(stack_registry=f"{REGISTRY}/{NAME}"))
    finally:
        server.shell("cat /tmp/hosts > /etc/hosts")
    assert f"The image {REGISTRY}/{NAME}:" in output
    assert "the host cannot reach it" in output


def test_no_space_for_the_image(server: Server) -> None:
    server.shell(FULL[0])
    try:
        output = refused(*tiny.new())
    finally:
        server.shell(FULL[1])
    assert "the disk of the host is full" in output


def test_no_space_for_the_clone(server: Server) -> None:
    # A small file system in the place of the checkout, so that the machine's own disk is not filled.
    server.shell("mount -t tmpfs -o size=16k,mode=0755 none /opt/mcp/source")
    try:
        output = refused()
    finally:
        server.shell("umount /opt/mcp/source")
    assert "The disk of the host is full." in output


def test_port_of_the_slot_taken_by_another_program(server: Server) -> None:
    port = {"blue": 8102, "green": 8101}[server.slot]
    server.shell(f"systemd-run --quiet --unit=e2e-squatter python3 -m http.server {port}")
    try:
        output = refused(*tiny.version("tiny"))
    finally:
        server.shell("systemctl stop e2e-squatter; true")
    assert f"The port {port} of slot" in output
    assert "python3" in output, "the message names who holds the port"


def test_wrong_key(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    # A socket folder of its own: an open connection would let everybody in.
    other = {"ansible_ssh_private_key_file": f"{tmp_path}/other", "ansible_control_path_dir": f"{tmp_path}"}
    assert "Permission denied (publickey)" in refused("-e", json.dumps(other))
