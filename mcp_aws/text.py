"""Texts that messages share: safe for a terminal, numbers with their nouns, the nearest name."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

# What moves the cursor, speaks to the terminal or turns the direction of writing.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]")
SEQUENCES = re.compile(r"(\x1b\[[\d;]*m)|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]{0,1000}(?:\x07|\x1b\\)")


def safe(text: str, *, coloured: bool = False) -> str:
    """Return a text that a terminal shows and does nothing else about; lines and tabs stay.

    :param coloured: colours stay, too.
    """
    parts = SEQUENCES.split(text)  # between two pieces of text stands a colour, or None for another sequence
    parts[::2] = [CONTROLS.sub(" ", part) for part in parts[::2]]
    parts[1::2] = [(part or "") if coloured else "" for part in parts[1::2]]
    return "".join(parts)


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
