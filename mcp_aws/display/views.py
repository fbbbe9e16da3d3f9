"""How much of a run is shown at work: a live foot, a line for each phase and change, Ansible's output, or nothing."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from mcp_aws.display.gather import Note
from mcp_aws.display.lines import foot, lasting
from mcp_aws.display.screen import Screen
from mcp_aws.display.state import State
from mcp_aws.events import Event
from mcp_aws.outcome import COLOUR

LONG = 3  # lines that a failure or a warning may take on a terminal, before the closing tells all of it
LONGEST = 300  # columns of a line on a pipe


class Quiet:
    """Shows nothing until the end."""

    def print(self, event: Event) -> None:
        """Show what Ansible printed for an event."""

    def take(self, notes: Sequence[Note]) -> None:
        """Show what stays."""

    def tick(self, state: State, now: datetime) -> None:
        """Show what is at work."""

    def print_line(self, text: str) -> None:
        """Show a sentence at once."""

    def close(self) -> None:
        """Take away what does not stay."""


class Plain(Quiet):
    """Shows a line for each phase, change, failure and warning.

    :param changes: False where a table of them comes at the end.
    """

    def __init__(self, screen: Screen, *, check: bool, changes: bool = True) -> None:
        self._screen, self._check = screen, check
        self._hidden = () if changes else ("change",)

    def take(self, notes: Sequence[Note]) -> None:
        """Show what stays."""
        lines = [(note.kind, lasting(note, check=self._check)) for note in notes if note.kind not in self._hidden]
        for kind, line in lines:
            line.truncate(self._most(kind), overflow="ellipsis")
        self._screen.print_lines(line for _kind, line in lines)

    def print_line(self, text: str) -> None:
        """Show a sentence at once."""
        self._screen.print_lines([Text(text, style="yellow")])

    def _most(self, kind: str) -> int:
        return LONGEST


class Live(Plain):
    """Shows in addition, at the foot of a terminal, what is at work and how long it will take."""

    def tick(self, state: State, now: datetime) -> None:
        """Draw the foot anew."""
        self._screen.draw([Text(""), *foot(state, now, self._screen.width)])

    def close(self) -> None:
        """Take the foot away."""
        self._screen.close()

    def _most(self, kind: str) -> int:
        lines = LONG if kind in ("failed", "unreachable", "warning") else 1
        return max(self._screen.width * lines - 1, 1)


class Verbose(Quiet):
    """Shows what Ansible prints, as it prints it."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def print(self, event: Event) -> None:
        """Show what Ansible printed for an event."""
        if event.output:
            text = event.output.replace("\r\n", "\n")
            self._screen.stream((text if self._screen.live else COLOUR.sub("", text)) + "\n")

    def print_line(self, text: str) -> None:
        """Show a sentence at once."""
        self._screen.print_lines([Text(text, style="yellow")])
