"""Where a display writes: what stays goes up, what changes is at the foot. A pipe has no foot and no colours."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from mcp_aws.text import CONTROLS, safe

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"  # the cursor
BREAKS = str.maketrans("\n\t", "  ")
# One column each, as what they stand for.
ASCII = str.maketrans("✔✘━─…·", "+x=-~-")


class Screen:
    """A stream, as a person sees it.

    :param plain: write as to a pipe, whatever it is.
    """

    def __init__(self, stream: TextIO, environment: Mapping[str, str], *, plain: bool = False) -> None:
        terminal = stream.isatty() and environment.get("TERM", "dumb") not in ("", "dumb", "unknown")
        self.live = terminal and not plain
        self.unicode = _speaks_unicode(stream, environment)
        self._stream = stream
        self._console = Console(
            file=stream,
            force_terminal=self.live,
            color_system="auto" if self.live else None,
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
            _environ=environment,
        )
        self._foot: list[int] = []  # the columns that each line there takes
        self._gone = False  # nobody reads any more, as after `| head`

    @property
    def width(self) -> int:
        """The columns that there are now."""
        return self._size().columns

    def print_lines(self, lines: Iterable[Text]) -> None:
        """Write lines that stay, above the foot, which has to be drawn again."""
        shown = list(lines)
        if shown:
            self._write(self._erase() + "".join(self._ansi(line) + "\n" for line in shown))

    def stream(self, text: str) -> None:
        """Write a text as it came, with its colours, but without what would move the cursor."""
        text = safe(text, coloured=True)
        encoding = self._stream.encoding or "utf-8"
        self._write(self._erase() + text.encode(encoding, "replace").decode(encoding))

    def draw(self, lines: list[Text]) -> None:
        """Draw the foot anew; its lines have to be narrower than the screen."""
        if not self.live:
            return
        shown = lines[: max(self._size().lines - 1, 1)]
        begin = self._erase() if self._foot else HIDE
        self._foot = [cell_len(line.plain) for line in shown]
        self._write(begin + "\n".join(map(self._ansi, shown)))

    def close(self) -> None:
        """Take the foot away and give the cursor back."""
        if self.live:
            self._write(self._erase() + SHOW)

    def _erase(self) -> str:
        """Return what takes the foot away, and forget it. A narrower screen has broken its lines by now."""
        if not self._foot:
            return ""
        width = max(self.width, 1)
        rows = sum(max(1, -(-columns // width)) for columns in self._foot)
        self._foot = []
        return "\r" + (f"\x1b[{rows - 1}A" if rows > 1 else "") + "\x1b[J"

    def _ansi(self, line: Text) -> str:
        """Return a line as this stream takes it; what a host says must not move the cursor."""
        line = line.copy()
        line.plain = self._printable(line.plain)
        if not self.live:
            return line.plain
        with self._console.capture() as captured:
            self._console.print(line, soft_wrap=True, end="")
        return captured.get()

    def _printable(self, text: str) -> str:
        text = CONTROLS.sub(" ", text).translate(BREAKS)  # as long as before: colours go by places
        return text if self.unicode else text.translate(ASCII).encode("ascii", "replace").decode()

    def _size(self) -> os.terminal_size:
        with suppress(OSError, ValueError):
            size = os.get_terminal_size(self._stream.fileno())
            if size.columns:
                return size
        return shutil.get_terminal_size()

    def _write(self, text: str) -> None:
        """Write at once. A reader that went away ends the words, not the run."""
        if self._gone:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # a broken pipe, a closed terminal
            self._gone = True
            abandon(self._stream)


def abandon(stream: TextIO) -> None:
    """Send what a stream still holds to nowhere, so that Python does not complain at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def open_streams() -> None:
    """Make both outputs take every text, also where they were closed: what is opened later must not become one."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115
        with suppress(AttributeError):  # a test's own
            getattr(sys, name).reconfigure(errors="backslashreplace")


def _speaks_unicode(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Return whether both Python and the terminal take it; Python alone takes it also where the locale is C."""
    locale = next(filter(None, map(environment.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "")
    return "utf" in (stream.encoding or "").lower() and "utf" in locale.lower()
