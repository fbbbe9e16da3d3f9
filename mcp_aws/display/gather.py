"""Puts together what many hosts say of the same task, so that three hundred of them make one line."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass, replace

FIRST = 3  # failures of a task that are told at once, before the rest is counted


@dataclass(frozen=True)
class Note:
    """What stays on the screen: a `phase`, a `change`, a `warning`, or a task `failed`, `ignored` or `unreachable`."""

    kind: str
    hosts: tuple[str, ...] = ()
    role: str = ""
    task: str = ""
    text: str = ""


class Gather:
    """Holds back what more hosts may say in the same words."""

    def __init__(self) -> None:
        self._held: dict[Note, list[str]] = {}  # the note without its hosts
        self._shown: dict[Note, int] = {}

    def take(self, note: Note, crowd: int) -> list[Note]:
        """Return what can be told at once.

        :param note: of one host.
        :param crowd: the hosts that the task is known to work on.
        """
        [host] = note.hosts
        alike = replace(note, hosts=(), text=note.text.replace(host, ""))
        shown = self._shown.setdefault(alike, 0)
        if crowd <= 1 or (note.kind != "change" and shown < FIRST):
            self._shown[alike] += 1
            return [note]
        self._held.setdefault(alike, []).append(host)
        return []

    def rest(self) -> list[Note]:
        """Return what was held back, now that the task is over."""
        found = [replace(note, hosts=tuple(hosts)) for note, hosts in self._held.items()]
        self._held.clear()
        self._shown.clear()
        return found
