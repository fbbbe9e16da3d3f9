#!/usr/bin/python
"""Writes the settings and the users of Redis, after Redis itself has read them."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import grp
import os
import secrets
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils import redis

DOCUMENTATION = r"""
module: redis_configuration
short_description: Own the settings and the users of Redis
version_added: 0.3.0
description:
  - Writes C(/etc/redis/redis.conf) and the ACL file C(/etc/redis/users.acl), which the settings have to name, whole.
    A user who is not listed vanishes. The ACL file holds passwords as SHA-256 digests.
  - A server of its own reads both before they are written; the error names the setting, or the user and the rule.
  - Adds an administrator C(admin), who has every command, and C(redis-admin), which is C(redis-cli) as that user. Its
    password is made on the host, and root alone can read it.
  - Lets a running server load the users, unless it has; that ends connections of every user but V(default).
    Settings come into force when the server is started again.
options:
  settings: {type: str, required: true, description: The text of C(redis.conf).}
  socket: {type: path, default: /run/redis/redis-server.sock, description: C(unixsocket) of the server.}
  users:
    description: Every other user; list V(default) too, or it has neither keys nor commands.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {type: str, required: true, description: Name.}
      password: {type: str, default: "", description: "Password, in clear. A user who may log in has one."}
      enabled: {type: bool, default: true, description: Whether the user may log in.}
      keys: {type: list, elements: str, default: ["*"], description: "Patterns; C(%R~pattern) is for reading alone."}
      channels: {type: list, elements: str, default: [], description: Patterns of channels.}
      commands:
        description: Rules of commands, one after the other.
        type: list
        elements: str
        default: [+@all, -@admin, -@dangerous]
attributes:
  check_mode: {support: full, description: Says what would be changed; Redis reads the files here too.}
  diff_mode: {support: none, description: Settings and users hold secrets.}
author: [The mcp.aws maintainers (@mcp-aws)]
"""

EXAMPLES = r"""
- name: Give Redis its settings and users
  mcp.aws.redis_configuration:
    settings: "{{ lookup('ansible.builtin.template', 'redis.conf.j2') }}"
    users:
      - {name: default, enabled: false}
      - {name: app, password: "{{ app_password }}", keys: ["app:*"]}
"""

RETURN = r"""
files: {description: The paths that were written., returned: always, type: list, elements: str}
added: {description: Names of new users., returned: always, type: list, elements: str}
removed: {description: Names of users who vanish., returned: always, type: list, elements: str}
altered: {description: Names of users with other rules or passwords., returned: always, type: list, elements: str}
in_force:
  description: Whether the running server has these users, or would have. If not, it has to be started again.
  returned: always
  type: bool
"""

ADMINISTRATOR = "admin"
SETTINGS = Path("/etc/redis/redis.conf")
USERS = Path("/etc/redis/users.acl")
SECRET = Path("/etc/redis/admin.secret")
COMMAND = Path("/usr/local/sbin/redis-admin")
SCRIPT = f"""#!/bin/sh
# Ansible managed
# redis-cli as the administrator, who has every command: redis-admin info, redis-admin acl log
REDISCLI_AUTH=$(cat {SECRET}) || exit 1
export REDISCLI_AUTH
exec redis-cli -s %s --user {ADMINISTRATOR} "$@"
"""


def read(path: Path) -> str:
    """The text of a file, or nothing where there is none."""
    return path.read_text() if path.exists() else ""


def is_guarded(path: Path, group: int, mode: int) -> bool:
    """Whether a file is there, root's, of that group and mode."""
    if not path.exists():
        return False
    found = path.stat()
    return (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (0, group, mode)


def write(path: Path, text: str, group: int, mode: int) -> None:
    """Replace a file in one step; at no time can others read it."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as stream:
        stream.write(text)
    os.chown(temporary, 0, group)
    temporary.chmod(mode)
    temporary.replace(path)


class Configuration:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module, self.params = module, module.params
        self.written: list[str] = []
        self.secret = read(SECRET).strip() or secrets.token_urlsafe(32)
        self.users = redis.text(self.params["users"], ADMINISTRATOR, self.secret)

    def check(self) -> None:
        """Let Redis read both files: a server that nobody reaches, and that ends over a snapshot that is none."""
        folder = Path(self.module.tmpdir)
        write(folder / "redis.conf", self.params["settings"], 0, 0o600)
        write(folder / "users.acl", self.users, 0, 0o600)
        (folder / "dump.rdb").write_text("This is no snapshot.")
        options = {"port": "0", "tls-port": "0", "unixsocket": "s", "aclfile": "users.acl", "dir": str(folder)}
        options |= {"dbfilename": "dump.rdb", "appendonly": "no", "logfile": "", "pidfile": "", "supervised": "no"}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        command = ["timeout", "20", "redis-server", str(folder / "redis.conf"), *words]
        _, out, err = self.module.run_command(command)
        if "Fatal error loading the DB" not in out + err:
            self.module.fail_json(msg=f"{redis.explain(out + err, self.users)}. Correct it; what runs is as before.")

    def put(self, path: Path, text: str, group: int, mode: int) -> None:
        """Write a file where it differs."""
        if read(path) == text and is_guarded(path, group, mode):
            return
        self.written.append(str(path))
        if not self.module.check_mode:
            write(path, text, group, mode)

    def ask(self, *words: str) -> str:
        """What the running server answers to its administrator."""
        command = ["redis-cli", "-s", self.params["socket"], "--user", ADMINISTRATOR, *words]
        _, out, err = self.module.run_command(command, environ_update={"REDISCLI_AUTH": self.secret})
        return str(out + err).strip()

    def load(self) -> bool:
        """Whether the running server has, or in a check would have, loaded the users."""
        step, answer = ("WHOAMI", ADMINISTRATOR) if self.module.check_mode else ("LOAD", "OK")
        return self.ask("ACL", step) == answer

    def apply(self) -> None:
        """Do what is needed, and no more."""
        before = read(USERS)
        if (before, read(SETTINGS)) != (self.users, self.params["settings"]):
            self.check()
        group = grp.getgrnam("redis").gr_gid
        self.put(COMMAND, SCRIPT % self.params["socket"], 0, 0o755)
        self.put(SECRET, f"{self.secret}\n", 0, 0o600)
        self.put(USERS, self.users, group, 0o640)
        self.put(SETTINGS, self.params["settings"], group, 0o640)
        had = redis.mark(self.users) in self.ask("ACL", "GETUSER", ADMINISTRATOR).split()
        self.module.exit_json(
            changed=bool(self.written) or not had,
            files=self.written,
            in_force=had or self.load(),
            **redis.difference(before, self.users),
        )


def main() -> None:
    """Entry point."""
    user = {
        "name": {"type": "str", "required": True},
        "password": {"type": "str", "default": "", "no_log": True},
        "enabled": {"type": "bool", "default": True},
        "keys": {"type": "list", "elements": "str", "default": ["*"], "no_log": False},
        "channels": {"type": "list", "elements": "str", "default": []},
        "commands": {"type": "list", "elements": "str", "default": ["+@all", "-@admin", "-@dangerous"]},
    }
    module = AnsibleModule(
        argument_spec={
            "settings": {"type": "str", "required": True, "no_log": True},
            "socket": {"type": "path", "default": "/run/redis/redis-server.sock"},
            "users": {"type": "list", "elements": "dict", "required": True, "options": user},
        },
        supports_check_mode=True,
    )
    if problem := redis.problem(module.params["users"], ADMINISTRATOR):
        module.fail_json(msg=problem)
    Configuration(module).apply()


if __name__ == "__main__":
    main()
