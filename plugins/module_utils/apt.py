"""What apt and dpkg say, read as pure functions: what is installed, what is broken, why a transaction failed."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Iterable

CAUSES = (
    (
        r"No space left on device|enough free (?:disk )?space",
        "the disk is full",
        "free some space (df -h, docker system df) and run again",
    ),
    (
        r"Unable to locate package (?P<what>\S+)|Package '?(?P<what2>[^\s']+)'? has no installation candidate",
        "no repository of this host has the package {what}",
        "check the package's name and version, and the repository's url, suite and components",
    ),
    (
        r"Version '(?P<what>[^']+)' for '(?P<what2>[^']+)' was not found",
        "no repository of this host has version {what} of {what2}",
        "apt-cache policy {what2} lists the versions there are",
    ),
    (
        r"NO_PUBKEY|EXPKEYSIG|REVKEYSIG|BADSIG|is not signed|no longer signed",
        "a repository's signature cannot be trusted",
        "check the repository's key: missing, expired, or another repository's",
    ),
    (
        r"does not have a Release file|404 +Not Found",
        "a repository has no such suite, or its index is out of date",
        "check the repository's url and suite",
    ),
    (
        r"Could not (?:resolve|connect)|Temporary failure resolving|Connection (?:timed out|refused)|Failed to fetch",
        "a repository cannot be reached",
        "check name resolution, routes and the outgoing rules of the host's network",
    ),
    (
        r"Could not get lock|Unable to acquire the dpkg frontend lock",
        "another package manager holds the lock",
        "wait for it to end (often the first boot's upgrade); fuser -v /var/lib/dpkg/lock-frontend names it",
    ),
)


def missing(wanted: Iterable[str], dpkg_output: str) -> list[str]:
    """The names of `wanted` (`name` or `name=version`) that `dpkg-query` lines `status|name|version` do not show."""
    installed: dict[str, str] = {}
    for line in dpkg_output.splitlines():
        status, name, version = line.split("|", 2)
        if status.strip() in ("ii", "hi"):
            installed[name] = version
    result = []
    for item in wanted:
        name, _, version = item.partition("=")
        if name not in installed or (version and installed[name] != version):
            result.append(item)
    return result


def source(repository: dict[str, object], key_path: str, codename: str = "") -> str:
    """The deb822 paragraph of one repository; `{codename}` in its suite stands for the host's."""
    components = repository.get("components") or []
    assert isinstance(components, list)
    lines = [
        "# Written by Ansible (mcp.aws).",
        "Types: deb",
        f"URIs: {repository['url']}",
        f"Suites: {str(repository['suite']).replace('{codename}', codename)}",
        *([f"Components: {' '.join(components)}"] if components else []),
        f"Signed-By: {key_path}",
    ]
    return "\n".join(lines) + "\n"


def explain(output: str) -> str:
    """One sentence with cause and remedy, or the last error line when the cause is not a known one."""
    for pattern, cause, remedy in CAUSES:
        if found := re.search(pattern, output):
            names = {key: value for key, value in found.groupdict().items() if value}
            names.setdefault("what", names.get("what2", ""))
            return f"{cause}: {remedy}".format(**names)
    errors = [line for line in output.splitlines() if line.startswith(("E:", "dpkg: error"))]
    return errors[-1] if errors else "apt gave no reason"
