"""Which deployment a name means: one inventory, a file or a directory, and never several at once."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import yaml

from mcp_aws.errors import BadInput
from mcp_aws.location import COLLECTION_ROOT
from mcp_aws.text import nearest_or_all

VARIABLES = ("group_vars", "host_vars")
PROJECT = ("playbooks", "roles", "ansible.cfg", "galaxy.yml", ".git", "site.yml")  # what lies beside inventories
HEADED = re.compile(r"^(?:[#;].*\n|\s*\n)*\[[\w.:-]+\]", re.ASCII)  # an INI file whose first line names a group
MAPPED = re.compile(r"^(?:all|ungrouped|plugin):", re.M)
DYNAMIC = re.compile(r"^plugin:", re.M)
HOSTS = re.compile(r"^  hosts: *mcp_servers", re.M)
IGNORED = re.compile(r"^\.|~$|\.(?:py[co]|swp|bak|rpm|md|txt|rst|orig|cfg|retry)$")  # as Ansible does
LARGEST = 1 << 20  # bytes that are read of a file to see what it is
COMPLETE = "ANSIBLE_INVENTORY_UNPARSED_FAILED"


def find(wanted: str | Path) -> Path:
    """Return the absolute path of an inventory below the working directory or this checkout.

    :raises BadInput: nothing is named, there is no such inventory, or there are several below that directory.
    """
    if not str(wanted).strip():
        raise BadInput(f"The inventory's name is empty; name one deployment.{_known(Path())}")
    path = Path(wanted)
    try:
        for candidate in (path, COLLECTION_ROOT / path):
            if candidate.exists():
                return _one(candidate.resolve(), str(wanted))
    except (OSError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise BadInput(f"The inventory `{_short(str(wanted))}` cannot be read: {why}.") from None
    raise BadInput(f"No inventory `{wanted}`.{_known(path)}")


def environment(inventory: Path, playbook: Path) -> dict[str, str]:
    """Return what makes Ansible refuse an inventory that it cannot read, where it would go on without any host.

    Not where a plugin asks AWS for a playbook that comes to hosts by way of preflight, which says what is missing.
    Without credentials there are no hosts, and a playbook for hosts would find nothing to change.

    :raises BadInput: a file of the inventory is no YAML.
    """
    dynamic = False
    for path in _sources(inventory):
        if os.access(path, os.X_OK):
            dynamic = True
        elif path.suffix in (".yml", ".yaml"):
            text = _beginning(path)
            dynamic = dynamic or bool(DYNAMIC.search(text))
            _judge(path, text)
    empty = not any(True for _ in _sources(inventory))
    lenient = dynamic and not HOSTS.search(playbook.read_text(encoding="utf-8"))
    return {} if lenient or empty or COMPLETE in os.environ else {COMPLETE: "True"}


def _one(path: Path, name: str) -> Path:
    """Return a path that means one deployment."""
    if path.parent == path:
        raise BadInput(f"`{name}` is no inventory, but the whole file system; name one deployment.")
    if path.is_dir():
        below = _below(path)
        apart = [one for one in below if not (path / "group_vars").is_dir() or any(_has(one, v) for v in VARIABLES)]
        project = [part for part in PROJECT if (path / part).exists()]
        if project or apart:
            which = [f"{name.rstrip('/')}/{one.name}" for one in below] or _candidates(path)
            listed = f" There are: {', '.join(sorted(which))}." if which else ""
            raise BadInput(f"`{name}` is no inventory, but a directory that holds others; name one of them.{listed}")
        inner = [one for one in path.iterdir() if one.is_dir() and not one.name.startswith(".")]
        if deeper := [f"{name.rstrip('/')}/{one.name}" for one in inner if _below(one)]:
            raise BadInput(f"`{name}` is no inventory, but holds others, below {', '.join(sorted(deeper))}; name one.")
        if inner and not _looks_like_one(path) and not (path / "hosts").exists():
            raise BadInput(f"`{name}` is no inventory: no file in it names hosts.{_known(Path(name))}")
    elif not path.is_file() and not path.is_fifo():
        raise BadInput(f"`{name}` is no inventory: it is neither a file nor a directory.")
    return path


def _has(path: Path, part: str) -> bool:
    return (path / part).is_dir()


def _below(path: Path) -> list[Path]:
    """Return the directories in one that are inventories of their own."""
    with suppress(OSError):
        inner = sorted(one for one in path.iterdir() if one.is_dir() and one.name not in VARIABLES)
        return [one for one in inner if not one.name.startswith(".") and _looks_like_one(one)]
    return []


def _looks_like_one(path: Path) -> bool:
    """Return whether a path looks like an inventory, for lists of what there is."""
    try:
        if path.is_dir():
            inside = [one for one in path.iterdir() if one.is_file() and not IGNORED.search(one.name)]
            project = any((path / part).exists() for part in PROJECT)
            return not project and (any(_has(path, part) for part in VARIABLES) or any(map(_looks_like_one, inside)))
        if IGNORED.search(path.name) or path.suffix not in ("", ".ini", ".yml", ".yaml"):
            return False
        if not path.is_file() or not 0 < path.stat().st_size < LARGEST:  # a file of the kernel may never end
            return False
        signs = MAPPED if path.suffix in (".yml", ".yaml") else HEADED
        return bool(signs.search(_beginning(path)))
    except OSError:
        return False


def _beginning(path: Path) -> str:
    with path.open(errors="replace", encoding="utf-8") as file:
        return file.read(LARGEST)


def _candidates(place: Path) -> list[str]:
    """Return the inventories that lie in a directory, and in its `inventory`."""
    found: list[str] = []
    if place.resolve().parent == place.resolve():  # which holds the kernel's files
        return found
    with suppress(OSError):
        shown = [one for one in place.iterdir() if one.name != "inventory" and not one.name.startswith(".")]
        found += [one.name for one in shown if _looks_like_one(one)]  # git's own `config` looks like one, too
    return found + [f"inventory/{one.name}" for one in _below(place / "inventory")]


def _known(wanted: Path) -> str:
    """Return a sentence on what might have been meant."""
    places = [Path(), COLLECTION_ROOT]
    siblings: set[str] = set()
    for place in places:
        with suppress(OSError, ValueError):
            siblings.update(_candidates((place / wanted).parent))
    if not siblings and wanted.parent != Path():
        wanted = Path(wanted.name)
        siblings = {name for place in places for name in _candidates(place)}
    return nearest_or_all(wanted.name, siblings)


def _sources(inventory: Path) -> Iterator[Path]:
    """Yield the files that Ansible reads for hosts."""
    if inventory.is_dir():
        with suppress(OSError):
            for path in sorted(inventory.iterdir()):
                if path.is_file() and not IGNORED.search(path.name):
                    yield path
    elif inventory.is_file():
        yield inventory


def _judge(path: Path, text: str) -> None:
    """Refuse a file that is no YAML."""
    if len(text) >= LARGEST:
        return
    try:
        for _ in yaml.parse(text, Loader=yaml.SafeLoader):
            pass
    except yaml.YAMLError as error:
        raise BadInput(f"The inventory cannot be read: {' '.join(str(error).split())}, in {path}.") from None
    except RecursionError:
        raise BadInput(f"The inventory cannot be read: {path} is nested too deeply.") from None


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}…"
