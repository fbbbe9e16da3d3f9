#!/usr/bin/python
"""Installs Debian packages in one transaction, with the repository and the files they need beforehand."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import platform
import re
import tempfile
import time
from pathlib import Path
from typing import NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils import apt

DOCUMENTATION = r"""
module: packages
short_description: Install Debian packages in one transaction
version_added: 0.1.0
description:
  - Lays down the repository and the files that the packages' own installation reads, then installs what is missing.
  - Refreshes the package index only when the repository is new, or something is missing and the index is old.
  - Takes up an installation that was cut off half-way. Needs nothing on the host but Python and apt.
  - Reports the host's memory and processors as the module M(ansible.builtin.setup) does, so that a role that sizes a
    service need not ask for them.
  - A repository that cannot be used is taken back, so that apt goes on to work for the others. A key is fetched again
    when its URL has changed, and when it no longer fits.
options:
  names:
    description: Packages, as C(name) or C(name=version).
    type: list
    elements: str
    required: true
  repository:
    description: The repository that holds them. Without O(repository.url) the host's own repositories are used.
    type: dict
    suboptions:
      name: {type: str, required: true, description: "Name of the files under C(sources.list.d) and C(keyrings)."}
      url: {type: str, default: "", description: Base URL.}
      suite: {type: str, default: "", description: "Suite; C({codename}) in it is the host's own, such as C(bookworm)."}
      components: {type: list, elements: str, default: [], description: Components of the suite.}
      key_url: {type: str, default: "", description: Where the armoured signing key is.}
      key: {type: str, default: "", description: "The armoured signing key itself; wins over O(repository.key_url)."}
  latest:
    description:
      - Upgrade those of O(names) that are installed, too, unless their version is given. Refreshes the index each time.
    type: bool
    default: false
  files:
    description: Content by path, written before the packages are unpacked. Parent folders are made.
    type: dict
    default: {}
  validate:
    description:
      - Judges of O(files) by path, each with C(command), words in which C(%s) is the new file, and C(hint), the remedy.
      - A file that its command refuses is not written. The command is asked again when the installation fails, as the
        program may have come with it.
    type: dict
    default: {}
  index_age:
    description: Age in seconds at which the package index counts as old.
    type: int
    default: 86400
attributes:
  check_mode: {support: full, description: Says what would be installed.}
  diff_mode: {support: full, description: Shows the files.}
author: [The mcp.aws maintainers (@mcp-aws)]
"""

EXAMPLES = r"""
- name: Install Redis
  mcp.aws.packages:
    names: [redis-server]

- name: Install a web server with a configuration that it accepts
  mcp.aws.packages:
    names: [nginx-light]
    files:
      /etc/nginx/conf.d/limits.conf: "client_max_body_size 1m;"
    validate:
      /etc/nginx/conf.d/limits.conf:
        command: [grep, -q, ';$', '%s']
        hint: A directive ends with a semicolon.
"""

RETURN = r"""
ansible_facts:
  description: C(ansible_memtotal_mb) and C(ansible_processor_vcpus).
  returned: always
  type: dict
installed:
  description: The packages that were missing, in the order of O(names), then those that were upgraded.
  returned: always
  type: list
  elements: str
files:
  description: The paths that were written.
  returned: always
  type: list
  elements: str
"""

LOCK_SECONDS = 120
LISTS = Path("/var/lib/apt/lists")
APT = ["apt-get", "-q", "-y", "-o", f"DPkg::Lock::Timeout={LOCK_SECONDS}"]
INSTALL = [
    *APT,
    "-o", "Dpkg::Options::=--force-confdef",
    "-o", "Dpkg::Options::=--force-confold",
    "--no-install-recommends", "--allow-downgrades",
    "install",
]  # fmt: skip
UPDATE = [*APT, "-o", "APT::Update::Error-Mode=any", "-o", "Acquire::Languages=none", "update"]
# Options that leave the index of every other repository as it is.
ONLY = ["-o", "Dir::Etc::sourceparts=-", "-o", "APT::Get::List-Cleanup=0", "-o"]
QUIET = {
    "DEBIAN_FRONTEND": "noninteractive",
    "UCF_FORCE_CONFFOLD": "1",
    "NEEDRESTART_SUSPEND": "1",
    "LC_ALL": "C.UTF-8",
}


def size() -> dict[str, int]:
    """Memory and processors of the host."""
    total = re.search(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    processors = re.findall(r"^processor\s*:", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "ansible_memtotal_mb": int(total[1]) // 1024 if total else 0,
        "ansible_processor_vcpus": len(processors) or 1,
    }


class Transaction:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.repository = module.params["repository"]
        self.before: dict[str, str | None] = {}
        self.diff: list[dict[str, str]] = []

    def run(self, command: list[str]) -> tuple[int, str]:
        """Exit status and both streams of a command."""
        status, out, err = self.module.run_command(command, environ_update=QUIET)
        return status, out + err

    def must(self, command: list[str], doing: str) -> None:
        """Run a command that has to succeed."""
        status, output = self.run(command)
        if status != 0:
            self.fail(doing, output)

    def fail(self, doing: str, output: str) -> NoReturn:
        """End with the cause in one sentence, and the evidence beside it."""
        tail = output.splitlines()[-25:]
        self.module.fail_json(msg=f"Cannot {doing}: {apt.explain(output, self.repository)}.", evidence=tail)
        raise AssertionError("fail_json does not return")

    def judge(self, path: str, content: str) -> None:
        """End when the command that judges a file refuses its new content."""
        rule = self.module.params["validate"].get(path)
        if not rule:
            return
        with tempfile.NamedTemporaryFile("w", suffix=Path(path).suffix) as new:
            new.write(content)
            new.flush()
            Path(new.name).chmod(0o644)
            status, output = self.run([word.replace("%s", new.name) for word in rule["command"]])
            said = output.replace(new.name, path).strip().splitlines() or ["no reason given"]
        if status != 0:
            stays = " and stays as it was" if self.before.get(path, Path(path).exists()) else ""
            self.module.fail_json(msg=f"The new {path} is refused{stays}: {said[-1]}. {rule['hint']}", evidence=said)

    def write(self, path: str, content: str) -> None:
        """Write a file where it differs."""
        target = Path(path)
        before = target.read_text(errors="replace") if target.exists() else None
        if before == content:
            return
        self.judge(path, content)
        self.before.setdefault(path, before)
        self.diff.append({"before_header": path, "before": before or "", "after_header": path, "after": content})
        if self.module.check_mode:
            return
        try:
            self.put(target, content)
        except OSError as error:
            reason = error.strerror or str(error)
            remedy = "free some space (df -h)" if error.errno == errno.ENOSPC else f"see `findmnt -T {target.parent}`"
            self.module.fail_json(msg=f"Cannot write {path}: {reason}. To go on, {remedy} and run again.")

    @staticmethod
    def put(target: Path, content: str) -> None:
        """Replace a file in one step, so that nobody reads half of it."""
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.new")
        try:
            temporary.write_text(content)
            temporary.chmod(0o644)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def take_back(self, paths: list[str]) -> None:
        """Let files be as they were before this run."""
        for path in paths:
            before = self.before.pop(path)
            if before is None:
                Path(path).unlink(missing_ok=True)
            else:
                self.put(Path(path), before)

    def add_repository(self) -> bool:
        """Lay down key and source; whether one of them is new."""
        name = self.repository["name"]
        key_path, source_path = f"/etc/apt/keyrings/{name}.asc", f"/etc/apt/sources.list.d/{name}.sources"
        codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
        source = apt.source(self.repository, key_path, codename)
        key = self.repository["key"]
        known = Path(key_path).exists() and Path(source_path).exists() and Path(source_path).read_text() == source
        if not key and not known and not self.module.check_mode:
            key = self.fetch()
        if key:
            self.write(key_path, self.checked(key))
        self.write(source_path, source)
        return key_path in self.before or source_path in self.before

    def fetch(self) -> str:
        """The repository's key, from its URL."""
        from ansible.module_utils.urls import open_url  # a fifth of the module's time, and seldom needed

        url = self.repository["key_url"]
        try:
            return str(open_url(url, timeout=30).read().decode(errors="replace"))
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            remedy = "correct repository.key_url, or give the key itself in repository.key"
            self.end(f"Cannot fetch the key of the repository {self.repository['name']} from {url}: {reason}; {remedy}")

    def checked(self, key: str) -> str:
        """The key as it is written; the end when it cannot be one."""
        if problem := apt.key_problem(key):
            where = "in repository.key" if self.repository["key"] else f"at {self.repository['key_url']}"
            remedy = "correct repository.key_url or repository.key"
            self.end(f"Cannot trust the repository {self.repository['name']} by the key {where}: {problem}; {remedy}")
        return key.strip() + "\n"

    def end(self, sentence: str) -> NoReturn:
        """End with a sentence about the repository."""
        self.module.fail_json(msg=f"{apt.options(sentence)}.")
        raise AssertionError("fail_json does not return")

    def refresh(self, *, whole: bool) -> None:
        """Refresh the index, the whole or our repository's; what is new of that is taken back when it fails."""
        only = (
            [] if whole else [*ONLY, f"Dir::Etc::sourcelist=/etc/apt/sources.list.d/{self.repository['name']}.sources"]
        )
        status, output = self.update([*UPDATE, *only])
        if self.renew_key(output):
            status, output = self.update([*UPDATE, *only])
        if status == 0 and re.search(apt.DISTRUST, output):  # apt goes on with the index that it had
            self.module.warn(apt.explain(output, self.repository))
        if status != 0:
            self.take_back([path for path in self.before if path not in self.module.params["files"]])
            self.fail("refresh the package index", output)

    def update(self, command: list[str]) -> tuple[int, str]:
        """Run an update; apt itself does not wait for another's lock on the index."""
        deadline = time.monotonic() + LOCK_SECONDS
        status, output = self.run(command)
        while status != 0 and re.search(apt.LISTS_LOCKED, output) and time.monotonic() < deadline:
            time.sleep(2)
            status, output = self.run(command)
        return status, output

    def renew_key(self, output: str) -> bool:
        """Fetch the key again where it no longer fits; whether it is another one now."""
        ours = self.repository and self.repository["key_url"] and not self.repository["key"]
        if not ours or not re.search(apt.DISTRUST, output):
            return False
        path = f"/etc/apt/keyrings/{self.repository['name']}.asc"
        key = self.checked(self.fetch())
        if Path(path).exists() and Path(path).read_text() == key:
            return False
        self.write(path, key)
        return True

    def missing(self) -> list[str]:
        """The wanted packages that are not installed."""
        names = [name.partition("=")[0] for name in self.module.params["names"]]
        query = ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}|${Package}|${Version}\n", *names]
        _, out, _ = self.module.run_command(query)
        return apt.missing(self.module.params["names"], out)

    def index_is_old(self) -> bool:
        """Whether the package index is older than wanted, or was never fetched."""
        if not any(LISTS.glob("*Release")):
            return True
        return time.time() - LISTS.joinpath("partial").stat().st_mtime > self.module.params["index_age"]

    def repair(self) -> bool:
        """Finish an installation that was cut off."""
        _, out, _ = self.module.run_command(["dpkg", "--audit"])
        if not out.strip() and not any(Path("/var/lib/dpkg/updates").glob("[0-9]*")):
            return False
        if not self.module.check_mode:
            for command in (
                ["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"],
                [*APT, "-f", "install"],
            ):
                self.must(command, "finish an interrupted installation")
        return True

    def outdated(self) -> list[str]:
        """The installed packages that are wanted as new as can be, and are not."""
        names = [name for name in self.module.params["names"] if "=" not in name]
        _, output = self.run(["apt-cache", "policy", *names])
        return apt.outdated(output) if names else []

    def apply(self) -> None:
        """Do what is needed, and no more."""
        params = self.module.params
        for path, content in params["files"].items():
            self.write(path, str(content))
        new = bool(self.repository and self.repository["url"]) and self.add_repository()
        repaired = self.repair()
        missing = self.missing()
        refreshed = params["latest"] or (bool(missing) and self.index_is_old())
        if not self.module.check_mode and (refreshed or new):
            self.refresh(whole=refreshed)
        if params["latest"]:
            missing += self.outdated()
        if missing and not self.module.check_mode:
            self.install(missing, refreshed=refreshed)
        changed = bool(self.before or repaired or missing)
        told = {"installed": missing, "files": list(self.before), "diff": self.diff}
        self.module.exit_json(changed=changed, ansible_facts=size(), **told)

    def install(self, missing: list[str], *, refreshed: bool) -> None:
        """Install, with one more try after a fresh index: an index can be old before its time."""
        status, output = self.run([*INSTALL, *missing])
        if status != 0 and not refreshed:
            self.refresh(whole=True)
            status, output = self.run([*INSTALL, *missing])
        if status != 0:
            for path, content in self.module.params["files"].items():
                self.judge(path, str(content))
            self.fail(f"install {', '.join(missing)}", output)


def main() -> None:
    """Entry point."""
    repository = {
        "name": {"type": "str", "required": True},
        "url": {"type": "str", "default": ""},
        "suite": {"type": "str", "default": ""},
        "components": {"type": "list", "elements": "str", "default": []},
        "key_url": {"type": "str", "default": "", "no_log": False},
        "key": {"type": "str", "default": "", "no_log": False},
    }
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "repository": {"type": "dict", "options": repository},
            "latest": {"type": "bool", "default": False},
            "files": {"type": "dict", "default": {}},
            "validate": {"type": "dict", "default": {}},
            "index_age": {"type": "int", "default": 86400},
        },
        supports_check_mode=True,
    )
    Transaction(module).apply()


if __name__ == "__main__":
    main()
