#!/usr/bin/python
"""Ansible module: measure a host and its services, in one process with nothing but the standard library."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: health_host_info
short_description: Measure a host and its services
version_added: 0.1.0
description:
  - Measures CPU, memory and disks, and asks systemd, cloud-init, Docker, PostgreSQL, Redis and git.
  - Finds out which slot serves; C({slot}) in an option stands for its name, or for C(*) while none serves.
  - Reads only. A part that cannot be measured does not fail the module; it comes back as C(error) with the reason.
  - Needs root, to read what only root may read and to ask PostgreSQL as its own user.
options:
  units:
    description: Names of the systemd units to ask about.
    type: list
    elements: str
    default: []
  project:
    description: Compose project whose containers are looked at.
    type: str
    default: mcp-{slot}
  source:
    description: Folder of the repository's clone.
    type: path
    default: /opt/mcp/source
  environment_files:
    description: Files with the application's environment. Their content is never returned.
    type: list
    elements: path
    default: ["/opt/mcp/slots/{slot}/mcp.env", "/opt/mcp/slots/{slot}/secrets.env"]
  disks:
    description: Folders whose file systems are measured.
    type: list
    elements: path
    default: [/]
  cpu_limit_percent:
    description: When the CPU is busier than this, measure again, up to ten times. A short peak is no load.
    type: float
    default: 100
  postgresql_user:
    description: System user that may ask PostgreSQL over its socket.
    type: str
    default: postgres
  database:
    description: Database to ask.
    type: str
    default: postgres
  stored_query:
    description: SQL that counts what was written under O(key), which it reads as C(:'key'). Empty asks nothing.
    type: str
    default: ""
  redis_password:
    description: Password of Redis; empty when it wants none.
    type: str
    default: ""
  redis_port:
    description: Port of Redis on the loopback address.
    type: int
    default: 6379
  cached_key:
    description: Key in Redis under which O(key) is cached. Empty asks nothing.
    type: str
    default: ""
  key:
    description: Name under which the application wrote.
    type: str
    default: ""
author:
  - The mcp.aws maintainers
attributes:
  check_mode:
    description: Does the same, but looks for nothing that was written.
    support: full
"""

EXAMPLES = r"""
- name: Measure the host
  mcp.aws.health_host_info:
    units: [docker.service, "mcp@{slot}.service"]
  become: true
  register: __host
"""

RETURN = r"""
measured:
  description:
    - What was measured. The parts are C(cpu), C(login), C(memory), C(disks), C(cloud_init), C(units), C(failed_units),
      C(docker), C(compose), C(serving), C(slots), C(release), C(deploy), C(containers), C(images), C(postgresql),
      C(redis), C(source), C(environment_files), C(stored) and C(cached).
  returned: always
  type: dict
  sample: {memory: {total_mb: 970, available_mb: 388}, docker: {error: "docker: No such file or directory"}}
"""

import json
import os
import platform
import pwd
import stat
import subprocess
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils.deploy import log as deploy_log
from ansible_collections.mcp.aws.plugins.module_utils.deploy import slots
from ansible_collections.mcp.aws.plugins.module_utils.deploy.releases import Release
from ansible_collections.mcp.aws.plugins.module_utils.host import facts as host_facts

COMMAND_SECONDS = 10
CPU_SAMPLE_SECONDS = 0.5
CPU_SAMPLES = 10
ENVIRONMENT_FILES = ["/opt/mcp/slots/{slot}/mcp.env", "/opt/mcp/slots/{slot}/secrets.env"]
NOTHING_WRITTEN = {"skipped": "check mode writes nothing"}
UNIT_PROPERTIES = "Id,LoadState,ActiveState,SubState,UnitFileState,Restart,NRestarts,Result"


class CommandError(Exception):
    """A command that ended badly; the message is its last words."""


def run(*command: str, text: str = "", environment: dict[str, str] | None = None, user: str | None = None) -> str:
    """Return a command's output."""
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
        cwd="/",
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
    )
    if done.returncode != 0:
        raise CommandError(f"{command[0]}: {(done.stderr or done.stdout).strip()[-300:] or f'exit {done.returncode}'}")
    return done.stdout


class Host:
    """The host, each part measured by a method of its name."""

    def __init__(self, params: dict[str, Any], check_mode: bool = False) -> None:
        self.params = params
        self.check_mode = check_mode
        self.slot = slots.Slot(slots.serving())

    def in_slot(self, text: str) -> str:
        """Return an option with the name of the slot that serves in its place."""
        return host_facts.in_slot(text, self.slot.name)

    def login(self) -> dict[str, Any]:
        with open("/etc/os-release", encoding="utf-8") as file:
            system = host_facts.assignments(file.read()).get("PRETTY_NAME", "unknown")
        user = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
        return {"user": user, "root": os.geteuid() == 0, "hostname": platform.node(), "system": system}

    def cpu(self) -> dict[str, Any]:
        """Measure until the CPU is below the limit once; return the lowest sample."""
        lowest, taken = 100.0, 0
        while taken < CPU_SAMPLES and (taken == 0 or lowest > self.params["cpu_limit_percent"]):
            before = host_facts.cpu_times(_read("/proc/stat"))
            time.sleep(CPU_SAMPLE_SECONDS)  # the length of the measurement, not a wait
            lowest = min(lowest, host_facts.busy_percent(before, host_facts.cpu_times(_read("/proc/stat"))))
            taken += 1
        return {
            "percent": lowest,
            "samples": taken,
            "load": _read("/proc/loadavg").split()[0],
            "cores": len(os.sched_getaffinity(0)),
        }

    def memory(self) -> dict[str, Any]:
        return host_facts.memory(_read("/proc/meminfo"))

    def disks(self) -> list[dict[str, Any]]:
        return [{"path": path, **host_facts.disk(os.statvfs(path))} for path in self.params["disks"]]

    def cloud_init(self) -> dict[str, Any]:
        """Read what cloud-init left; its own command takes half a second of Python."""
        try:
            return host_facts.cloud_init(json.loads(_read("/run/cloud-init/result.json")))
        except FileNotFoundError:
            unfinished = os.path.exists("/run/cloud-init/status.json")
            return {"error": "still running" if unfinished else "cloud-init never ran on this host"}

    def units(self) -> dict[str, dict[str, str]]:
        names = [self.in_slot(name) for name in self.params["units"]]
        shown = run("systemctl", "show", f"--property={UNIT_PROPERTIES}", "--", *names) if names else ""
        return host_facts.units(shown)

    def failed_units(self) -> list[str]:
        lines = run("systemctl", "list-units", "--failed", "--plain", "--no-legend").splitlines()
        return [line.split()[0] for line in lines if line.strip()]

    def docker(self) -> dict[str, Any]:
        return {"version": run("docker", "version", "--format", "{{.Server.Version}}").strip()}

    def compose(self) -> dict[str, Any]:
        return {"version": run("docker", "compose", "version", "--short").strip()}

    def serving(self) -> dict[str, str]:
        if not self.slot.name:
            raise LookupError(f"no slot serves: {slots.SERVING_MAP} names none; the role proxy writes it")
        return {"slot": self.slot.name}

    def slots(self) -> dict[str, dict[str, Any]]:
        """Look at each slot that the role stack knows: what it holds, and how many containers run in it."""
        running = run("docker", "ps", "--format", '{{.Label "com.docker.compose.project"}}').split()
        found = [slots.Slot(file.stem) for file in sorted(slots.SLOT_SETTINGS.glob("*.env"))]
        return {slot.name: {"release": slot.release(), "running": running.count(slot.project)} for slot in found}

    def release(self) -> dict[str, Any]:
        """Read what the slot that serves holds."""
        return asdict(Release.read(slots.SLOTS / self.serving()["slot"]))

    def deploy(self) -> dict[str, Any]:
        """Return the newest record, and who holds the lock."""
        records = deploy_log.read(deploy_log.STATE, count=1)
        if not records:
            raise LookupError(f"there is no record in {deploy_log.STATE / deploy_log.FILE}")
        lock = deploy_log.lock()
        return {**records[0], "under_way": deploy_log.describe(lock, datetime.now(UTC)) if lock else ""}

    def containers(self) -> list[dict[str, Any]]:
        label = f"label=com.docker.compose.project={self.in_slot(self.params['project'])}"
        names = run("docker", "ps", "--all", "--quiet", "--no-trunc", "--filter", label).split()
        return [host_facts.container(found) for found in json.loads(run("docker", "inspect", *names))] if names else []

    def images(self) -> list[dict[str, Any]]:
        names = sorted({container["image"] for container in self.containers()})
        if not names:
            return []
        found = json.loads(run("docker", "image", "inspect", *names))
        # By the name that was asked for: an image that did not change has those of several commits.
        return [{**host_facts.image(each), "name": name} for name, each in zip(names, found, strict=True)]

    def postgresql(self) -> dict[str, Any]:
        answer = self._psql("SHOW server_version;\nSHOW data_checksums;")
        return dict(zip(("version", "checksums"), answer.splitlines(), strict=True))

    def stored(self) -> dict[str, Any]:
        if self.check_mode:
            return NOTHING_WRITTEN
        if not self.params["stored_query"]:
            return {"skipped": "no query is named for it (health_stored_query)"}
        return {"rows": int(self._psql(self.params["stored_query"]).strip() or 0)}

    def _psql(self, query: str) -> str:
        command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-v", f"key={self.params['key']}", self.params["database"]]
        return run(*command, text=query, user=self.params["postgresql_user"])

    def redis(self) -> dict[str, Any]:
        info = host_facts.assignments(self._redis("INFO"), separator=":")
        return {key: info[key] for key in ("redis_version", "used_memory_human", "maxmemory_human", "maxmemory_policy")}

    def cached(self) -> dict[str, Any]:
        if self.check_mode:
            return NOTHING_WRITTEN
        key = self.params["cached_key"].replace("{key}", self.params["key"])
        if not key:
            return {"skipped": "no key is named for it (health_cached_key)"}
        return {"key": key, "seconds_to_live": int(self._redis("TTL", key))}

    def _redis(self, *command: str) -> str:
        password = {"REDISCLI_AUTH": self.params["redis_password"]} if self.params["redis_password"] else {}
        answer = run("redis-cli", "-p", str(self.params["redis_port"]), *command, environment=password)
        if answer.startswith(("NOAUTH", "WRONGPASS", "ERR")):
            raise CommandError(f"redis-cli: {answer.strip()}")
        return answer

    def source(self) -> dict[str, Any]:
        git = ("git", "-c", "safe.directory=*", "-C", self.params["source"])
        commit, _, subject = run(*git, "log", "-1", "--format=%H %s").strip().partition(" ")
        return {"commit": commit, "subject": subject, "changed": len(run(*git, "status", "--porcelain").splitlines())}

    def environment_files(self) -> list[dict[str, Any]]:
        return [_environment_file(self.in_slot(path)) for path in self.params["environment_files"]]


PARTS = (
    "cpu",
    "login",
    "memory",
    "disks",
    "cloud_init",
    "units",
    "failed_units",
    "docker",
    "compose",
    "serving",
    "slots",
    "release",
    "deploy",
    "containers",
    "images",
    "postgresql",
    "redis",
    "source",
    "environment_files",
    "stored",
    "cached",
)


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _environment_file(path: str) -> dict[str, Any]:
    status = os.stat(path)
    return {
        "path": path,
        "mode": f"{stat.S_IMODE(status.st_mode):04o}",
        "owner": pwd.getpwuid(status.st_uid).pw_name,
        "names": len(host_facts.assignments(_read(path))),
    }


def main() -> None:
    """Measure part after part, the CPU first, while nothing of ours keeps it busy."""
    module = AnsibleModule(
        argument_spec={
            "units": {"type": "list", "elements": "str", "default": []},
            "project": {"type": "str", "default": "mcp-{slot}"},
            "source": {"type": "path", "default": "/opt/mcp/source"},
            "environment_files": {"type": "list", "elements": "path", "default": ENVIRONMENT_FILES},
            "disks": {"type": "list", "elements": "path", "default": ["/"]},
            "cpu_limit_percent": {"type": "float", "default": 100},
            "postgresql_user": {"type": "str", "default": "postgres"},
            "database": {"type": "str", "default": "postgres"},
            "stored_query": {"type": "str", "default": ""},
            "redis_password": {"type": "str", "default": "", "no_log": True},
            "redis_port": {"type": "int", "default": 6379},
            "cached_key": {"type": "str", "default": "", "no_log": False},
            "key": {"type": "str", "default": "", "no_log": False},
        },
        supports_check_mode=True,
    )
    host = Host(module.params, module.check_mode)
    measured: dict[str, Any] = {}
    for part in PARTS:
        try:
            measured[part] = getattr(host, part)()
        except (CommandError, OSError, LookupError, ValueError, subprocess.TimeoutExpired) as error:
            measured[part] = {"error": str(error) or type(error).__name__}
    module.exit_json(changed=False, measured=measured)


if __name__ == "__main__":
    main()
