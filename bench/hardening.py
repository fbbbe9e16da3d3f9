"""Ask Lynis how hard a fresh host is, before the roles, after `base`, and after further roles that are named.

`python -m bench.hardening [docker postgresql redis ...]`; the lab has to be up. It uses the host of molecule's scenario
`base`, and applies a role with the variables of that role's scenario.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
SCENARIOS = ROOT / "molecule"
INSTALL = "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qqy --no-install-recommends install lynis"
AUDIT = "lynis audit system --quick --no-colors >/dev/null 2>&1; cat /var/log/lynis-report.dat"


@dataclass(frozen=True)
class Report:
    """What Lynis says of a host: its index of 100, and its findings as `test: text`."""

    version: str
    index: int
    warnings: set[str]
    suggestions: set[str]

    @classmethod
    def read(cls, text: str) -> Report:
        """Read `lynis-report.dat`."""
        values: dict[str, list[str]] = {}
        for line in text.splitlines():
            name, _, value = line.partition("=")
            values.setdefault(name, []).append(value)
        findings = {name: set(map(finding, values.get(f"{name}[]", []))) for name in ("warning", "suggestion")}
        index, version = values["hardening_index"][0], values["lynis_version"][0]
        return cls(version, int(index), findings["warning"], findings["suggestion"])


def finding(line: str) -> str:
    """One finding: its test, its text, and what it is about where it says so."""
    test, text, about = line.split("|")[:3]
    return f"{test}: {text}" + (f" [{about}]" if about not in ("", "-") else "")


def run(*words: str, **environment: str) -> str:
    """Run a command that has to succeed, and return what it printed."""
    path = {"PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}", "MOLECULE_GLOB": f"{SCENARIOS}/*/molecule.yml"}
    done = subprocess.run(
        words, cwd=ROOT, env=os.environ | path | environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(words[:4])} failed:\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout


def folder() -> Path:
    """Where molecule keeps the host's key and address."""
    found = sorted(Path.home().glob(".ansible/tmp/molecule.*.base"), key=lambda path: path.stat().st_mtime)
    return found[-1]


def on_host(command: str) -> str:
    """Run a command as root on the host, over a connection of its own."""
    host = yaml.safe_load((folder() / "instance_config.yml").read_text())[0]
    options = ["-oBatchMode=yes", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR"]
    return run(
        "ssh", "-i", host["identity_file"], *options, f"{host['user']}@{host['address']}", f"sudo sh -c '{command}'"
    )


def apply(role: str) -> None:
    """Apply a role as its scenario does, but to the host of `base`."""
    here = folder()
    environment = {
        "ANSIBLE_CONFIG": str(here / "ansible.cfg"),
        "MOLECULE_EPHEMERAL_DIRECTORY": str(here),
        "MOLECULE_PROJECT_DIRECTORY": str(ROOT),
        "MOLECULE_SCENARIO_NAME": role,
        "MOLECULE_SCENARIO_DIRECTORY": str(SCENARIOS / role),
    }
    run("ansible-playbook", "-i", str(here / "inventory"), str(SCENARIOS / "shared/converge.yml"), **environment)


def audit(title: str) -> Report:
    """Audit the host and print its index."""
    report = Report.read(on_host(AUDIT))
    found = f"{len(report.warnings)} warnings, {len(report.suggestions)} suggestions"
    print(f"{title:<50} index {report.index}, {found}", flush=True)
    return report


def main(roles: list[str]) -> None:
    """Boot, audit, apply, audit; then say what remains."""
    run("molecule", "destroy", "-s", "base")
    run("molecule", "create", "-s", "base")
    try:
        on_host(INSTALL)
        before = audit("a fresh Debian 12")
        apply("base")
        last = audit("after base")
        for role in roles:
            apply(role)
        if roles:
            last = audit(f"after base, {', '.join(roles)}")
        print(f"\nLynis {before.version}. What remains:")
        print("\n".join(f"  {line}" for line in sorted(last.warnings) + sorted(last.suggestions)))
    finally:
        run("molecule", "destroy", "-s", "base")


if __name__ == "__main__":
    main(sys.argv[1:])
