"""Names on the command line that only Ansible knows: hosts and tags. A misspelt one would run nothing at all."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from mcp_aws.errors import BadInput
from mcp_aws.outcome import Outcome
from mcp_aws.text import nearest, nearest_or_all

ALWAYS = {"all", "always", "never", "tagged", "untagged"}
TAGS = re.compile(r"\btags: *(\[[^\]]*\]|[^\n{}\[]*)((?:\n[ \t]+- *[\w-]+)*)")
NO_HOSTS = "leaves us with no hosts to target"


def judge_tags(given: str, playbooks: Path) -> None:
    """Refuse a tag that no file bears: with it nothing would run, or a play without what it needs.

    :param given: tags, parted by commas.
    :raises BadInput: there is one.
    """
    wanted = [tag.strip() for tag in given.split(",") if tag.strip()]
    if not wanted:
        return
    known = ALWAYS | set(_tags(playbooks))
    for tag in wanted:
        if tag not in known:
            raise BadInput(f"No tag `{tag}`.{nearest_or_all(tag, known)}")


def _tags(playbooks: Path) -> Iterator[str]:
    """Yield the tags of playbooks and of the roles beside and below them; a role's own name is one, too."""
    roles = [path for where in (playbooks, playbooks.parent) for path in (where / "roles").glob("*")]
    yield from (role.name for role in roles)
    for path in [*playbooks.rglob("*.yml"), *(path for role in roles for path in role.rglob("*.yml"))]:
        for inline, below in TAGS.findall(path.read_text(errors="replace")):
            yield from re.findall(r"[\w-]+", inline + below)


def judge_limit(run: Outcome, limit: str | None, inventory: Path) -> None:
    """Refuse a --limit that named no host of the inventory, once Ansible has said so.

    :raises BadInput: it did.
    """
    if not limit or run.hosts or not any(NO_HOSTS in failure.message for failure in run.failures):
        return
    listed = subprocess.run(
        [Path(sys.executable).with_name("ansible-inventory"), "-i", inventory, "--list"],
        capture_output=True,
        text=True,
        check=False,
    )
    groups = json.loads(listed.stdout) if listed.returncode == 0 else {}
    hosts = [host for group in groups.values() for host in group.get("hosts", ())]
    known = [name for name in [*groups, *dict.fromkeys(hosts)] if name != "_meta"]
    near = nearest(limit, known) or f" There are: {', '.join(sorted(known))}."
    raise BadInput(f"No host or group `{limit}` in {inventory.name}.{near}")
