"""Hands for the tests of the role stack: deploy again with other variables, and ask through the door meanwhile."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import subprocess
import tarfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from questions import outside_address
from testinfra.host import Host

DOOR = "http://127.0.0.1:8000"


def serving(host: Host) -> str:
    """The slot that serves."""
    return host.check_output("cut -d' ' -f2 /etc/haproxy/serving.map")


def answers(host: Host, path: str = "/ready") -> bool:
    return host.run(f"curl -sf -m 2 -o /dev/null {DOOR}{path}").rc == 0


def play(tasks: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Run tasks of the role again, with other variables: `main` deploys, `rollback` goes back."""
    project = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
    inventory = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent
    playbook = (
        project / "molecule/shared" / "converge.yml" if tasks == "main" else Path(__file__).parent / f"{tasks}.yml"
    )
    command = ["ansible-playbook", "-i", str(inventory), "-e", json.dumps(settings), str(playbook)]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def deploy(**settings: Any) -> subprocess.CompletedProcess[str]:
    return play("main", **settings)


def refused(**settings: Any) -> str:
    """Deploy, expect that it fails, and return all that was said, in one line."""
    done = deploy(**settings)
    assert done.returncode != 0, done.stdout
    return " ".join(f"{done.stdout} {done.stderr}".split())


def packed(folder: Path) -> str:
    """The files of a folder as an archive in base64."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:xz") as tar:
        tar.add(folder, ".", filter=lambda entry: None if "__pycache__" in entry.name else entry)
    return base64.b64encode(archive.getvalue()).decode()


class Requests:
    """A client that asks through the door from outside, twenty times a second, and notes what failed.

    :param message: what is posted; nothing: a page is asked for.
    """

    def __init__(
        self, host: Host, path: str = "/ready", message: dict[str, Any] | None = None, token: str = ""
    ) -> None:
        self.address = outside_address(host)
        self.request = ("POST" if message else "GET", path, json.dumps(message) if message else None)
        self.headers = {
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            "Authorization": f"Bearer {token}",
        } if message else {}  # fmt: skip
        self.count, self.failed = 0, list[str]()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.over.set()
        self.thread.join(30)

    def _ask(self) -> None:
        while not self.over.wait(0.05):
            began = time.monotonic()
            connection = http.client.HTTPConnection(self.address, 8000, timeout=10)
            try:
                connection.request(*self.request, self.headers)
                status = connection.getresponse().status
                says = "" if status == 200 else f"HTTP {status}"
            except OSError as error:
                says = repr(error)
            finally:
                connection.close()
            self.count += 1
            if says:
                self.failed.append(f"{says} after {time.monotonic() - began:.2f} s")
