"""Runs on a host as root, and prints what it is: packages and files as they are, services as they answer."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import glob
import grp
import json
import os
import pwd
import subprocess
import sys
from typing import Any

# What the roles write: their files name Ansible, and these formats have no comments.
MARKS = ("Ansible managed", "Written by Ansible")
UNMARKED = ("/etc/docker/daemon.json", "/etc/apt/keyrings/*.asc", "/etc/redis/*.acl")


def say(*command: str, user: str = "root", **environment: str) -> str:
    """Return what a command prints, as one line."""
    words = ["runuser", "-u", user, "--", *command] if user != "root" else list(command)
    done = subprocess.run(words, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    return " ".join((done.stdout + done.stderr).split()) or f"nothing, status {done.returncode}"


def installed() -> dict[str, str]:
    """Return the version of each package that is installed."""
    found = subprocess.run(["dpkg-query", "-Wf", "${db:Status-Abbrev}|${Package}|${Version}\n"], capture_output=True)
    lines = [line.split("|") for line in found.stdout.decode().splitlines()]
    return {name: version for status, name, version in lines if status.strip() == "ii"}


def files() -> list[dict[str, Any]]:
    """Return the files that the roles write, with content and owner."""
    words = ["grep", "-rlIE", "|".join(MARKS), "/etc"]
    marked = subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()
    plain = [path for pattern in UNMARKED for path in glob.glob(pattern)]
    found = []
    for path in sorted({os.path.realpath(path) for path in marked + plain}):
        status = os.stat(path)
        with open(path) as file:
            content = file.read()
        owner = {"user": pwd.getpwuid(status.st_uid).pw_name, "group": grp.getgrgid(status.st_gid).gr_name}
        found.append({"path": path, "mode": f"{status.st_mode & 0o7777:o}", **owner, "content": content})
    return found


def services(password: str) -> dict[str, str]:
    """Return what the services answer to their users."""
    psql = ("psql", "-AtX", "-h", "127.0.0.1", "-U", "app", "-d", "app", "-c")
    settings = "SELECT md5(string_agg(name || setting, ' ' ORDER BY name)) FROM pg_settings WHERE source LIKE '%file'"
    return {
        "engine": say("docker", "info", "--format", "{{.ServerVersion}} {{.LoggingDriver}} {{.LiveRestoreEnabled}}"),
        "compose": say("docker", "compose", "version", "--short"),
        "bridge": say("sh", "-c", "ip -4 -o address show docker0 | grep -o 'inet [0-9./]*'"),
        "login": say(*psql, "SELECT current_user, current_database(), version()", PGPASSWORD=password),
        "settings": say("psql", "-AtXc", settings, user="postgres"),
        "owner": say(
            *psql, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'app'", PGPASSWORD=password
        ),
        "redis": say("redis-cli", "--no-auth-warning", "ping", REDISCLI_AUTH=password),
        "redis memory": say("sh", "-c", "redis-cli info memory | grep ^maxmemory:", REDISCLI_AUTH=password),
        "stranger": say("redis-cli", "ping"),
        "enabled": say("systemctl", "is-enabled", "docker", "postgresql", "redis-server"),
        "active": say("systemctl", "is-active", "docker", "postgresql@12-main", "redis-server"),
    }


if __name__ == "__main__":
    manual = say("apt-mark", "showmanual").split()
    seen = {"manual": manual, "packages": installed(), "files": files()}
    print(json.dumps(seen | ({"services": services(sys.argv[1])} if sys.argv[1:] else {})))
