"""Unit tests of the image of a commit: its name, how it is built, and what a build, pull or push that fails means."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.mcp.aws.plugins.module_utils import docker_registry
from ansible_collections.mcp.aws.plugins.module_utils.docker_build import Build, explain, tail

COMMIT = "3f786850e387550fdab836ed7e6dc881de23001b"
ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("write /var/lib/docker/tmp/x: no space left on device", "the disk of the host is full"),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "the Docker engine does not answer"),
        ("failed to read dockerfile: open Dockerfile: no such file", "there is no Dockerfile at the place named"),
        ('unable to prepare context: path "/x" not found', "there is no Dockerfile at the place named"),
        ("dockerfile parse error line 7: unknown instruction: FOO", "the Dockerfile cannot be read: unknown"),
        ('failed to do request: Head "https://x/v2/": no such host', "a base image cannot be pulled"),
        ("pull access denied for nope, repository does not exist", "a base image cannot be pulled"),
        ("executor failed running [/bin/sh -c false]: exit code: 1", "the step `/bin/sh -c false` failed"),
        ('process "/bin/sh -c false" did not complete successfully: exit code: 1', "the step `/bin/sh -c false`"),
        ('process "/bin/sh -c x" did not complete successfully: exit code: 137', "a step was killed, most likely"),
        ('failed to compute cache key: "/x.py" not found: not found', "the file `/x.py`, which the Dockerfile copies"),
        ('failed to calculate checksum of ref a: "/x.py": not found', "the file `/x.py`, which the Dockerfile copies"),
        ("something new", "docker says why below"),
    ],
)
def test_failed_build_names_one_cause(said: str, cause: str) -> None:
    assert explain(f"#1 DONE 0.0s\n------\n{said}")[0].startswith(cause)


def test_image_is_built_again_when_anything_it_is_made_of_changes() -> None:
    build = Build("mcp", "/opt/mcp/source", "a", ".", "Dockerfile", {"X": "1"})
    others = [
        Build("mcp", "/opt/mcp/source", "b", ".", "Dockerfile", {"X": "1"}),
        Build("mcp", "/opt/mcp/source", "a", "sub", "Dockerfile", {"X": "1"}),
        Build("mcp", "/opt/mcp/source", "a", ".", "Other", {"X": "1"}),
        Build("mcp", "/opt/mcp/source", "a", ".", "Dockerfile", {"X": "2"}),
        Build("mcp", "/opt/mcp/source", "a", ".", "Dockerfile", {"X": "1"}, target="worker"),
    ]
    assert len({one.reference for one in [build, *others]}) == 6
    elsewhere = Build("other", "/elsewhere", "a", ".", "Dockerfile", {"X": "1"}, registry="registry.example/r")
    assert build.fingerprint() == elsewhere.fingerprint()


def test_tag_is_the_same_with_and_without_a_registry() -> None:
    local = Build("mcp", "/opt/mcp/source", COMMIT)
    remote = replace(local, registry="123456789012.dkr.ecr.us-east-1.amazonaws.com/example")
    tag = f"3f786850e387-{local.fingerprint()[:8]}"
    assert (local.reference, remote.reference) == (f"mcp:{tag}", f"{remote.registry}:{tag}")


def test_build_names_context_dockerfile_and_arguments() -> None:
    command = Build("mcp", "/src", "a", "app", "docker/Dockerfile", {"B": "2", "A": "1"}).command()
    assert command[-1] == "/src/app"
    assert command[command.index("--file") + 1] == "/src/app/docker/Dockerfile"
    assert [part for part in command if "=" in part and part[0] in "AB"] == ["A=1", "B=2"]
    assert "--target" not in command
    assert Build("mcp", "/src", "a", target="worker").command()[-3:] == ["--target", "worker", "/src/."]


def test_tail_leaves_out_what_says_nothing() -> None:
    assert tail("#1 sha256:0123\n\n#1 DONE 0.0s  \nerror", 2) == ["#1 DONE 0.0s", "error"]


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("write /var/lib/docker/overlay2/x: no space left on device", "the disk of the host is full"),
        (f'Head "https://{ECR}/v2/x/manifests/y": no basic auth credentials', "the host has no credentials for it"),
        (
            "denied: User: arn:aws:sts::123456789012:assumed-role/example/i-0 is not authorized to perform:"
            " ecr:InitiateLayerUpload on resource: arn:aws:ecr:us-east-1:123456789012:repository/x because no"
            " identity-based policy allows the ecr:InitiateLayerUpload action",
            "the role of the host lacks the right ecr:InitiateLayerUpload",
        ),
        (
            f"pull access denied for {ECR}/x, repository does not exist or may require 'docker login': denied: User:"
            " arn:aws:sts::1:assumed-role/x is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:x",
            "the role of the host lacks the right ecr:BatchGetImage",
        ),
        (
            f"repository {ECR}/x not found: name unknown: The repository with name 'x' does not exist in the registry"
            " with id '123456789012'",
            "the registry has no such repository",
        ),
        (
            'error getting credentials - err: exec: "docker-credential-ecr-login": executable file not found in $PATH',
            "the program that logs in, docker-credential-ecr-login, is not on the host",
        ),
        ("denied: requested access to the resource is denied", "the registry does not let this host in"),
        ('Get "https://x/v2/": x509: certificate signed by unknown authority', "its certificate is not trusted: cert"),
        ('Get "https://x/v2/": dial tcp: lookup x on 10.0.0.2:53: no such host', "the host cannot reach it"),
        ('Get "http://127.0.0.1:9/v2/": dial tcp 127.0.0.1:9: connect: connection refused', "the host cannot reach it"),
        (
            'Get "https://x/v2/": net/http: request canceled (Client.Timeout exceeded while awaiting headers)',
            "the host cannot reach it",
        ),
        ("received unexpected HTTP status: 503 Service Unavailable", "the host cannot reach it"),
        ("toomanyrequests: Rate exceeded", "the registry lets nobody ask this often"),
        ("something new", "docker says why below"),
    ],
)
def test_failed_pull_or_push_names_one_cause(said: str, cause: str) -> None:
    assert explain(f"Error response from daemon: {said}", docker_registry.CAUSES)[0].startswith(cause)


@pytest.mark.parametrize(
    ("said", "absent", "taken"),
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
def test_only_a_missing_tag_is_built_and_only_a_taken_one_pulled(said: str, absent: bool, taken: bool) -> None:
    assert (docker_registry.absent(said), docker_registry.taken(said)) == (absent, taken)


def test_what_the_registry_has_is_remembered_by_name_and_id(tmp_path: Path) -> None:
    known = tmp_path / "mcp" / "registry.json"
    assert not docker_registry.has("r:1", "sha256:a", known)
    docker_registry.remember("r:1", "sha256:a", known)
    assert docker_registry.has("r:1", "sha256:a", known)
    assert not docker_registry.has("r:1", "sha256:b", known)
    for number in range(2, 2 + docker_registry.KEPT):
        docker_registry.remember(f"r:{number}", "sha256:a", known)
    assert not docker_registry.has("r:1", "sha256:a", known)
    known.write_text("{")
    assert not docker_registry.has("r:2", "sha256:a", known)
