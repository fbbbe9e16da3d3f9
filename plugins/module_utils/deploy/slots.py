"""The slots of a server: which of them serves, and where each lies on the host."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SERVING_MAP = Path("/etc/haproxy/serving.map")  # the proxy's choice; the units read it too
RELEASES = Path("/opt/mcp/releases")
SLOTS = Path("/opt/mcp/slots")
SLOT_SETTINGS = Path("/etc/mcp/slots")


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
    """Return the slot to fill: the first that does not serve.

    :raises ValueError: when there is none.
    """
    for name in names:
        if name != serving:
            return name
    beside = f" beside `{serving}`, which serves" if serving else ""
    raise ValueError(f"stack_slots has no slot to fill{beside}. Add one.")


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

    def release(self) -> str:
        """Return the release that the slot holds, or nothing."""
        return self.link.readlink().name if self.link.is_symlink() else ""


def settings(name: str, address: str, port: int, subnet: str) -> str:
    """Return the file that tells Compose and the unit what a slot is."""
    reached = "127.0.0.1" if address == "0.0.0.0" else address  # noqa: S104 (asked, not listened on)
    values = {"SLOT": name, "ADDRESS": address, "PORT": port, "SUBNET": subnet, "URL": f"http://{reached}:{port}"}
    return "".join(f"MCP_{key}={value}\n" for key, value in values.items())
