#!/usr/bin/python
"""Writes the ACL file of Redis, after Redis itself has read it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import grp
import os
import secrets
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils import redis_acl

DOCUMENTATION = r"""
module: redis_users
short_description: Own the users of Redis
version_added: 0.1.0
description:
  - Writes the ACL file whole, so that a user who is not listed vanishes. It holds passwords as SHA-256 digests.
  - Redis itself reads the users before they are written; the error names the user and the rule that it refuses.
  - Adds an administrator, who has every command. Its password is made on the host, and root alone can read it.
  - Lets a running server load the file, unless it has; that ends connections of every user but V(default).
options:
  path: {type: path, default: /etc/redis/users.acl, description: The file that C(aclfile) in C(redis.conf) names.}
  group: {type: str, default: redis, description: Group that reads the file.}
  administrator: {type: str, default: admin, description: Name of the administrator.}
  secret: {type: path, default: /etc/redis/admin.secret, description: File with the administrator's password.}
  socket: {type: path, default: /run/redis/redis-server.sock, description: Where the running server is asked.}
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
  check_mode: {support: full, description: Says what would be changed; Redis reads the users here too.}
  diff_mode: {support: none, description: The file holds digests.}
author: [The mcp.aws maintainers (@mcp-aws)]
"""

EXAMPLES = r"""
- name: Give Redis its users
  mcp.aws.redis_users:
    users:
      - {name: default, enabled: false}
      - {name: app, password: "{{ app_password }}", keys: ["app:*"]}
"""

RETURN = r"""
added: {description: Names of new users., returned: always, type: list, elements: str}
removed: {description: Names of users who vanish., returned: always, type: list, elements: str}
altered: {description: Names of users with other rules or passwords., returned: always, type: list, elements: str}
in_force:
  description: Whether the running server has these users, or would have. If not, it has to be started again.
  returned: always
  type: bool
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


class Users:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module, self.params = module, module.params
        self.path, self.secret_path = Path(module.params["path"]), Path(module.params["secret"])
        known = read(self.secret_path).strip()
        self.secret = known or secrets.token_urlsafe(32)
        self.text = redis_acl.text(self.params["users"], self.params["administrator"], self.secret)

    def check(self) -> None:
        """Let Redis read the users: a server of its own, which ends after that over a snapshot that is none."""
        folder = Path(self.module.tmpdir)
        write(folder / "users.acl", self.text, 0, 0o600)
        (folder / "dump.rdb").write_text("This is no snapshot.")
        command = ["redis-server", "--port", "0", "--unixsocket", "s", "--aclfile", "users.acl", "--dir", str(folder)]
        _, out, err = self.module.run_command([*command, "--logfile", "", "--supervised", "no"])
        if "Fatal error loading the DB" not in out + err:
            self.module.fail_json(msg=redis_acl.explain(out + err, self.text))

    def put(self, path: Path, text: str, group: int, mode: int) -> bool:
        """Whether a file had to be written."""
        if read(path) == text and is_guarded(path, group, mode):
            return False
        if not self.module.check_mode:
            write(path, text, group, mode)
        return True

    def ask(self, *words: str) -> str:
        """What the running server answers to its administrator."""
        command = ["redis-cli", "-s", self.params["socket"], "--user", self.params["administrator"], *words]
        _, out, err = self.module.run_command(command, environ_update={"REDISCLI_AUTH": self.secret})
        return str(out + err).strip()

    def is_in_force(self) -> bool:
        """Whether the running server has loaded this text."""
        return redis_acl.mark(self.text) in self.ask("ACL", "GETUSER", self.params["administrator"]).split()

    def apply(self) -> None:
        """Do what is needed, and no more."""
        before = read(self.path)
        if before != self.text:
            self.check()
        group = grp.getgrnam(self.params["group"]).gr_gid
        changed = self.put(self.secret_path, f"{self.secret}\n", 0, 0o600)
        changed |= self.put(self.path, self.text, group, 0o640)
        in_force = self.is_in_force()
        if not in_force:
            changed = True
            step, answer = ("WHOAMI", self.params["administrator"]) if self.module.check_mode else ("LOAD", "OK")
            in_force = self.ask("ACL", step) == answer
        self.module.exit_json(changed=changed, in_force=in_force, **redis_acl.difference(before, self.text))


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
            "path": {"type": "path", "default": "/etc/redis/users.acl"},
            "group": {"type": "str", "default": "redis"},
            "administrator": {"type": "str", "default": "admin"},
            "secret": {"type": "path", "default": "/etc/redis/admin.secret", "no_log": False},
            "socket": {"type": "path", "default": "/run/redis/redis-server.sock"},
            "users": {"type": "list", "elements": "dict", "required": True, "options": user},
        },
        supports_check_mode=True,
    )
    if problem := redis_acl.problem(module.params["users"], module.params["administrator"]):
        module.fail_json(msg=problem)
    Users(module).apply()


if __name__ == "__main__":
    main()
