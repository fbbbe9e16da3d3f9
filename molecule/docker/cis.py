"""CIS Docker Benchmark 1.6 as docker-bench-security asks it: what is kept, and what not. See docs/docker_bench.md."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """One recommendation, the command that shows how it is, and what the command must say."""

    number: str
    title: str
    command: str
    kept: Callable[[str], bool]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"


def says(*words: str) -> Callable[[str], bool]:
    return lambda answer: answer in words


def _file(number: str, path: str, owner: str, most: int) -> list[Item]:
    """Owner and permissions of a file, which need not be there; two recommendations each, the second one higher."""
    first, second = number.split("/")
    ask = f"stat -Lc %s {path} 2>/dev/null || echo absent"
    return [
        Item(first, f"{path} belongs to {owner}", ask % "%U:%G", says(owner, "absent")),
        Item(second, f"{path} is open to nobody else", ask % "%a",
             lambda mode: mode == "absent" or int(mode, 8) & ~most == 0),
    ]  # fmt: skip


def setting(key: str) -> str:
    """The command that reads a key of daemon.json."""
    ask = f"import json; print(json.dumps(json.load(open('/etc/docker/daemon.json')).get('{key}')))"
    return f'python3 -c "{ask}"'


INFO = "docker info --format '{{json .}}'"

ITEMS = [
    Item("1.1.2", "only trusted users control the engine", "getent group docker | cut -d: -f4", says("admin")),
    Item("2.2", "no traffic between containers of docker0", setting("icc"), says("false")),
    Item("2.3", "log level info or quieter", setting("log-level"), says('"info"', '"warn"')),
    Item("2.4", "the engine may change iptables", setting("iptables"), says("null", "true")),
    Item("2.5", "no insecure registries", INFO,
         lambda told: [name for name, index in json.loads(told)["RegistryConfig"]["IndexConfigs"].items()
                       if not index["Secure"]] == []),
    Item("2.6", "aufs is not used", "docker info --format '{{.Driver}}'", lambda driver: driver != "aufs"),
    Item("2.7", "no TCP socket without TLS", "ss -Hltnp | grep dockerd || true", says("")),
    Item("2.8", "default ulimits", setting("default-ulimits"), lambda limits: "nofile" in limits),
    Item("2.10", "default cgroup of containers", setting("cgroup-parent"), says("null")),
    Item("2.13", "logs have a driver and an end", setting("log-opts"), lambda options: "max-size" in options),
    Item("2.14", "containers gain no rights", setting("no-new-privileges"), says("true")),
    Item("2.15", "live restore", "docker info --format '{{.LiveRestoreEnabled}}'", says("true")),
    Item("2.16", "no userland proxy", "pgrep -c docker-proxy", says("0")),
    Item("2.17", "the default seccomp profile", "docker info --format '{{json .SecurityOptions}}'",
         lambda options: "name=seccomp" in options and "unconfined" not in options),
    Item("2.18", "no experimental features", "docker version --format '{{.Server.Experimental}}'", says("false")),
    *_file("3.1/3.2", "/lib/systemd/system/docker.service", "root:root", 0o644),
    *_file("3.3/3.4", "/lib/systemd/system/docker.socket", "root:root", 0o644),
    *_file("3.5/3.6", "/etc/docker", "root:root", 0o755),
    *_file("3.7/3.8", "/etc/docker/certs.d", "root:root", 0o755),
    *_file("3.15/3.16", "/run/docker.sock", "root:docker", 0o660),
    *_file("3.17/3.18", "/etc/docker/daemon.json", "root:root", 0o644),
    *_file("3.19/3.20", "/etc/default/docker", "root:root", 0o644),
    *_file("3.23/3.24", "/run/containerd/containerd.sock", "root:root", 0o660),
    Item("5.1", "swarm is off", "docker info --format '{{.Swarm.LocalNodeState}}'", says("inactive")),
]  # fmt: skip

# Accepted, each with its reason in docs/docker_bench.md.
EXCEPTIONS = ("1.1.1", "1.1.3", "2.1", "2.9", "2.11", "2.12", "4.5")
