"""The protocol's own conformance suite against a server: what it says of each check, and whether that was expected."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

NPX = ("npx", "-y", "-p", "node@22", "-p", "@modelcontextprotocol/conformance@0.2.0-alpha.11")
EXPECTED = Path(__file__).parents[1] / "fixtures" / "conformance"
# One revision shakes hands and has sessions; the other has neither. What holds in one says nothing about the other.
REVISIONS: dict[str, tuple[str, ...]] = {
    revision: ("all", "--spec-version", revision) for revision in ("2025-11-25", "2026-07-28")
}
# What no revision asks for: tasks.
EXTENSIONS: dict[str, tuple[str, ...]] = {"extensions": ("pending",)}


@dataclass(frozen=True)
class Verdict:
    """What the suite said."""

    expected: bool
    """Nothing failed that is not in the list, and nothing in the list passed."""
    checks: dict[str, list[str]] = field(repr=False)
    """By scenario, each check with its status."""
    output: str = field(repr=False)

    def told(self) -> str:
        """The end of what it printed: the summary, and what differs from the list."""
        return self.output[-6000:]


def download() -> tuple[str, ...]:
    """Have npm fetch the suite, and say how it is called; the registry is asked once more when it stalls."""
    # What npm has downloaded it takes without asking; the registry may be slow, or away.
    settings = {"update_notifier": "false", "loglevel": "error", "prefer_offline": "true"}
    environment = {**os.environ, **{f"npm_config_{name}": value for name, value in settings.items()}}
    command = [*NPX, "-c", "command -v node; command -v conformance"]
    for last in (False, True):
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=150, check=False)
        except subprocess.TimeoutExpired:
            if last:
                raise
            continue
        if done.returncode == 0 or last:
            break
    assert done.returncode == 0, done.stdout + done.stderr
    return tuple(done.stdout.split())


def judge(program: tuple[str, ...], url: str, suite: tuple[str, ...], expected: str, folder: Path) -> Verdict:
    """Run one of the suite's suites; `expected` names the list of failures, `folder` takes the evidence."""
    command = [*program, "server", "--url", url, "--output-dir", str(folder), "--suite", *suite]
    command += ["--expected-failures", str(EXPECTED / f"{expected}.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    # The suite paints its output whoever reads it.
    output = re.sub(r"\x1b\[\d*m", "", done.stderr + done.stdout)
    return Verdict(done.returncode == 0, read_checks(folder), output)


def judge_all(
    urls: dict[str, str], expected: str, folder: Path, suites: dict[str, tuple[str, ...]] = REVISIONS
) -> dict[tuple[str, str], Verdict]:
    """Run every suite against every URL at the same time; by the URL's name and the suite's."""
    asked = [(name, suite) for suite in suites for name in urls]
    program = download()

    def ask(which: tuple[str, str]) -> Verdict:
        name, suite = which
        return judge(program, urls[name], suites[suite], f"{expected}-{suite}", folder / name / suite)

    with ThreadPoolExecutor(len(asked)) as pool:
        return dict(zip(asked, pool.map(ask, asked), strict=True))


def read_checks(folder: Path) -> dict[str, list[str]]:
    """What each scenario checked and found; not what it only mentions, of which there is more or less by chance."""
    checks = {}
    for file in folder.glob("server-*/checks.json"):
        scenario = re.sub(r"^server-|-\d{4}-\d\d-\d\dT[\d-]+Z$", "", file.parent.name)
        found = json.loads(file.read_text())
        checks[scenario] = sorted(f"{check['id']} {check['status']}" for check in found if check["status"] != "INFO")
    return checks


class _Carrier(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64
    target: tuple[str, int]


class _Carry(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Carrier)
        with contextlib.suppress(OSError), socket.create_connection(self.server.target, 10) as there:
            other = {self.request: there, there: self.request}
            while True:
                for end in select.select(list(other), [], [])[0]:
                    if not (data := end.recv(65536)):
                        return
                    other[end].sendall(data)


@contextlib.contextmanager
def at_home(address: str, port: int) -> Iterator[str]:
    """A URL of this machine that leads to another one: the suite tests against DNS rebinding at home only."""
    with _Carrier(("127.0.0.1", 0), _Carry) as carrier:
        carrier.target = (address, port)
        threading.Thread(target=carrier.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        yield f"http://127.0.0.1:{carrier.server_address[1]}/mcp"
        carrier.shutdown()
