"""How far a run is and how long the rest takes, learnt from earlier runs of the same verb."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

AHEAD = 40  # tasks; a name that is known only from further on is another task of the same name


class Progress:
    """Follows the tasks of a run along those of earlier runs.

    :param expected: tasks in their order, each with the seconds it takes on the clock.
    """

    def __init__(self, expected: Sequence[tuple[str, float]]) -> None:
        self._names = [name for name, _seconds in expected]
        self._seconds = [max(seconds, 0.0) for _name, seconds in expected]
        self._total = sum(self._seconds)
        self._place = -1
        self._since: datetime | None = None

    def start(self, role: str, task: str, now: datetime) -> None:
        """Take note that a task begins; one that earlier runs did not have changes nothing."""
        wanted = (f"{role}/{task}", task) if role else (task,)
        for place in range(self._place + 1, min(self._place + 1 + AHEAD, len(self._names))):
            if self._names[place] in wanted:
                self._place, self._since = place, now
                return

    def left(self, now: datetime) -> float | None:
        """Return the seconds that the rest will take, None when no earlier run tells."""
        if not self._total:
            return None
        rest = sum(self._seconds[self._place + 1 :])
        if self._place < 0 or self._since is None:
            return rest
        return rest + max(0.0, self._seconds[self._place] - (now - self._since).total_seconds())

    def fraction(self, now: datetime) -> float | None:
        """Return how much is done, between 0 and 1; None when no earlier run tells."""
        left = self.left(now)
        return None if left is None else 1 - left / self._total
