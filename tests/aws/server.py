"""An AWS API for tests: moto in this process, with Debian's images and consoles that show SSH host keys.

`python tests/aws/server.py start FILE [LOG]` leaves one running on a free port and writes its address to FILE, and what
it is asked to LOG; `stop FILE` ends it. Tests that want trouble ask for it at /faults, see faults.py, and for another
account with the same things at /copy, see copies.py.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

DEBIAN = "136693071363"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0eNcP1uXGxFkJ2yYhLFWbXqA8kpMPqhZ1jI2mFhQ2l"
CONSOLE = f"booting\n-----BEGIN SSH HOST KEY KEYS-----\n{HOST_KEY} root@host\n-----END SSH HOST KEY KEYS-----\nlogin:\n"


def image(number: int, name: str, created: str) -> dict[str, Any]:
    """Return an image in the form of MOTO_AMIS_PATH."""
    return {
        "ami_id": f"ami-0deb1a2000000000{number}",
        "name": name,
        "creation_date": created,
        "description": "Debian",
        "owner_id": DEBIAN,
        "public": True,
        "virtualization_type": "hvm",
        "architecture": "x86_64",
        "state": "available",
        "platform": None,
        "image_type": "machine",
        "hypervisor": "xen",
        "root_device_name": "/dev/xvda",
        "root_device_type": "ebs",
        "sriov": "simple",
    }


IMAGES = [
    image(2, "debian-12-amd64-20261101-2300", "2026-11-01T23:00:00.000Z"),
    image(1, "debian-12-amd64-20261001-2200", "2026-10-01T22:00:00.000Z"),
]


def start(port: int = 0, log: Path | None = None) -> Any:
    """Start moto on 127.0.0.1 (any free port by default) and return its ThreadedMotoServer.

    moto reads its settings and images while it is imported, so that this must come before any other import of moto.
    """
    with tempfile.TemporaryDirectory(prefix="mcp-aws-") as folder:
        images = Path(folder) / "images.json"
        images.write_text(json.dumps(IMAGES))
        os.environ["MOTO_AMIS_PATH"] = str(images)
        from ansible_collections.mcp.aws.lab import moto_gaps
        from moto.ec2.responses import general
        from moto.server import ThreadedMotoServer

    moto_gaps.correct()
    general.SAMPLE_CONSOLE_OUTPUT = CONSOLE
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    surround(server, log)
    return server


def surround(server: Any, log: Path | None) -> None:
    """Put around moto what the lab has, faults and copies: policies are asked once a test wants them asked."""
    from ansible_collections.mcp.aws.lab import api_log, permissions
    from ansible_collections.mcp.aws.tests.aws.copies import Copies
    from ansible_collections.mcp.aws.tests.aws.faults import Faults

    permissions.attach()
    application = Faults(server._server.app)
    gate = permissions.Gate(api_log.Log(application, log) if log else application)
    server._server.app = Copies(gate, server._server.RequestHandlerClass)


def serve(file: Path, log: Path | None = None) -> None:
    """Serve until the end of the process, having told port and process in the file."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # copies end when they like
    _, port = start(log=log).get_host_and_port()
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps({"endpoint": f"http://127.0.0.1:{port}", "pid": os.getpid()}))
    draft.replace(file)
    threading.Event().wait()


def launch(file: Path, *log: Path, seconds: int = 60) -> None:
    """Start a server that outlives this process, and wait until it listens."""
    file.parent.mkdir(parents=True, exist_ok=True)
    printed = file.with_suffix(".log")
    with printed.open("w") as output:
        command = [sys.executable, __file__, "serve", str(file), *map(str, log)]
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    deadline = time.monotonic() + seconds
    while not file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            sys.exit(f"The AWS API did not start within {seconds} s:\n{printed.read_text()[-2000:]}")
        time.sleep(0.1)


def stop(file: Path) -> None:
    """End the server of that file, if it runs."""
    if file.exists():
        with suppress(ProcessLookupError):
            os.kill(json.loads(file.read_text())["pid"], signal.SIGTERM)
        file.unlink()


if __name__ == "__main__":
    verbs: dict[str, Callable[..., None]] = {"start": launch, "serve": serve, "stop": stop}
    verbs[sys.argv[1]](*map(Path, sys.argv[2:]))
