"""Words that messages share: numbers with their nouns, and what was probably meant."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def count(number: int, noun: str) -> str:
    """Return `1 host`, `2 hosts`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def nearest(wrong: str, right: Iterable[str]) -> str:
    """Return a sentence that names the nearest right word; empty when none is near."""
    match = get_close_matches(wrong, list(right), n=1)
    return f" Did you mean `{match[0]}`?" if match else ""


def nearest_or_all(wrong: str, right: Iterable[str]) -> str:
    """Return a sentence that names the nearest right word, else all of them."""
    known = sorted(right)
    return nearest(wrong, known) or f" There are: {', '.join(known) or 'none'}."
