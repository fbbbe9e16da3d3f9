"""Where the collection lies whose playbooks this library runs, and what Ansible must know to find it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

COLLECTION = Path("ansible_collections", "mcp", "aws")
COLLECTIONS = "ANSIBLE_COLLECTIONS_PATH"
USUAL = "~/.ansible/collections:/usr/share/ansible/collections"


def _find_root(beside: Path, others: Iterable[str]) -> Path:
    """Return the collection: around this library in a checkout or a tarball, below it where a wheel put both."""
    if (beside / "playbooks").is_dir():
        return beside
    candidates = [beside / COLLECTION, *(Path(other, COLLECTION) for other in others)]
    return next((path for path in candidates if (path / "playbooks").is_dir()), beside)


COLLECTION_ROOT = _find_root(Path(__file__).resolve().parents[1], sys.path)


def settings(root: Path = COLLECTION_ROOT) -> dict[str, str]:
    """Return the environment variables with which Ansible finds its settings and this collection.

    `ANSIBLE_CONFIG` goes before an ansible.cfg in the working directory, and that one before the collection's own. Who
    has one of his own says in it where collections are.
    """
    if "ANSIBLE_CONFIG" in os.environ:
        return {}
    own = Path.cwd() / "ansible.cfg"
    if own.is_file() and not own.parent.stat().st_mode & stat.S_IWOTH:  # Ansible reads none that anybody could have put
        return {"ANSIBLE_CONFIG": str(own)}
    found = {"ANSIBLE_CONFIG": str(root / "ansible.cfg")} if (root / "ansible.cfg").is_file() else {}
    parent = root.parents[1]
    if parent.name == COLLECTION.parts[0]:  # else a playbook might get the plugins of another version
        found[COLLECTIONS] = f"{root.parent}:{os.environ.get(COLLECTIONS, USUAL)}"
    return found


def version(root: Path = COLLECTION_ROOT) -> str:
    """Return the version of the collection."""
    manifest = root / "MANIFEST.json"
    if manifest.is_file():
        return str(json.loads(manifest.read_text())["collection_info"]["version"])
    match = re.search(r"^version: *(\S+)", (root / "galaxy.yml").read_text(), re.M)
    return match[1] if match else ""
