"""A host for the deploys: configured as any server, its secrets in the account, a repository on it to deploy from."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import secrets
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from bench.converge.hosts import Account, Host, StepFailed
from bench.converge.tools import execute
from tests.e2e.conftest import BIN, ROOT, aws

NAME = "mcp-bench-deploy"
SERVER = "roles/stack/files/server"
REPOSITORY = "/srv/repository"
SECRETS = ("database_password", "redis_password", "token")
# Slots live in the first; Compose gives the peer a network out of the second.
NETWORKS = ("172.30.1.0/24", "172.29.0.0/16")


class Site:
    """The host, and the commands that its user gives at the control node."""

    def __init__(self, host: Host, folder: Path, drain: int) -> None:
        self.host, self.drain = host, drain
        self.secrets = {name: secrets.token_urlsafe(24) for name in SECRETS}
        self.url = f"http://{host.address}:8000"
        self.inventory = folder / "inventory"
        self.inventory.mkdir()
        (self.inventory / "group_vars").symlink_to(ROOT / "inventory/lab/group_vars")
        (self.inventory / "hosts.json").write_text(json.dumps({"mcp_servers": {"hosts": {NAME: self.variables()}}}))
        self.log = folder / "ansible.log"

    def variables(self) -> dict[str, Any]:
        """Return what the inventory says of the host."""
        entry = {"type": "host", "database": "mcp", "user": "mcp", "method": "scram-sha-256"}
        return {
            "ansible_host": self.host.address,
            "ansible_ssh_common_args": f"-oUserKnownHostsFile={self.host.known_hosts} -oControlPersist=60s",
            "identity_key_file": str(self.host.key),
            "mcp_name": NAME,
            "postgresql_hba_entries": [entry | {"address": network} for network in NETWORKS],
            "stack_repository": REPOSITORY,
            "stack_logging": {"driver": "local"},
            "stack_drain_seconds": self.drain,
            **yaml.safe_load((ROOT / SERVER / "stack.yml").read_text())["__reference_server"],
        }

    @contextmanager
    def keeping_secrets(self) -> Iterator[None]:
        """Keep the secrets where the playbooks read them, while it lasts."""
        ssm = aws("ssm")
        names = {name: f"/{NAME}/{name}" for name in SECRETS}
        for name, path in names.items():
            ssm.put_parameter(Name=path, Value=self.secrets[name], Type="SecureString", Overwrite=True)
        try:
            yield
        finally:
            ssm.delete_parameters(Names=list(names.values()))

    def shell(self, script: str) -> str:
        """Run a script on the host as root, and return what it printed."""
        done = self.host.ssh("sudo", "sh", "-e", "-s", text=script)
        if done.returncode:
            raise StepFailed(f"On the host, status {done.returncode}:\n{script}\n{done.stdout}{done.stderr}"[-4000:])
        return done.stdout.strip()

    def play(self, playbook: str) -> None:
        """Run a playbook of the collection, as its user does."""
        command = [str(BIN / "ansible-playbook"), "-i", str(self.inventory), f"mcp.aws.{playbook}"]
        _, said = execute(command, r"failed=0", {"ANSIBLE_NOCOLOR": "1"})
        with self.log.open("a") as log:
            log.write(said)

    def prepare(self, version: str) -> None:
        """Configure the host, and put the reference server's repository on it."""
        self.play("configure")
        self.shell(f"apt-get -qq install git >/dev/null; mkdir -p {REPOSITORY}; git init -qb main {REPOSITORY}")
        packed = subprocess.run(["git", "archive", f"HEAD:{SERVER}"], cwd=ROOT, capture_output=True, check=True).stdout
        folder = self.host.folder / "server.tar"
        folder.write_bytes(packed)
        options = ["-oBatchMode=yes", f"-oUserKnownHostsFile={self.host.known_hosts}", "-i", str(self.host.key)]
        send = ["ssh", *options, f"admin@{self.host.address}", "sudo", "tar", "-x", "-C", REPOSITORY]
        with folder.open("rb") as file:
            subprocess.run(send, stdin=file, check=True)
        self.commit(version)

    def commit(self, version: str) -> None:
        """Commit a change of the application: the version that it tells its clients."""
        line = shlex.quote(f's/^__version__ = .*/__version__ = "{version}"/')
        git = f"git -C {REPOSITORY} -c user.name=bench -c user.email=bench@localhost"
        self.shell(
            f"sed -i {line} {REPOSITORY}/mcp_memory/__init__.py\n"
            f"{git} add -A\n{git} commit -qm {shlex.quote(version)}\n"
            f"grep -q {shlex.quote(version)} {REPOSITORY}/mcp_memory/__init__.py"
        )


@contextmanager
def site(folder: Path, drain: int) -> Iterator[Site]:
    """Boot a host, and take it and its secrets away again."""
    account = Account(folder, NAME)
    try:
        with account.host() as host:
            made = Site(host, folder, drain)
            with made.keeping_secrets():
                yield made
    finally:
        account.close()
