"""Which variables roles know: pure functions over argument specs and names."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

STATE = "state"  # `<role>_state` is what a role tells other roles; it is nobody's input


@dataclass(frozen=True)
class Unknown:
    """A variable that begins with an owner's name, a role's mostly, but is none of the owner's variables."""

    name: str
    owner: str
    nearest: str | None

    def explain(self, written: str, listed: str) -> str:
        """Say in one line what is wrong, where it was written, what to do about it and where the right names are."""
        remedy = f"did you mean `{self.nearest}`?" if self.nearest else "remove it."
        return f"`{self.name}` ({written}) is not a variable of `{self.owner}`: {remedy} All of them: {listed}."


def options(argument_specs: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the options of all entry points in the content of a `meta/argument_specs.yml`, by name."""
    entry_points = (argument_specs.get("argument_specs") or {}).values()
    return {name: option for entry in entry_points for name, option in ((entry or {}).get("options") or {}).items()}


def owner(name: str, owners: Iterable[str]) -> str | None:
    """Return whose prefix the name carries; the longest wins, so `log_rotation_x` is never `log`'s."""
    return max((each for each in owners if name.startswith(f"{each}_")), key=len, default=None)


def nearest(name: str, owner: str, known: Iterable[str]) -> str | None:
    """Return the owner's variable that looks most like this name, or None when none does.

    The prefix is left out of the comparison, or else every variable of a long-named role would look alike.
    """
    rests = {right.removeprefix(f"{owner}_"): right for right in sorted(known)}
    match = get_close_matches(name.removeprefix(f"{owner}_"), rests, n=1)
    return rests[match[0]] if match else None


def unknown(names: Iterable[str], known: Mapping[str, frozenset[str]], owners: Iterable[str]) -> list[Unknown]:
    """Find names that nobody knows.

    :param names: variable names to judge.
    :param known: owner to its variables, for the owners to be checked.
    :param owners: every owner there is; a name that belongs to one outside `known` is not judged.
    """
    every = frozenset(owners) | known.keys()
    judged = ((name, owner(name, every)) for name in sorted(names))
    return [
        Unknown(name, whose, nearest(name, whose, known[whose]))
        for name, whose in judged
        if whose and whose in known and name not in known[whose] and name != f"{whose}_{STATE}"
    ]
