"""What `docker build` is told, and what it means when it fails."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

LABEL = "mcp.aws.build"

Causes = Sequence[tuple[str, str, str]]

# Of the engine itself, whatever it was asked.
ENGINE_CAUSES = (
    (
        r"[Nn]o space left on device",
        "the disk of the host is full",
        "free space (docker system prune) or enlarge the volume",
    ),
    (
        r"Cannot connect to the Docker daemon|Is the docker daemon running",
        "the Docker engine does not answer",
        "look at: systemctl status docker",
    ),
)
# What a failed build printed, what that means, and what to do. The first that fits is told; \1 is its group.
CAUSES = (
    *ENGINE_CAUSES,
    (
        r"(?:Cannot locate specified Dockerfile|failed to read dockerfile)|path \S+ not found"
        r"|unable to (?:prepare context|evaluate symlinks)",
        "there is no Dockerfile at the place named",
        "set stack_context and stack_dockerfile to where the repository has it",
    ),
    (
        r"(?:[Dd]ockerfile parse error[^\n]*?: |unknown instruction: )([^\n]+)",
        r"the Dockerfile cannot be read: \1",
        "correct the Dockerfile in the repository",
    ),
    (
        r"(?:pull access denied|manifest unknown|failed to resolve source metadata|failed to do request)"
        r"[^\n]*?(?:for )?([\w./-]+(?::[\w.-]+)?)",
        "a base image cannot be pulled",
        "check its name in the FROM lines, and that the host reaches the registry",
    ),
    (
        r"exit code: 137|signal: killed|Killed",
        "a step was killed, most likely because memory ran out",
        "give the host more memory or swap, or build a smaller image",
    ),
    (
        r"(?:executor failed running \[(.+?)\]: exit code|process \"(.+?)\" did not complete successfully)",
        r"the step `\1\2` failed",
        "correct the Dockerfile or the file that the step reads",
    ),
    (
        r"\"(/[^\"]+)\":? not found",
        r"the file `\1`, which the Dockerfile copies, is not in the context",
        "correct the COPY line, or set stack_context",
    ),
)


@dataclass(frozen=True)
class Build:
    """Everything that an image is made from.

    :param image: name of the image, without a tag; where there is a `registry`, its repository stands in its place.
    :param source: folder of the clone; `context` is below it, `dockerfile` below the context.
    :param target: stage of the Dockerfile; empty means the last.
    """

    image: str
    source: str
    commit: str
    context: str = "."
    dockerfile: str = "Dockerfile"
    build_args: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    registry: str = ""

    def fingerprint(self) -> str:
        """Return a hash that changes when the result of the build may."""
        inputs = {key: value for key, value in asdict(self).items() if key not in ("image", "source", "registry")}
        return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def reference(self) -> str:
        """Name and tag: the same for the same commit and options, on every host."""
        return f"{self.registry or self.image}:{self.commit[:12]}-{self.fingerprint()[:8]}"

    def command(self) -> list[str]:
        """Return the arguments of `docker`."""
        context = f"{self.source}/{self.context}"
        arguments = [
            part for name in sorted(self.build_args) for part in ("--build-arg", f"{name}={self.build_args[name]}")
        ]
        labels = [
            "--label",
            f"{LABEL}={self.fingerprint()}",
            "--label",
            f"org.opencontainers.image.revision={self.commit}",
        ]
        names = ["--tag", self.reference, "--file", f"{context}/{self.dockerfile}"]
        stage = ["--target", self.target] if self.target else []
        return ["build", "--progress", "plain", *names, *labels, *arguments, *stage, context]


def explain(output: str, causes: Causes = CAUSES) -> tuple[str, str]:
    """Return cause and remedy of what failed, out of what it printed."""
    for pattern, cause, remedy in causes:
        if match := re.search(pattern, output):
            return match.expand(cause), remedy
    return "docker says why below", "correct what it names, then deploy again"


def tail(output: str, lines: int = 25) -> list[str]:
    """Return the last lines that say something."""
    return [line.rstrip() for line in output.splitlines() if line.strip() and not re.match(r"#\d+ sha256:", line)][
        -lines:
    ]
