"""How much of its memory a container uses, asked of the engine itself, as its command line takes a second."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote

from ansible_collections.mcp.aws.plugins.module_utils.gate_http import Failure

SOCKET = "/run/docker.sock"
SECONDS = 10
MIB = 1024 * 1024


@dataclass(frozen=True)
class Memory:
    """What a container uses and may use, in bytes, and whether the kernel had to kill something in it."""

    used: int
    limit: int
    killed: bool = False

    @property
    def percent(self) -> float:
        return self.used * 100 / self.limit

    def __str__(self) -> str:
        return f"{self.percent:.0f} % ({self.used / MIB:.0f} of {self.limit / MIB:.0f} MiB)"


class _Engine(HTTPConnection):
    """HTTP over the engine's socket."""

    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def read(stats: Mapping[str, Any], state: Mapping[str, Any]) -> Memory:
    """Make sense of what the engine says of a container: its statistics, and the `State` of its inspection.

    The kernel takes page cache back whenever it needs to, so it does not count; files on a tmpfs do.
    """
    memory = stats.get("memory_stats") or {}
    if not memory.get("usage") or not memory.get("limit"):
        why = "the kernel killed it, as it wanted more than its limit" if state.get("OOMKilled") else "it does not run"
        raise Failure(f"its memory cannot be measured: {why}", json.dumps(state))
    parts = memory.get("stats") or {}
    # Counted with its children by cgroup 1, whose names for that begin with total.
    cache = sum(parts.get(f"total_{name}", parts.get(name, 0)) for name in ("active_file", "inactive_file"))
    used = memory["usage"] - cache - parts.get("slab_reclaimable", 0)
    return Memory(max(0, used), memory["limit"], bool(state.get("OOMKilled")))


def measure(container: str, path: str = SOCKET) -> Memory:
    """Ask the engine about a container."""
    name = quote(container, safe="")
    state = _get(path, f"/containers/{name}/json").get("State") or {}
    return read(_get(path, f"/containers/{name}/stats?stream=false&one-shot=true"), state)


def _get(path: str, page: str) -> dict[str, Any]:
    with closing(_Engine(path)) as engine:
        try:
            engine.request("GET", page)
            response = engine.getresponse()
            text = response.read().decode(errors="replace")
            found = json.loads(text)
        except (OSError, HTTPException, ValueError) as error:
            raise Failure(f"the engine does not answer at {path}: {error}") from error
    if response.status != 200:
        raise Failure(f"the engine says: {found.get('message', response.reason)}", text)
    return dict(found)
