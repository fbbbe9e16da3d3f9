"""Questions that the tests of every host role ask, and the evidence a failing answer prints."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from testinfra.host import Host


def variables() -> dict[str, Any]:
    """The vars.yml of the scenario."""
    return dict(yaml.safe_load(Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"], "vars.yml").read_text()))


def listeners(host: Host, port: int) -> dict[str, str]:
    """Process name by address of everything that listens on a TCP port."""
    lines = host.check_output(f"ss -Hltnp sport = :{port}").splitlines()
    return {line.split()[3].rsplit(":", 1)[0]: line.split('"')[1] for line in lines}


def run(host: Host, *words: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    """Exit status and both streams of a command, its words quoted."""
    prefix = [f"{name}={value}" for name, value in (env or {}).items()]
    result = host.run(f"env {shlex.join([*prefix, *words])} 2>&1")
    return result.rc, result.stdout


def outside_address(host: Host) -> str:
    """The address that other machines see."""
    return host.check_output("ip -4 -o route get 192.0.2.1 | sed 's/.* src //; s/ .*//'")


def journal(host: Host, unit: str) -> str:
    """The end of a unit's journal."""
    return host.run(f"systemctl status --no-pager -n 20 {unit}").stdout


def eventually(question: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether the answer becomes true before the deadline."""
    deadline = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return answer
