#!/usr/bin/python
"""Gives a PostgreSQL cluster its configuration, and the old one back where the server refuses the new."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import ipaddress
import json
import shutil
import socket
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils import postgresql, systemd

DOCUMENTATION = r"""
module: postgresql_configuration
short_description: Configure a PostgreSQL cluster, or leave it as it was
version_added: 0.3.0
description:
  - Makes the cluster C(main) of a major version as Debian lays clusters out, unless it is there.
  - Owns C(conf.d/mcp.conf) and C(pg_hba.conf). Validates both, writes them, reloads, and restarts where the server says
    that a setting needs it, or where it does not listen on an address that the host has.
  - Where the server refuses, puts the old files back and into force, and fails with the server's reason.
  - A server that does not run is started with a new configuration, and left as it is with an unchanged one.
options:
  version: {type: int, required: true, description: Major version.}
  settings: {type: str, required: true, description: Content of C(conf.d/mcp.conf).}
  hba: {type: str, required: true, description: Content of C(pg_hba.conf).}
  listen: {type: list, elements: str, default: [], description: Addresses of O(settings) to listen on.}
  port: {type: int, default: 5432, description: Port of O(settings).}
  beside:
    description: Whether to make the cluster where one of another major version holds data.
    type: bool
    default: false
  remedy: {type: str, default: "", description: What to do about a cluster of another major version.}
  timeout: {type: int, default: 60, description: Seconds until the server must have taken the configuration.}
attributes:
  check_mode: {support: full, description: Says what would change.}
  diff_mode: {support: full, description: Shows both files.}
author: [The mcp.aws maintainers (@mcp-aws)]
"""

EXAMPLES = r"""
- name: Configure PostgreSQL
  mcp.aws.postgresql_configuration:
    version: 12
    settings: "max_connections = 40\n"
    hba: "local all all peer\n"
"""

RETURN = r"""
steps:
  description: What was done, of C(make), C(write), C(start), C(reload) and C(restart).
  returned: always
  type: list
  elements: str
cluster:
  description: Whether the cluster is there; a check cannot make one.
  returned: always
  type: bool
"""

QUESTION = """SELECT json_build_object(
    'loaded', extract(epoch FROM pg_conf_load_time()),
    'restart', (SELECT coalesce(json_agg(name), '[]') FROM pg_settings WHERE pending_restart),
    'rules', (SELECT coalesce(json_agg(json_build_array(line_number, error)), '[]')
              FROM pg_hba_file_rules WHERE error IS NOT NULL))"""

BLOCK = 8192  # bytes


class RefusedError(Exception):
    """The server does not take the configuration."""


class Cluster:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module, self.params = module, module.params
        self.version = str(self.params["version"])
        self.folder = Path("/etc/postgresql", self.version, "main")
        self.data = Path("/var/lib/postgresql", self.version, "main")
        self.log = Path(f"/var/log/postgresql/postgresql-{self.version}-main.log")
        self.unit = f"postgresql@{self.version}-main.service"
        self.files = {self.folder / "conf.d/mcp.conf": "settings", self.folder / "pg_hba.conf": "hba"}
        self.steps: list[str] = []

    def run(self, *words: str) -> tuple[int, str]:
        """Exit status and both streams of a command."""
        status, out, err = self.module.run_command(list(words), environ_update={"LC_ALL": "C.UTF-8"})
        return status, out + err

    def running(self) -> bool:
        """Whether systemd has the server up."""
        return self.run("systemctl", "is-active", self.unit)[0] == 0

    def state(self) -> dict[str, Any] | None:
        """What the running server says of its configuration, if it answers."""
        port = ""
        with contextlib.suppress(OSError, IndexError):  # a server that is starting has not written it yet
            port = (self.data / "postmaster.pid").read_text().splitlines()[3]
        words = [postgresql.psql(), "-AtX", "-p", port or str(self.params["port"]), "-c", QUESTION]
        status, out, _ = self.module.run_command(["runuser", "-u", "postgres", "--", *words], cwd="/")
        return dict(json.loads(out)) if status == 0 else None

    def wait(self, since: float = 0) -> dict[str, Any]:
        """The state of a server that has loaded its files after a moment."""
        deadline = time.monotonic() + self.params["timeout"]
        while (state := self.state()) is None or state["loaded"] < since:
            if state is None and not self.running():
                raise RefusedError
            if time.monotonic() > deadline:
                raise RefusedError
            time.sleep(0.1)
        return state

    def make(self) -> None:
        """Make the cluster, unless it would silently stand beside another major version's data."""
        data = Path("/var/lib/postgresql").glob("*/*/PG_VERSION")
        kept = Path("/etc/postgresql").glob("*/*/postgresql.conf")
        others = {path.parents[1].name for path in (*data, *kept)} - {self.version}
        if others and not self.params["beside"]:
            there = " and ".join(sorted(others))
            self.module.fail_json(
                msg=f"This host holds a cluster of PostgreSQL {there}, and none of {self.version}: a new one would be "
                f"empty. {self.params['remedy']}".strip()
            )
        self.steps.append("make")
        if self.module.check_mode:
            return
        status, said = self.run("pg_createcluster", self.version, "main", "--start-conf", "auto")
        if status != 0:
            self.module.fail_json(msg=f"Cannot make the cluster {self.version}/main: {said.strip().splitlines()[-1]}.")
        self.run("systemctl", "daemon-reload")  # its unit is generated

    def put(self, files: dict[Path, str]) -> None:
        """Write files for the server to read and nobody else: all of them, or none where the disk is full."""
        new = {path.with_name(f".{path.name}.new"): path for path in files}
        try:
            for temporary, path in new.items():
                temporary.touch(mode=0o600)
                temporary.write_text(files[path])
                shutil.chown(temporary, "root", "postgres")
                temporary.chmod(0o640)
        except OSError as error:
            for temporary in new:
                temporary.unlink(missing_ok=True)
            self.module.fail_json(msg=f"Cannot write {error.filename or self.folder}: {error.strerror}.")
        for temporary, path in new.items():
            temporary.replace(path)

    def validate(self) -> None:
        """Let the server's program read the settings: -C refuses names and values that the server would refuse."""
        trial = self.folder / "conf.d/.mcp.conf.trial"
        self.put({trial: self.params["settings"]})
        program = f"/usr/lib/postgresql/{self.version}/bin/postgres"
        words = [program, "-D", str(self.data), "-C", "shared_buffers", "-c", f"config_file={trial}"]
        status, said = self.run("runuser", "-u", "postgres", "--", *words)
        trial.unlink()
        if status != 0:
            raise RefusedError(postgresql.reason(said).replace(str(trial), "mcp.conf"))
        # Where the kernel overcommits memory, a server with too much of it starts, and is killed later.
        wanted = int(said.split()[-1]) * BLOCK
        memory = 1024 * int(Path("/proc/meminfo").read_text().split()[1])
        if wanted > memory:
            raise RefusedError(f"shared_buffers are {wanted >> 20} MiB, and the host has {memory >> 20} MiB of memory")

    def deaf(self) -> list[str]:
        """The addresses of this host to listen on, on which the server does not."""
        _, said = self.run("ss", "-Hltnp", f"sport = :{self.params['port']}")
        lines = [line for line in said.splitlines() if '("postgres"' in line]
        heard = {line.split()[3].rsplit(":", 1)[0].strip("[]") for line in lines}
        return [address for address in self.params["listen"] if address not in heard and ours(address)]

    def needs(self, state: dict[str, Any]) -> str:
        """The verb that brings the files into force, if one is needed."""
        if state["restart"] or self.deaf():
            return "restart"
        return "reload" if state["loaded"] < self.newest() else ""

    def newest(self) -> float:
        """When the files were last written."""
        return max(path.stat().st_mtime for path in self.files)

    def load(self, running: bool, patient: bool) -> None:
        """Bring the files into force; a server that does not run starts with them."""
        if not running:
            return self.start("start")
        state = self.wait() if patient else self.state()
        if state is None:  # it recovers from a crash, with the files as they are
            return None
        if state["rules"]:
            lines = self.params["hba"].splitlines()
            faults = [
                f"pg_hba.conf line {number} (`{' '.join(lines[number - 1].split())}`): {said}"
                for number, said in state["rules"]
            ]
            raise RefusedError("; ".join(faults))
        if state["loaded"] < self.newest():
            self.steps.append("reload")
            self.run("systemctl", "reload", self.unit)
            state = self.wait(since=self.newest())
        if self.needs(state) == "restart":
            self.start("restart")
        return None

    def start(self, verb: str) -> None:
        """Start or restart the server, which then listens on every address."""
        self.steps.append(verb)
        if self.run("systemctl", verb, self.unit)[0] != 0:
            raise RefusedError
        self.wait()
        if deaf := self.deaf():
            raise RefusedError(f"it does not listen on port {self.params['port']} of {', '.join(deaf)}")

    def restore(self, before: dict[Path, str], running: bool) -> str:
        """Put the old files back and into force; how that went, in words."""
        self.put(before)
        for path in self.files.keys() - before.keys():
            path.unlink(missing_ok=True)
        if not running:
            self.run("systemctl", "stop", self.unit)
            return "the server is stopped, as it was"
        self.run("systemctl", "reload" if self.running() else "restart", self.unit)
        try:
            if self.wait(since=self.newest())["restart"]:
                self.run("systemctl", "restart", self.unit)
                self.wait()
        except RefusedError:
            return f"and does not start with the old one either; see {self.log}"
        return "the old one is in force"

    def take(self, before: dict[Path, str], after: dict[Path, str], running: bool) -> None:
        """Write the files and load them, or end with the old ones."""
        start, written = self.log.stat().st_size if self.log.exists() else 0, False
        try:
            if any(path in after for path, name in self.files.items() if name == "settings"):
                self.validate()
            written = bool(after)
            self.put(after)
            if running or after:
                self.load(running, patient=written)
        except RefusedError as refused:
            why = str(refused) or self.reason(start)
            old = postgresql.settings(before.get(self.folder / "conf.d/mcp.conf", ""))
            new = postgresql.settings(self.params["settings"])
            differ = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
            named = not old or not differ or any(name in why for name in differ)
            hint = self.strangers() or ("" if named else f" Settings that differ from before: {', '.join(differ)}.")
            outcome = self.restore(before, running) if written else "nothing was changed"
            self.module.fail_json(msg=f"PostgreSQL refuses the new configuration; {outcome}. Its reason: {why}.{hint}")

    def reason(self, start: int) -> str:
        """What the server's log says since a moment."""
        if not self.log.exists():
            return postgresql.reason("")
        with self.log.open("rb") as log:
            log.seek(start)
            return postgresql.reason(log.read().decode(errors="replace"))

    def strangers(self) -> str:
        """Who else holds the port, in words."""
        _, sockets = self.run("ss", "-Hltnp")
        holders = systemd.holders(sockets, self.params["port"]).items()
        names = [f"{name} (pid {pid})" for pid, name in holders if name != "postgres"]
        return f" Port {self.params['port']} is held by {', '.join(names)}." if names else ""

    def apply(self) -> None:
        """Do what is needed, and no more."""
        there = (self.folder / "postgresql.conf").exists()
        if not there:
            self.make()
        before = {path: path.read_text() for path in self.files if path.exists()}
        after = {path: self.params[name] for path, name in self.files.items()}
        differing = {path: text for path, text in after.items() if before.get(path) != text}
        if differing:
            self.steps.append("write")
        running = there and self.running()
        if not self.module.check_mode:
            self.take(before, differing, running)
        elif running and not differing and (state := self.state()) and (verb := self.needs(state)):
            self.steps.append(verb)
        diff = [
            {"before_header": str(path), "before": before.get(path, ""), "after_header": str(path), "after": text}
            for path, text in differing.items()
        ]
        there = there or not self.module.check_mode
        self.module.exit_json(changed=bool(self.steps), steps=self.steps, cluster=there, diff=diff)


def ours(address: str) -> bool:
    """Whether an address is one of this host."""
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
        with socket.socket(family) as probe:
            probe.bind((address, 0))
    except (OSError, ValueError):
        return False
    return True


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "version": {"type": "int", "required": True},
            "settings": {"type": "str", "required": True},
            "hba": {"type": "str", "required": True},
            "listen": {"type": "list", "elements": "str", "default": []},
            "port": {"type": "int", "default": 5432},
            "beside": {"type": "bool", "default": False},
            "remedy": {"type": "str", "default": ""},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    Cluster(module).apply()


if __name__ == "__main__":
    main()
