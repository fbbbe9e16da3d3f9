#!/usr/bin/python
"""Keeps a file of sshd's settings without locking out whoever writes it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import grp
import os
import pwd
import shutil
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils import sshd

DOCUMENTATION = r"""
module: sshd_settings
short_description: Keep a file of sshd's settings, and the way in
version_added: 0.1.0
description:
  - Tries the whole configuration with the new file in it before the file takes its place. What sshd rejects, and what
    would not let in the user of this run, changes nothing.
  - After a change sshd reloads, and a timer waits to bring the old file back. Log in anew and stop the timer
    RV(timer); a way in that turns out to be shut opens by itself.
options:
  path: {type: path, required: true, description: "File that C(sshd_config) includes, below C(/etc/ssh/sshd_config.d)."}
  content: {type: str, required: true, description: The file.}
  patience: {type: int, default: 90, description: Seconds in which the timer has to be stopped.}
attributes:
  check_mode: {support: full, description: Tries the file. Says changed where there is no sshd yet.}
  diff_mode: {support: full, description: Shows the file.}
author: [The mcp.aws maintainers (@mcp-aws)]
"""

EXAMPLES = r"""
- name: Refuse passwords
  mcp.aws.sshd_settings:
    path: /etc/ssh/sshd_config.d/10-keys.conf
    content: |
      PasswordAuthentication no
  register: ssh

- name: Prove the way in
  when: ssh is changed
  ansible.builtin.include_tasks: prove.yml  # meta: reset_connection, then stop the timer
"""

RETURN = r"""
timer:
  description: The timer that brings the old file back.
  returned: always
  type: str
user:
  description: The user who must be let in; empty when the run did not come over SSH.
  returned: always
  type: str
"""

MAIN = Path("/etc/ssh/sshd_config")
SSHD = "/usr/sbin/sshd"
UNIT = "sshd-settings-rollback"


def operator() -> str:
    """Who logged in: sudo says it; without sudo it is the user of the SSH connection."""
    if user := os.environ.get("SUDO_USER"):
        return user
    return pwd.getpwuid(os.getuid()).pw_name if "SSH_CONNECTION" in os.environ else ""


class Door:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.path = Path(module.params["path"])
        self.saved = self.path.with_name(f".{self.path.name}.before")
        self.content = module.params["content"]
        self.user = operator()

    def fail(self, problem: str) -> None:
        """End; nothing was changed."""
        self.module.fail_json(msg=f"{problem} The old configuration stays in force.", user=self.user)

    def told(self, folder: Path) -> str:
        """What sshd makes of the configuration with the new file in it."""
        for drop_in in self.path.parent.glob("*.conf"):
            shutil.copy2(drop_in, folder)
        folder.joinpath(self.path.name).write_text(self.content)
        main = MAIN.read_text()
        if str(self.path.parent) not in main:
            self.fail(
                f"{MAIN} does not include {self.path.parent}; put `Include {self.path.parent}/*.conf` at its top."
            )
        config = folder / "main"
        config.write_text(main.replace(str(self.path.parent), str(folder)))
        whom = f"user={self.user or 'root'},host=localhost,addr=127.0.0.1"
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        status, out, err = self.module.run_command([SSHD, "-T", "-f", str(config), "-C", whom])
        if status != 0:
            said = "; ".join(
                err.replace(str(config), str(MAIN)).replace(str(folder), str(self.path.parent)).splitlines()
            )
            self.fail(f"sshd rejects the settings: {said}. Correct or remove what it names.")
        return str(out)

    def guard(self, wanted: sshd.Settings) -> None:
        """Refuse what would lock the user of this run out."""
        if not self.user:
            return
        entry = pwd.getpwnam(self.user)
        groups = [grp.getgrgid(number).gr_name for number in os.getgrouplist(self.user, entry.pw_gid)]
        files = [Path(path) for path in sshd.key_files(wanted, self.user, entry.pw_dir)]
        count = sum(sshd.keys(file.read_text(errors="replace")) for file in files if file.is_file())
        if reason := sshd.lockout(wanted, self.user, groups, count):
            self.fail(
                f"These settings would lock {self.user} out: {reason}. Let {self.user} in, or come as another user."
            )

    def command(self, *words: str) -> None:
        """Run a command that has to succeed."""
        status, out, err = self.module.run_command(list(words))
        if status != 0:
            self.module.fail_json(msg=f"{' '.join(words[:3])} failed: {(err or out).strip()}", user=self.user)

    def swap(self) -> None:
        """Let the file take its place, with the timer running before."""
        back = f"rm -f '{self.path}'"
        if self.path.exists():
            shutil.copy2(self.path, self.saved)
            back = f"mv -f '{self.saved}' '{self.path}'"
        self.module.run_command(["systemctl", "stop", f"{UNIT}.timer"])
        after = [f"--on-active={self.module.params['patience']}", "--timer-property=AccuracySec=1s"]
        again = "systemctl try-reload-or-restart ssh.service"
        self.command("systemd-run", "--quiet", "--collect", f"--unit={UNIT}", *after, "sh", "-c", f"{back}; {again}")
        temporary = self.path.with_name(f".{self.path.name}.new")
        temporary.write_text(self.content)
        temporary.chmod(0o600)
        temporary.replace(self.path)
        self.command(*again.split())

    def run(self) -> None:
        """Try, guard, swap."""
        before = self.path.read_text() if self.path.exists() else ""
        changed = before != self.content
        if changed and Path(SSHD).exists():
            with tempfile.TemporaryDirectory() as folder:
                self.guard(sshd.settings(self.told(Path(folder))))
            if not self.module.check_mode:
                self.swap()
        shown = {
            "before_header": str(self.path),
            "before": before,
            "after_header": str(self.path),
            "after": self.content,
        }
        self.module.exit_json(changed=changed, timer=f"{UNIT}.timer", user=self.user, diff=shown if changed else {})


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "content": {"type": "str", "required": True},
            "patience": {"type": "int", "default": 90},
        },
        supports_check_mode=True,
    )
    Door(module).run()


if __name__ == "__main__":
    main()
