"""The two tools that are compared, from their command lines as their users call them."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Protocol

from bench.converge.hosts import Host, StepFailed
from tests.e2e.conftest import BIN, ROOT

HERE = Path(__file__).parent
PATIENCE = 600
# Who waits for which folder's files: a service whose files changed is restarted.
UNITS = {"docker": [], "postgresql@12-main": ["/etc/postgresql/"], "redis-server": ["/etc/redis/"]}


class Tool(Protocol):
    """One of the tools that are compared."""

    name: str

    def run(self, host: Host, again: bool) -> float:
        """Converge a host and return the seconds; again must change nothing."""


def execute(command: list[str], expected: str, environment: dict[str, str]) -> tuple[float, str]:
    """Run a command; return its seconds, those of a process from start to end, and what it printed.

    :param expected: what its output must contain, as a regular expression.
    """
    began = time.perf_counter()
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    try:
        done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, timeout=PATIENCE, check=False, **streams)
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"").decode()[-4000:]
        raise StepFailed(f"{' '.join(command)[:300]}\ndid not end within {PATIENCE} s:\n{said}") from late
    seconds = time.perf_counter() - began
    if done.returncode or not re.search(expected, done.stdout):
        tail = "\n".join(done.stdout.splitlines()[-60:])
        raise StepFailed(f"{' '.join(command)[:300]}\nended with {done.returncode}, `{expected}` wanted:\n{tail}")
    return seconds, done.stdout


class Ours:
    """The roles docker, postgresql and redis, in one playbook."""

    name = "ours"

    def __init__(self, folder: Path, password: str, profile: bool) -> None:
        self.folder, self.profile = folder / "inventory", profile
        self.folder.mkdir()
        (self.folder / "group_vars").symlink_to(ROOT / "inventory/lab/group_vars")
        self.variables = {"bench_password": password, "identity_key_file": str(folder / "id_ed25519")}

    def run(self, host: Host, again: bool) -> float:
        """Run the playbook, over a connection of its own."""
        options = f"-oUserKnownHostsFile={host.known_hosts}"
        mine = self.variables | {"ansible_host": host.address, "ansible_ssh_common_args": options}
        inventory = self.folder / "hosts.json"
        inventory.write_text(json.dumps({"mcp_servers": {"hosts": {"bench": mine}}}))
        command = [str(BIN / "ansible-playbook"), "-i", str(inventory), str(HERE / "play.yml")]
        with tempfile.TemporaryDirectory(prefix="mcp-") as sockets:
            environment = {"ANSIBLE_SSH_CONTROL_PATH_DIR": sockets, "ANSIBLE_NOCOLOR": "1"}
            if self.profile:
                callbacks = "mcp.aws.payload_cache,mcp.aws.resident,ansible.posix.profile_tasks"
                environment |= {"ANSIBLE_CALLBACKS_ENABLED": callbacks, "PROFILE_TASKS_TASK_OUTPUT_LIMIT": "all"}
            seconds, output = execute(command, r"changed=0 " if again else r"changed=[1-9]", environment)
        if self.profile:
            print("\n" + output.partition("PLAY RECAP")[2].partition("\n\n")[2], flush=True)
        return seconds


class Pyinfra:
    """A deploy of pyinfra that makes what `wanted` says."""

    name = "pyinfra"

    def __init__(self, folder: Path, wanted: dict[str, Any]) -> None:
        self.file, self.inventory = folder / "wanted.json", folder / "inventory.py"
        self.file.write_text(json.dumps(wanted))
        self.program = install()
        self.operations = 0

    def run(self, host: Host, again: bool) -> float:
        """Run the deploy. Setting the user's password is no operation that can find nothing to do."""
        data = {
            "ssh_user": "admin",
            "ssh_key": str(host.key),
            "ssh_known_hosts_file": str(host.known_hosts),
            "ssh_strict_host_key_checking": "accept-new",
        }
        self.inventory.write_text(f"hosts = [({host.address!r}, {data!r})]\n")
        command = [str(self.program), "-y", str(self.inventory), str(HERE / "deploy.py")]
        seconds, output = execute(command, r"Grand total", {"BENCH_WANTED": str(self.file), "NO_COLOR": "1"})
        self.check(output, again)
        return seconds

    def check(self, output: str, again: bool) -> None:
        """Raise unless it did what it should."""
        cells = output.partition("Grand total")[2].split()[:4]
        self.operations, changed = (int(cell) if cell.isdigit() else 0 for cell in cells[:2])
        if again and changed > 1:
            raise StepFailed(f"pyinfra changed the host when it ran again:\n{output[-6000:]}")


def install() -> Path:
    """Install pyinfra as the lock file has it, apart from our own environment; return the program."""
    folder = ROOT / ".lab/bench/pyinfra"
    words = [sys.executable, "-m", "uv", "sync", "--quiet", "--frozen", "--only-group", "bench"]
    subprocess.run(words, cwd=ROOT, env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(folder)}, check=True)
    return folder / "bin/pyinfra"


def wanted(bare: dict[str, Any], model: dict[str, Any], password: str) -> dict[str, Any]:
    """Return what our roles made of a bare host: the packages that they named, their files, their services."""
    timers = [Path(file["path"]).name for file in model["files"] if file["path"].endswith(".timer")]
    return {
        "packages": sorted(set(model["manual"]) - set(bare["manual"])),
        "files": model["files"],
        "units": UNITS | {timer: [] for timer in timers},
        "password": password,
    }
