"""A registry of images: what it lacks is built and pushed, what it has is pulled; when it is away nothing changes."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from deploys import Requests, deploy, play, refused, serving
from questions import run
from testinfra.host import Host

REGISTRY = "127.0.0.1:5000/mcp"
CONFIGURATION = (
    "{version: 0.1, storage: {filesystem: {rootdirectory: /var/lib/docker-registry}}, http: {addr: '127.0.0.1:5000'}}"
)
INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install -qy docker-registry"
PURGE = "DEBIAN_FRONTEND=noninteractive apt-get purge -qy docker-registry; rm -rf /var/lib/docker-registry"
UNBUILDABLE = {"before_build": ["rm Dockerfile"]}


@pytest.fixture(scope="module")
def registry(host: Host) -> Iterator[str]:
    """A registry on the host. Afterwards all is as before."""
    before = host.check_output(f"readlink /opt/mcp/slots/{serving(host)}").rpartition("/")[2]
    host.check_output(f'{INSTALL} && echo "{CONFIGURATION}" > /etc/docker/registry/config.yml')
    host.check_output("systemctl restart docker-registry")
    yield REGISTRY
    done = play("rollback", stack_rollback_to=before)
    host.check_output(f"{PURGE}; git -C /opt/mcp/source checkout -q .")
    assert done.returncode == 0, done.stdout + done.stderr


def inspect(host: Host, template: str) -> str:
    return run(host, "docker", "inspect", "--format", template, f"mcp-{serving(host)}")[1].strip()


def manifest(host: Host, tag: str) -> dict[str, Any]:
    """What the registry has under a tag."""
    kinds = [f"application/vnd.{kind}+json" for kind in ("oci.image.index.v1", "docker.distribution.manifest.list.v2")]
    kinds += [f"application/vnd.{kind}+json" for kind in ("oci.image.manifest.v1", "docker.distribution.manifest.v2")]
    accept = " ".join(f"-H 'Accept: {kind}'" for kind in kinds)
    return dict(json.loads(host.check_output(f"curl -sSf {accept} http://127.0.0.1:5000/v2/mcp/manifests/{tag}")))


def test_what_the_registry_lacks_is_built_and_pushed_once(host: Host, registry: str) -> None:
    done = deploy(stack_registry=registry)
    assert done.returncode == 0, done.stdout + done.stderr
    repository, _, tag = inspect(host, "{{.Config.Image}}").rpartition(":")
    assert repository == registry
    assert json.loads(host.check_output("curl -sSf http://127.0.0.1:5000/v2/mcp/tags/list"))["tags"] == [tag]
    assert "layers" in manifest(host, tag), "an index holds attestations, which count as images of their own"
    again = deploy(stack_registry=registry)
    assert "changed=0" in again.stdout, again.stdout


def test_what_the_registry_has_is_pulled(host: Host, registry: str) -> None:
    image = inspect(host, "{{.Config.Image}}")
    host.check_output(f"docker tag {image} kept:1 && docker rmi {image}")
    done = deploy(stack_registry=registry, stack_hooks=UNBUILDABLE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert host.run(f"docker image inspect {image}").rc == 0
    host.check_output("docker rmi kept:1")


def test_a_registry_that_is_away_ends_the_deploy_before_anything_has_changed(host: Host, registry: str) -> None:
    before = inspect(host, "{{.Id}} {{.State.StartedAt}}")
    host.check_output("systemctl stop docker-registry")
    with Requests(host) as requests:
        said = refused(stack_registry=registry, stack_environment={"MCP_ALLOWED_HOSTS": "*"})
    host.check_output("systemctl start docker-registry")
    assert f"The image {registry}:" in said
    assert "cannot be pulled: the host cannot reach it. Remedy: check the address of the registry" in said
    assert "What runs on the host was left alone." in said
    assert requests.failed == []
    assert inspect(host, "{{.Id}} {{.State.StartedAt}}") == before
