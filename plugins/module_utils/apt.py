"""What apt and dpkg say, read as pure functions: what is installed, what is broken, why a transaction failed."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# What apt says, the cause in our words and the remedy. {what} and {what2} are what the pattern found, {repository} is
# the one that the text blames. The first pattern found counts: what apt complains of next is often a consequence.
CAUSES = (
    (
        r"enough free (?:disk )?space(?: in (?P<what>/\S*[^\s./]))?|No space left on device",
        "the disk is full{at}",
        "free some space (`df -h`, `docker system df`, `journalctl --disk-usage`) and run again",
    ),
    (
        r"Unable to locate package (?P<what>\S+)|Package '?(?P<what2>[^\s']+)'? has no installation candidate",
        "no repository of this host has the package {what}",
        "correct its name in the list of packages, or the repository's url, suite and components",
    ),
    (
        r"Version '(?P<what>[^']+)' for '(?P<what2>[^']+)' was not found",
        "no repository of this host has version {what} of {what2}",
        "correct it in the list of packages; `apt-cache policy {what2}` shows the versions there are",
    ),
    (
        r"EXPKEYSIG (?P<what>\S+)",
        "the key {what} of {repository} has expired",
        "give the renewed one in repository.key_url or repository.key",
    ),
    (
        r"REVKEYSIG (?P<what>\S+)",
        "the key {what} of {repository} has been revoked by its owner",
        "ask the owner why, then give the new one in repository.key_url or repository.key",
    ),
    (
        r"NO_PUBKEY (?P<what>\S+)",
        "{repository} is signed with the key {what}, which is not the one that was given",
        "correct repository.key_url or repository.key",
    ),
    (
        r"BADSIG|BAD signature",
        "the index of {repository} is not what its owner signed",
        "a mirror or proxy on the way spoils it: try again, or another repository.url",
    ),
    (
        r"is not signed|no longer signed",
        "{repository} is not signed",
        "correct repository.url and repository.suite: a repository of ours has to be signed",
    ),
    (
        r"Conflicting values set for option Signed-By regarding source (?P<what>\S+)",
        "{what} stands twice in this host's sources, with different keys",
        "remove the other entry: `grep -r {what} /etc/apt/sources.list /etc/apt/sources.list.d`",
    ),
    (
        r"is not valid yet|Release file .* is expired",
        "the index of {repository} is not of this day",
        "set the host's clock (`timedatectl`); where that is right, it is abandoned: change repository.url",
    ),
    (
        r"Hash Sum mismatch|File has unexpected size",
        "{repository} is being changed, or a proxy on the way keeps an old part of it",
        "run again in some minutes",
    ),
    (
        r"Could not (?:resolve|connect)|Temporary failure resolving|Connection (?:timed out|refused)|Unable to connect"
        r"|Failed to fetch \S+ +50[234]",
        "{repository} cannot be reached",
        "correct repository.url, or let the host's network reach it: names, routes, outgoing rules",
    ),
    (
        r"does not have a Release file|404 +Not Found",
        "{repository} has no such suite, or its index is out of date",
        "correct repository.url and repository.suite",
    ),
    (
        r"Failed to fetch (?P<what>\S+)",
        "{repository} does not give {what}",
        "see the evidence for the server's answer, and run again or correct repository.url",
    ),
    (
        r"Could not get lock|Unable to acquire the dpkg frontend lock|Unable to lock",
        "another package manager holds the lock",
        "wait for it to end (often the first boot's upgrade); `fuser -v /var/lib/dpkg/lock-frontend` names it",
    ),
    (
        r"Held packages were changed|held broken packages",
        "a package is held back, or the packages do not fit together",
        "`apt-mark showhold` lists the held ones; packages of one repository and release fit together",
    ),
    (
        r"unmet dependencies",
        "the packages need others that no repository of this host has",
        "packages of one repository and release fit together: correct repository.suite or the list of packages",
    ),
    (
        r"installed (?P<what>\S+) package (?P<what2>\S+) script subprocess returned error",
        "the {what2} script of {what} failed",
        "the evidence and `journalctl -e` say why; correct that and run again, which takes up the rest",
    ),
)
# Not yet another's fault: the key may have been renewed where it comes from.
DISTRUST = r"EXPKEYSIG|REVKEYSIG|NO_PUBKEY|is not signed"
LISTS_LOCKED = r"Could not get lock /var/lib/apt/lists"


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
        *(
            [f"# The key is from {repository['key_url']}"]
            if repository.get("key_url") and not repository.get("key")
            else []
        ),
        "Types: deb",
        f"URIs: {repository['url']}",
        f"Suites: {str(repository['suite']).replace('{codename}', codename)}",
        *([f"Components: {' '.join(components)}"] if components else []),
        f"Signed-By: {key_path}",
    ]
    return "\n".join(lines) + "\n"


def outdated(policy_output: str) -> list[str]:
    """The installed packages for which `apt-cache policy` shows another candidate."""
    found = re.findall(r"^(\S+):\n +Installed: (\S+)\n +Candidate: (\S+)", policy_output, re.MULTILINE)
    return [name for name, installed, candidate in found if installed not in ("(none)", candidate)]


def key_problem(key: str) -> str:
    """What is wrong with the text of a signing key, nothing when it can be one."""
    if "-----BEGIN PGP PUBLIC KEY BLOCK-----" in key and "-----END PGP PUBLIC KEY BLOCK-----" in key:
        return ""
    if "PRIVATE KEY" in key:
        return "it is a private key"
    return f"it is no armoured public key, but begins with {key.strip()[:40]!r}" if key.strip() else "it is empty"


def blamed(output: str, repository: Mapping[str, object] | None) -> str:
    """The repository that apt complains of: ours by its name, another by its address."""
    complaints = "\n".join(line for line in output.splitlines() if line.startswith(("E:", "W:", "Err:")))
    addresses = re.findall(r"(?:https?|file|ftp):/[^\s']*", complaints)
    ours = str((repository or {}).get("url") or "").rstrip("/")
    if repository and ours and (not addresses or any(address.startswith(ours) for address in addresses)):
        return f"the repository {repository['name']} ({ours})"
    return f"the repository {addresses[0]}" if addresses else "a repository"


def full(output: str) -> str:
    """Where the disk is full, as far as dpkg says it."""
    found = re.search(r" (?:to|open|write) '(/[^']+?)(?:\.dpkg-new)?'.*No space left on device", output)
    return found[1] if found else ""


def options(sentence: str) -> str:
    """The sentence, and where a role has the options that it names."""
    return sentence + (" (a role has it as *_repository_*)" if "repository." in sentence else "")


def explain(output: str, repository: Mapping[str, object] | None = None) -> str:
    """One sentence with cause and remedy, or the last error line when the cause is not a known one."""
    for pattern, cause, remedy in CAUSES:
        if found := re.search(pattern, output):
            names = {key: value for key, value in found.groupdict().items() if value}
            names.setdefault("what", names.get("what2", "") or full(output))
            at = f" ({names['what']})" if names["what"] else ""
            return options(f"{cause}: {remedy}".format(**names, at=at, repository=blamed(output, repository)))
    errors = [line for line in output.splitlines() if line.startswith(("E:", "dpkg: error"))]
    return errors[-1] if errors else "apt gave no reason"
