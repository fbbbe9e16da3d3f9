"""The signals that ask the command line to end: at once while nothing runs, by cancelling once something does."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import signal
from types import FrameType, TracebackType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal came while there was nothing to cancel."""


class Signals:
    """What came. One that is ignored, as in the background of a shell or under nohup, stays so."""

    def __init__(self) -> None:
        self.came = 0
        self.noted = False  # whether somebody looks at `came`, so that nothing has to be raised
        self._usual: dict[int, object] = {}

    def __enter__(self) -> Signals:
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._usual[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, usual in self._usual.items():
            signal.signal(number, usual)  # type: ignore[arg-type]

    @property
    def status(self) -> int:
        """The exit status that says which signal it was."""
        return 128 + self.came

    def _take(self, number: int, _frame: FrameType | None) -> None:
        first, self.came = not self.came, self.came or number
        if first and not self.noted:
            raise Interrupted
