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
  compiled:
    description:
      - Add compiled programs to the payloads that are kept. A task then takes a tenth of a second less of a processor
        of a host with the minor version of the control node's Python; another compiles the sources, as ever.
      - A payload has three times its size then, some 300 kB more for each task, and a traceback of a module shows no
        source lines.
    type: bool
    default: false
    env: [{name: MCP_AWS_PAYLOAD_COMPILED}]
    ini: [{section: callback_payload_cache, key: compiled}]
"""

import base64
import hashlib
import importlib.util
import io
import marshal
import os
import pickle
import shutil
import time
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.callback import CallbackBase
from ansible.release import __version__
from ansible.utils.collection_loader import AnsibleCollectionConfig

UNUSED_DAYS = 30
UNCHECKED = (1).to_bytes(4, "little")  # PEP 552: known by a hash of the source, which nobody compares


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


@cache
def compiled_program(name: str, text: bytes) -> bytes:
    """Return the content of a program's `.pyc`; most programs are in every payload."""
    code = marshal.dumps(compile(text, name, "exec", dont_inherit=True))
    return importlib.util.MAGIC_NUMBER + UNCHECKED + importlib.util.source_hash(text) + code


def compiled(archive: bytes) -> bytes:
    """Return a zip archive with the compiled form of each program beside it, which Python then takes."""
    source, output = zipfile.ZipFile(io.BytesIO(archive)), io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as target:
        for item in source.infolist():
            text = source.read(item)
            target.writestr(item, text)
            if item.filename.endswith(".py"):
                target.writestr(f"{item.filename}c", compiled_program(item.filename, text))
    return output.getvalue()


def compile_payloads(folder: Path) -> None:
    """Compile what is in each payload of a folder, once."""
    for path in folder.glob("*-ZIP_DEFLATED-none"):
        mark = path.with_name(f"{path.name}.compiled")
        if not mark.exists():
            payload = pickle.loads(path.read_bytes())  # noqa: S301 (Ansible's own file, which only this user can write)
            archive = base64.b64encode(compiled(base64.b64decode(payload.zip_data)))
            draft = path.with_name(f"{path.name}.{os.getpid()}")
            draft.write_bytes(pickle.dumps(replace(payload, zip_data=archive)))
            draft.replace(path)
            mark.touch()


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
            self._folder = Path(self.get_option("cache")).expanduser() / name
            share(Path(constants.DEFAULT_LOCAL_TMP), self._folder.parent, name)
        except OSError as error:
            self._display.vv(f"payload_cache: not used: {error}")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Compile what this run has built, for the next ones."""
        if not self.get_option("compiled"):
            return
        try:
            compile_payloads(self._folder)
        except (OSError, ValueError, TypeError, AttributeError, pickle.PickleError, zipfile.BadZipFile) as error:
            self._display.vv(f"payload_cache: not compiled: {error}")
