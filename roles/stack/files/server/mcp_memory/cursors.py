"""Opaque places in a listing: where the next page begins, whatever is written meanwhile."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime

from .errors import WrongCursor

START_OF_LATEST = ("infinity", "")
"""Before the latest memory: PostgreSQL's word for a time after all others."""


def after_entry(updated_at: datetime, key: str) -> str:
    """The place after an entry of a listing by time, the latest first."""
    return _pack(updated_at.isoformat(), key)


def read_entry(cursor: str) -> tuple[str, str]:
    """Time and key of `after_entry`; without a cursor the start.

    Raises:
        WrongCursor: it was not made by `after_entry`.
    """
    if not cursor:
        return START_OF_LATEST
    match _unpack(cursor):
        case [str(updated_at), str(key)]:
            try:
                if datetime.fromisoformat(updated_at).tzinfo:
                    return updated_at, key
            except ValueError:
                pass
    raise WrongCursor


def after_key(key: str) -> str:
    """The place after a key, in the order of keys."""
    return _pack(key)


def read_key(cursor: str) -> str:
    """The key of `after_key`; without a cursor the start.

    Raises:
        WrongCursor: it was not made by `after_key`.
    """
    if not cursor:
        return ""
    match _unpack(cursor):
        case [str(key)]:
            return key
    raise WrongCursor


def _pack(*parts: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def _unpack(cursor: str) -> object:
    try:
        unpacked = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise WrongCursor from None
    # PostgreSQL cannot store NUL, so no place has one.
    return unpacked if isinstance(unpacked, list) and not any("\0" in str(part) for part in unpacked) else None
