"""What sshd says of its settings, and whether they leave a user a way in."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

Settings = Mapping[str, list[str]]


def settings(told: str) -> dict[str, list[str]]:
    """The words of each setting that `sshd -T` prints; lines of one name are put together."""
    found: dict[str, list[str]] = {}
    for line in told.splitlines():
        name, *words = line.split()
        found.setdefault(name, []).extend(words)
    return found


def key_files(wanted: Settings, user: str, home: str) -> list[str]:
    """Where sshd looks for the keys of a user."""
    paths = [path for path in wanted.get("authorizedkeysfile", []) if path != "none"]
    paths = [path.replace("%h", home).replace("%u", user).replace("%%", "%") for path in paths]
    return [path if path.startswith("/") else f"{home}/{path}" for path in paths]


def keys(content: str) -> int:
    """How many keys a file holds."""
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in content.splitlines())


def _matches(names: Iterable[str], patterns: Iterable[str]) -> bool:
    """Whether a pattern of AllowUsers and its like meets a name; the part after `@`, a host, is left aside."""
    return any(fnmatchcase(name, pattern.partition("@")[0]) for name in names for pattern in patterns)


def lockout(wanted: Settings, user: str, groups: Iterable[str], key_count: int) -> str:
    """Why the settings would not let a user in again; empty when they would."""
    groups = list(groups)
    for name, candidates in (("allowusers", [user]), ("allowgroups", groups)):
        if wanted.get(name) and not _matches(candidates, wanted[name]):
            return f"{name} ({' '.join(wanted[name])}) does not name {user}"
    for name, candidates in (("denyusers", [user]), ("denygroups", groups)):
        if _matches(candidates, wanted.get(name, [])):
            return f"{name} ({' '.join(wanted[name])}) names {user}"
    root = wanted.get("permitrootlogin", ["no"])[0]
    if user == "root" and root in ("no", "forced-commands-only"):
        return f"permitrootlogin is {root}, and this run came in as root"
    passwords = wanted.get("passwordauthentication") == ["yes"] and not (user == "root" and root != "yes")
    if passwords or wanted.get("authorizedkeyscommand", ["none"]) != ["none"]:
        return ""
    if wanted.get("pubkeyauthentication") == ["no"]:
        return "neither keys nor passwords are accepted"
    return "" if key_count else f"passwords are refused, and {user} has no authorized key"
