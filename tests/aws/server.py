"""An AWS API for tests: moto in this process, with Debian's images and consoles that show SSH host keys.

`python tests/aws/server.py 5999` runs it in the foreground, to try playbooks by hand.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
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


def start(port: int = 0) -> Any:
    """Start moto on 127.0.0.1 (any free port by default) and return its ThreadedMotoServer.

    moto reads its settings while it is imported, so that this must come before any other import of moto.
    """
    images = Path(tempfile.mkdtemp(prefix="mcp-aws-")) / "images.json"
    images.write_text(json.dumps(IMAGES))
    os.environ["MOTO_AMIS_PATH"] = str(images)
    from moto.ec2.responses import general
    from moto.server import ThreadedMotoServer

    general.SAMPLE_CONSOLE_OUTPUT = CONSOLE
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    return server


if __name__ == "__main__":
    start(int(sys.argv[1]))
    threading.Event().wait()
