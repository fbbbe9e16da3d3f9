"""The same host as a deploy of pyinfra. It runs in pyinfra's own interpreter; what it wants is in `wanted.json`."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

from pyinfra import config, host
from pyinfra.facts.files import File
from pyinfra.operations import apt, files, postgres, server, systemd
from pyinfra.operations.util import any_changed

WANTED: dict[str, Any] = json.loads(Path(os.environ["BENCH_WANTED"]).read_text())
config.SUDO = True


def put(early: bool) -> dict[str, Any]:
    """Write the files that packages read when they are unpacked, or those that need the packages' users."""
    chosen = [file for file in WANTED["files"] if (file["group"] == "root") is early]
    return {
        file["path"]: files.put(
            name=f"Write {file['path']}",
            src=io.StringIO(file["content"]),
            dest=file["path"],
            user=file["user"],
            group=file["group"],
            mode=file["mode"],
        )
        for file in chosen
    }


first = put(early=True)
sources = [done for path, done in first.items() if path.startswith("/etc/apt/")]
apt.update(name="Refresh the package index", _if=any_changed(*sources))
apt.packages(name="Install the packages", packages=WANTED["packages"], no_recommends=True)
server.shell(
    name="Make the cluster, where its package was told not to",
    commands=["LC_ALL=C.UTF-8 pg_createcluster 12 main --start-conf auto"],
    _if=lambda: not host.get_fact(File, path="/etc/postgresql/12/main/postgresql.conf"),
)
written = first | put(early=False)
units = [done for path, done in written.items() if path.startswith("/etc/systemd/system/")]
systemd.daemon_reload(name="Read changed units", _if=any_changed(*units))
for unit, folders in WANTED["units"].items():
    reasons = [done for path, done in written.items() if path.startswith(tuple(folders))]
    systemd.service(name=f"Run {unit}", service=unit, running=True, enabled=True)
    if folders:
        systemd.service(name=f"Restart {unit}", service=unit, restarted=True, _if=any_changed(*reasons))
postgres.role(name="Make the user", role="app", password=WANTED["password"], _sudo_user="postgres")
postgres.database(name="Make the database", database="app", owner="app", _sudo_user="postgres")
