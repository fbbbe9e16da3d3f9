"""The collection's own modules, from the directory whose playbooks run; no other copy of it could fit better."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from mcp_aws.location import COLLECTION_ROOT

PACKAGE = "ansible_collections.mcp.aws"


def module(name: str) -> Any:
    """Return a module of `plugins/module_utils`, which may import others of it by their full names.

    In a program that knows another copy under these names already, that copy answers, as for any import of Python.
    """
    if PACKAGE not in sys.modules:
        importlib.import_module("ansible_collections")  # a namespace that comes with Ansible
        for package, path in (("ansible_collections.mcp", COLLECTION_ROOT.parent), (PACKAGE, COLLECTION_ROOT)):
            sys.modules[package] = ModuleType(package)
            sys.modules[package].__path__ = [str(path)]
    return importlib.import_module(f"{PACKAGE}.plugins.module_utils.{name}")
