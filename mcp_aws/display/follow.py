"""Follows a run to its end and shows it. Events come through a queue, so that the display moves also between them."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from mcp_aws.display.state import State
from mcp_aws.display.views import Quiet
from mcp_aws.events import Event
from mcp_aws.run import Run

TICK = 0.1  # seconds between two drawings
WAITING = 1000  # events; more wait in their file
CANCELLING = "Cancelling: what is at work is being ended, which takes up to five seconds."


def follow(
    run: Run, view: Quiet, asked_to_end: Callable[[], bool], expected: Sequence[tuple[str, float]] = ()
) -> State:
    """Show a run until it has ended; return what its events told.

    :param asked_to_end: whether somebody wants it cancelled.
    :param expected: tasks and their seconds in earlier runs.
    """
    state = State(run.verb, run.started, expected)
    events: queue.Queue[Event | None] = queue.Queue(WAITING)
    threading.Thread(target=_read, args=(run, events), daemon=True).start()
    try:
        while _take(events, state, view):
            if asked_to_end() and not state.cancelling:
                state.cancelling = True
                view.print_line(CANCELLING)
                run.cancel(wait=False)
            view.tick(state, datetime.now(UTC))
        view.take(state.rest())
    finally:
        view.close()
    return state


def _read(run: Run, events: queue.Queue[Event | None]) -> None:
    """Put every event into the queue, and None after the last."""
    try:
        for event in run:
            events.put(event)
    finally:
        events.put(None)


def _take(events: queue.Queue[Event | None], state: State, view: Quiet) -> bool:
    """Take what has come, waiting a moment for it; return whether there will be more."""
    try:
        event = events.get(timeout=TICK)
        for _ in range(WAITING):
            if event is None:
                return False
            view.print(event)
            view.take(state.take(event))
            event = events.get_nowait()
    except queue.Empty:
        pass
    return True
