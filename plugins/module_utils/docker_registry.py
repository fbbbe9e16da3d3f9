"""What a registry of images says to `docker pull` and `docker push`, and which images it has from this host."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.mcp.aws.plugins.module_utils.docker_build import ENGINE_CAUSES

# Images that are known to be in a registry, so that a run that changes nothing need not ask it.
KNOWN = Path("/var/lib/mcp/registry.json")
KEPT = 50

# What a failed pull or push printed, what that means, and what to do. The first that fits is told; \1 is its group.
CAUSES = (
    *ENGINE_CAUSES,
    (
        r"docker-credential-(\S+?)\\?\": executable file not found",
        r"the program that logs in, docker-credential-\1, is not on the host",
        "deploy again, which installs it",
    ),
    (
        r"not authorized to perform: (\S+)",
        r"the role of the host lacks the right \1",
        "set identity_repository to this repository and apply the role identity",
    ),
    (
        r"no basic auth credentials|error getting credentials|authorization token has expired",
        "the host has no credentials for it",
        "check account and region in stack_registry, and that the instance has a profile whose role may"
        " ecr:GetAuthorizationToken (role identity); /root/.ecr/log/ecr-login.log says more",
    ),
    (
        r"(?:[Rr]epository with name '?([\w./-]+)'? does not exist|name unknown|repository \S+ not found)",
        "the registry has no such repository",
        "create it (role registry, registry_name), or correct stack_registry",
    ),
    (
        r"(?:pull|push) access (?:to the resource is )?denied|requested access to the resource is denied"
        r"|unauthorized|401 Unauthorized|403 Forbidden",
        "the registry does not let this host in",
        "check stack_registry, and that the host may use it",
    ),
    (
        r"x509: ([^\n]+)",
        r"its certificate is not trusted: \1",
        "correct the address in stack_registry, or install the registry's authority on the host",
    ),
    (
        r"no such host|connection refused|i/o timeout|TLS handshake timeout|Client\.Timeout|no route to host"
        r"|network is unreachable|server misbehaving|50[234] |EOF|connection reset",
        "the host cannot reach it",
        "check stack_registry, the name service of the host, and its way there (security group, route, endpoint)",
    ),
    (
        r"toomanyrequests|429 Too Many Requests|Rate exceeded",
        "the registry lets nobody ask this often",
        "wait, then deploy again",
    ),
)


def absent(output: str) -> bool:
    """Tell whether a pull failed for the one reason that a build cures: the registry has no such tag."""
    return "manifest unknown" in output or ("not found" in output and "failed to resolve reference" in output)


def taken(output: str) -> bool:
    """Tell whether a push was refused because the tag is there and may not move."""
    return "already exists" in output and ("immutable" in output or "cannot be overwritten" in output)


def has(image: str, identity: str, known: Path = KNOWN) -> bool:
    """Tell whether this very image was pushed or pulled under this name before."""
    return bool(identity) and _read(known).get(image) == identity


def remember(image: str, identity: str, known: Path = KNOWN) -> None:
    """Keep in mind that the registry has an image; the newest are kept."""
    images = {name: value for name, value in _read(known).items() if name != image} | {image: identity}
    known.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    new = known.with_name(f".{known.name}")
    new.write_text(json.dumps(dict(list(images.items())[-KEPT:]), indent=1) + "\n")
    new.replace(known)


def _read(known: Path) -> dict[str, str]:
    """Return what is remembered; a damaged file means a push more, not a failure."""
    try:
        return dict(json.loads(known.read_text()))
    except (OSError, ValueError, TypeError):
        return {}
