"""The users of Redis as the lines of its ACL file, and its complaints in one sentence."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

User = Mapping[str, Any]
# A pattern that says itself whether it is for reading or writing alone.
SELECTIVE = re.compile(r"%(R|W|RW|WR)~")
COMPLAINT = re.compile(r"users\.acl:(\d+):? (.*?)\.? (?:\S*users\.acl:|WARNING: ACL errors)")
SETTING = re.compile(r">>> '(.*)'\n(.*)")
LOG_PREFIX = re.compile(r"^\d+:\w .{24} . ", re.MULTILINE)
RULE = re.compile(r"Error in applying operation '(.*?)': (.*)")


def digest(text: str) -> str:
    """SHA-256 as Redis keeps passwords."""
    return hashlib.sha256(text.encode()).hexdigest()


def rules(user: User) -> list[str]:
    """The rules of one user: `enabled`, `password` or none, `keys` and `channels` as patterns, `commands` as rules."""
    words = ["on" if user["enabled"] else "off"]
    if user["password"]:
        words.append(f"#{digest(user['password'])}")
    words += [key if SELECTIVE.match(key) else f"~{key}" for key in user["keys"]]
    words += [f"&{channel}" for channel in user["channels"]]
    return [*words, *user["commands"]]


def problem(users: Sequence[User], administrator: str) -> str:
    """What is wrong with users before Redis is asked; empty when nothing is."""
    names = [user["name"] for user in users]
    for user in users:
        name = user["name"]
        if name == administrator:
            return f"The name `{name}` is that of the administrator. Give the user another one."
        if names.count(name) > 1:
            return f"The user `{name}` is listed twice. Leave one of them."
        if user["enabled"] and not user["password"]:
            return (
                f"The user `{name}` has no password. Give it one; anybody who reaches the port could log in otherwise."
            )
        # The file parts its words by blanks, and knows no quotes.
        for word in [name, *user["keys"], *user["channels"], *user["commands"]]:
            if not word or re.search(r"\s", word):
                return f"The user `{name}` has `{word}`, but a name, a pattern or a rule is one word without blanks."
    return ""


def text(users: Sequence[User], administrator: str, secret: str) -> str:
    """The ACL file. The administrator's only channel is a mark that tells which file a running server has loaded."""
    lines = [" ".join(["user", user["name"], *rules(user)]) for user in users]
    lines.append(f"user {administrator} on #{digest(secret)} ~* +@all")
    return "\n".join(lines) + f" &file:{digest(chr(10).join(lines))[:12]}\n"


def mark(acl: str) -> str:
    """The mark at the end of an ACL file, as `ACL GETUSER` shows it."""
    return acl.rpartition(" ")[2].strip()


def explain(output: str, acl: str) -> str:
    """What Redis refuses, a setting or the rule of a user, and why."""
    if setting := SETTING.search(output):
        return f"Redis refuses the setting `{setting[1]}`: {setting[2]}"
    if complaint := COMPLAINT.search(output):
        name = acl.splitlines()[int(complaint[1]) - 1].split()[1]
        rule = RULE.match(complaint[2])
        reason = f"the rule `{rule[1]}`: {rule[2]}" if rule else complaint[2]
        return f"Redis refuses the user `{name}`, {reason}"
    lines = LOG_PREFIX.sub("", output.strip()).splitlines()[-2:]
    return f"Redis refuses the settings: {'; '.join(lines)}"


def difference(before: str, after: str) -> dict[str, list[str]]:
    """Names of the users `added`, `removed` and `altered` between two ACL files."""
    old, new = (
        {line.split()[1]: line for line in acl.splitlines() if line.startswith("user ")} for acl in (before, after)
    )
    return {
        "added": sorted(new.keys() - old.keys()),
        "removed": sorted(old.keys() - new.keys()),
        "altered": sorted(name for name in new.keys() & old.keys() if new[name] != old[name]),
    }
