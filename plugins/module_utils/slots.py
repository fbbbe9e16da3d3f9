"""The slots of a server: which of them serves, where each lies on the host, and the commands that move it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SERVING_MAP = Path("/etc/haproxy/serving.map")  # the proxy's choice; the units read it too
RELEASES = Path("/opt/mcp/releases")
SLOTS = Path("/opt/mcp/slots")
SLOT_SETTINGS = Path("/etc/mcp/slots")
FLAGS = Path("/run")


def parse_serving(text: str) -> str:
    """Return the slot that the proxy's map names, or nothing."""
    words = [line.split() for line in text.splitlines()]
    return next((line[1] for line in words if len(line) == 2 and line[0] == "serving"), "")


def serving(path: Path = SERVING_MAP) -> str:
    """Return the slot that serves; nothing where there is no proxy yet."""
    try:
        return parse_serving(path.read_text())
    except FileNotFoundError:
        return ""


def idle(names: Sequence[str], serving: str) -> str:
    """Return the slot to fill: the first that does not serve."""
    return next(name for name in names if name != serving)


@dataclass(frozen=True)
class Slot:
    """One slot on the host."""

    name: str

    @property
    def unit(self) -> str:
        return f"mcp@{self.name}.service"

    @property
    def project(self) -> str:
        """Compose's project, and the name of the server's container."""
        return f"mcp-{self.name}"

    @property
    def link(self) -> Path:
        """The link to the release that the slot holds."""
        return SLOTS / self.name

    @property
    def flag(self) -> Path:
        """Lets the unit start once, though another slot serves."""
        return FLAGS / f"mcp-{self.name}.start"

    def release(self) -> str:
        """Return the release that the slot holds, or nothing."""
        return self.link.readlink().name if self.link.is_symlink() else ""

    def compose(self, folder: Path, *words: str) -> list[str]:
        """Return a command of Compose on a release in this slot."""
        # What the slot and the release are stands above what the server is told.
        told = [folder / "mcp.env", folder / "secrets.env", SLOT_SETTINGS / f"{self.name}.env", folder / "release.env"]
        files = [word for file in told for word in ("--env-file", str(file))]
        name = ["--project-name", self.project, "--file", str(folder / "compose.yml")]
        return ["docker", "compose", "--progress", "quiet", *files, *name, *words]


def why_it_ended(state: str) -> str:
    """Say what became of a container, out of what `docker inspect` calls its state; nothing while it may still come.

    :param state: `{{json .State}}`.
    """
    known = json.loads(state)
    if known.get("OOMKilled"):
        return "was killed because its memory ran out (stack_memory)"
    if known.get("Status") in ("exited", "dead"):
        return f"ended with status {known.get('ExitCode')}" + (f": {known['Error']}" if known.get("Error") else "")
    return ""


def settings(name: str, address: str, port: int, subnet: str) -> str:
    """Return the file that tells Compose and the unit what a slot is."""
    reached = "127.0.0.1" if address == "0.0.0.0" else address  # noqa: S104 (asked, not listened on)
    values = {"SLOT": name, "ADDRESS": address, "PORT": port, "SUBNET": subnet, "URL": f"http://{reached}:{port}"}
    return "".join(f"MCP_{key}={value}\n" for key, value in values.items())
