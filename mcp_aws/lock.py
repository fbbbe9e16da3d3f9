"""One run at a time on a stack, together with ansible-playbook itself: the collection's own lock."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mcp_aws.collection import module
from mcp_aws.errors import Locked

stack_lock = module("run.stack_lock")


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
