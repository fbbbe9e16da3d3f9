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
    """A variable that carries a role's prefix but is none of its options."""

    name: str
    role: str
    nearest: str | None

    def explain(self, where: str) -> str:
        """Say what is wrong, where it was written and what to do about it."""
        remedy = f"did you mean `{self.nearest}`?" if self.nearest else "remove it."
        return (
            f"`{self.name}` ({where}) is not a variable of role `{self.role}`: {remedy}"
            f" All of them are listed in roles/{self.role}/README.md."
        )


def options(argument_specs: Mapping[str, Any]) -> frozenset[str]:
    """Return the option names of all entry points in the content of a `meta/argument_specs.yml`."""
    entry_points = (argument_specs.get("argument_specs") or {}).values()
    return frozenset(name for entry in entry_points for name in (entry or {}).get("options") or {})


def owner(name: str, roles: Iterable[str]) -> str | None:
    """Return the role whose prefix the name carries; the longest wins, so `log_rotation_x` is never role `log`'s."""
    return max((role for role in roles if name.startswith(f"{role}_")), key=len, default=None)


def nearest(name: str, role: str, known: Iterable[str]) -> str | None:
    """Return the role's option that looks most like this name, or None when none does.

    The prefix is left out of the comparison, or else every option of a long-named role would look alike.
    """
    rests = {option.removeprefix(f"{role}_"): option for option in sorted(known)}
    match = get_close_matches(name.removeprefix(f"{role}_"), rests, n=1)
    return rests[match[0]] if match else None


def unknown(names: Iterable[str], known: Mapping[str, frozenset[str]], roles: Iterable[str]) -> list[Unknown]:
    """Find names that no role knows.

    :param names: variable names to judge.
    :param known: role to its option names, for the roles to be checked.
    :param roles: every role there is; a name that belongs to one outside `known` is not judged.
    """
    every = frozenset(roles) | known.keys()
    judged = ((name, owner(name, every)) for name in sorted(names))
    return [
        Unknown(name, role, nearest(name, role, known[role]))
        for name, role in judged
        if role and role in known and name not in known[role] and name != f"{role}_{STATE}"
    ]
