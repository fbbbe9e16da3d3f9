#!/usr/bin/python
"""Installs Debian packages in one transaction, with the repository and the files they need beforehand."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import platform
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.mcp.aws.plugins.module_utils import apt

DOCUMENTATION = r"""
module: packages
short_description: Install Debian packages in one transaction
version_added: 0.1.0
description:
  - Lays down the repository and the files that the packages' own installation reads, then installs what is missing.
  - Refreshes the package index only when the repository is new, or something is missing and the index is old.
  - Takes up an installation that was cut off half-way. Needs nothing on the host but Python and apt.
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
      suite: {type: str, default: "", description: "Suite; C({codename}) in it stands for the host's own, such as C(bookworm)."}
      components: {type: list, elements: str, default: [], description: Components of the suite.}
      key_url: {type: str, default: "", description: Where the armoured signing key is.}
      key: {type: str, default: "", description: "The armoured signing key itself; wins over O(repository.key_url)."}
  files:
    description: Content by path, written before the packages are unpacked. Parent folders are made.
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
"""

RETURN = r"""
installed:
  description: The packages that were missing, in the order of O(names).
  returned: always
  type: list
  elements: str
files:
  description: The paths that were written.
  returned: always
  type: list
  elements: str
"""

LISTS = Path("/var/lib/apt/lists")
APT = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120"]
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


class Transaction:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.written: list[str] = []
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

    def fail(self, doing: str, output: str) -> None:
        """End with the cause in one sentence, and the evidence beside it."""
        tail = output.splitlines()[-25:]
        self.module.fail_json(msg=f"Cannot {doing}: {apt.explain(output)}", evidence=tail)

    def write(self, path: str, content: str) -> None:
        """Write a file where it differs."""
        target = Path(path)
        before = target.read_text() if target.exists() else ""
        if target.exists() and before == content:
            return
        self.written.append(path)
        self.diff.append({"before_header": path, "before": before, "after_header": path, "after": content})
        if self.module.check_mode:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.new")
        temporary.write_text(content)
        temporary.chmod(0o644)
        temporary.replace(target)

    def add_repository(self, repository: dict[str, object]) -> list[str]:
        """Lay down key and source; where they are new, the option that names the source alone."""
        key_path = f"/etc/apt/keyrings/{repository['name']}.asc"
        source_path = f"/etc/apt/sources.list.d/{repository['name']}.sources"
        written = len(self.written)
        key = str(repository["key"])
        if not key and not Path(key_path).exists() and not self.module.check_mode:
            key = self.fetch(str(repository["key_url"]))
        if key:
            self.write(key_path, key.strip() + "\n")
        codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
        self.write(source_path, apt.source(repository, key_path, codename))
        return [f"Dir::Etc::sourcelist={source_path}"] if len(self.written) > written else []

    def fetch(self, url: str) -> str:
        """The text behind a URL."""
        try:
            return str(open_url(url, timeout=30).read().decode())
        except (OSError, ValueError) as error:
            self.module.fail_json(msg=f"Cannot fetch the repository's key from {url}: {error}. Check the key's URL.")
        return ""

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

    def apply(self) -> None:
        """Do what is needed, and no more."""
        params = self.module.params
        for path, content in params["files"].items():
            self.write(path, str(content))
        repository = params["repository"]
        new_source = self.add_repository(repository) if repository and repository["url"] else []
        repaired = self.repair()
        missing = self.missing()
        if not self.module.check_mode:
            refreshed = bool(missing) and self.index_is_old()
            if refreshed:
                self.must(UPDATE, "refresh the package index")
            elif new_source:
                self.must([*UPDATE, *ONLY, *new_source], "refresh the repository's index")
            if missing:
                self.install(missing, refreshed)
        changed = bool(self.written or repaired or missing)
        self.module.exit_json(changed=changed, installed=missing, files=self.written, diff=self.diff)

    def install(self, missing: list[str], refreshed: bool) -> None:
        """Install, with one more try after a fresh index: an index can be old before its time."""
        status, output = self.run([*INSTALL, *missing])
        if status != 0 and not refreshed:
            self.must(UPDATE, "refresh the package index")
            status, output = self.run([*INSTALL, *missing])
        if status != 0:
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
            "files": {"type": "dict", "default": {}},
            "index_age": {"type": "int", "default": 86400},
        },
        supports_check_mode=True,
    )
    Transaction(module).apply()


if __name__ == "__main__":
    main()
