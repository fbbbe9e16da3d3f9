"""One run at a time on a stack, together with ansible-playbook itself: the collection's own lock."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from runs.errors import Locked
from runs.home import HOME


def _collection(name: str) -> ModuleType:
    """Return a module of the collection, which need not be importable by name here."""
    path = HOME / "plugins" / "module_utils" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"mcp_aws_{name}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


stack_lock = _collection("stack_lock")


@contextmanager
def locked(inventory: Path, verb: str, ident: str, *, check: bool, wait: float) -> Iterator[int]:
    """Yield the descriptor that holds the lock, which a supervisor then inherits, or -1 for what changes nothing.

    :raises Locked: when another run held it for `wait` seconds.
    """
    if not stack_lock.changes_things(verb, check):
        yield -1
        return
    try:
        descriptor: int = stack_lock.take(inventory, verb=verb, ident=ident, wait=wait)
    except stack_lock.Held as error:
        raise Locked(str(error), error.holder) from None
    try:
        yield descriptor
    except BaseException:
        stack_lock.release(descriptor)
        raise
    os.close(descriptor)  # the supervisor has it now


def keep(descriptor: int) -> None:
    """Say that this process is the one that holds an inherited lock."""
    if descriptor >= 0:
        stack_lock.hand_over(descriptor, os.getpid())


def release(descriptor: int) -> None:
    """Let the next run begin."""
    if descriptor >= 0:
        stack_lock.release(descriptor)
