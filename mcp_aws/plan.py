"""What a real run would do, as data and as lines for a person."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mcp_aws.changes import Change
from mcp_aws.run import Run
from mcp_aws.text import count

DIFFERENCES = 12  # lines shown of one change; all of them are in the data
CONTROL_NODE = ("localhost", "aws-")  # hosts that stand for the control node, and so need not be named


@dataclass(frozen=True)
class Plan:
    """What a real run of `run.playbook` would do to the deployment `name`.

    `changes` are in the order in which a real run makes them; `unpredicted` are sentences on what only a real run can
    tell; `run` is the run in check mode that found out.
    """

    name: str
    changes: tuple[Change, ...]
    unpredicted: tuple[str, ...]
    run: Run

    @classmethod
    def of(cls, run: Run, name: str) -> Plan | None:
        """Return the plan that a run in check mode found, or None when it did not get to its end.

        A host that nobody can reach and a red verdict are no failures where there are changes that may mend them.
        """
        if run.status not in ("successful", "failed"):  # it was ended
            return None
        lost = [
            f"what changes on {host}, which cannot be reached" for host, stats in run.hosts.items() if stats.unreachable
        ]
        red = [check.title for check in run.outcome.red]
        failed = sum(stats.failed for stats in run.hosts.values()) - bool(red)  # a red verdict fails one task, the last
        if not run.ok and (failed or not run.changes or not (lost or red)):
            return None
        doubts = [*lost, *([f"whether this cures what is red: {', '.join(red)}"] if red else [])]
        sentences = [f"Only a real run can tell {doubt}." for doubt in doubts]
        return cls(name, run.changes, (*run.unpredicted, *sentences), run)

    @property
    def drift(self) -> bool:
        """Whether a real run would change anything."""
        return bool(self.changes)

    @property
    def headline(self) -> str:
        """The plan in one line, for example `plan lab: 3 changes, 1 thing only a real run can tell`."""
        parts = [count(len(self.changes), "change") if self.drift else "no changes"]
        if self.unpredicted:
            parts.append(f"{count(len(self.unpredicted), 'thing')} only a real run can tell")
        return f"plan {self.name}: {', '.join(parts)}"

    def lines(self, width: int) -> Iterator[str]:
        """Yield the changes by role, what cannot be predicted, and the headline."""
        roles = list(dict.fromkeys(change.role for change in self.changes))
        column = max(map(len, roles), default=0) + 2
        for role in roles:
            heads = itertools.chain([role], itertools.repeat(""))
            for change, head in zip([change for change in self.changes if change.role == role], heads, strict=False):
                yield from _wrapped(_words(change), width, f"{head:<{column}}", " " * (column + 2))
                for line in _shortened(change.diff.splitlines()):
                    yield from _wrapped(line, width, " " * (column + 2), " " * (column + 4))
        for sentence in self.unpredicted:
            yield from _wrapped(sentence, width, "? ", "  ")
        yield self.headline

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as plain values that JSON takes."""
        known = self.run.as_dict()
        return {
            "plan": self.name,
            "drift": self.drift,
            "changes": known["changes"],
            "unpredicted": list(self.unpredicted),
            "duration": known["duration"],
            "artifacts": known["artifacts"],
        }

    def __str__(self) -> str:
        return "\n".join(self.lines(shutil.get_terminal_size().columns))


def _words(change: Change) -> str:
    """Return what changes, and where unless it is on the control node."""
    where = "" if change.host.startswith(CONTROL_NODE) else f" on {change.host}"
    return f"{change.task}{where}" + (f": {change.item}" if change.item else "")


def _shortened(lines: list[str]) -> list[str]:
    """Return lines, or the first of many and how many more there are."""
    more = len(lines) - DIFFERENCES
    return [*lines[:DIFFERENCES], f"({count(more, 'more line')})"] if more > 1 else lines


def _wrapped(text: str, width: int, first: str, other: str) -> list[str]:
    """Return a text in lines that fit; blanks at its beginning stay."""
    width = max(width, len(other) + 20)
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=other, break_on_hyphens=False)
