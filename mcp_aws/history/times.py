"""Days and times as people write them, in this machine's time zone."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches

from mcp_aws.errors import BadInput

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def day_of(text: str, today: date | None = None) -> date:
    """Return the day that a text means; the name of a weekday means the last one, today included.

    :raises BadInput: when it means none.
    """
    today, word = today or datetime.now().astimezone().date(), text.strip().lower()
    if word in ("today", "yesterday"):
        return today - timedelta(days=word == "yesterday")
    if word in DAYS:
        return today - timedelta(days=(today.weekday() - DAYS.index(word)) % 7)
    try:
        return date.fromisoformat(word)
    except ValueError:
        near = get_close_matches(word, [*DAYS, "today", "yesterday"], n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        known = "a date as 2026-11-24, a weekday as tuesday, today or yesterday"
        raise BadInput(f"`{text}` is no day.{hint} Give {known}.") from None


def begin_of(day: date) -> datetime:
    """Return the midnight that a day begins with; its offset is that day's, whatever summer time does today."""
    try:
        moment = datetime.combine(day, time()).astimezone()
        moment.astimezone(UTC)
    except (OverflowError, ValueError):
        raise BadInput(f"`{day}` is no day that a clock can say.") from None
    return moment


def moment_of(text: str, now: datetime | None = None) -> datetime:
    """Return the moment that a text means: so long ago (`90m`, `12h`, `7d`, `2w`), a time, or the begin of a day.

    :raises BadInput: when it means none.
    """
    now = now or datetime.now().astimezone()
    if ago := re.fullmatch(r"(\d{1,5})([mhdw])", text.strip()):
        try:
            return now - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        except OverflowError:
            raise BadInput(f"`{text}` ago is before all calendars.") from None
    if "T" in text:
        try:
            moment = datetime.fromisoformat(text).astimezone()
            moment.astimezone(UTC)
            return moment
        except (ValueError, OverflowError):
            raise BadInput(f"`{text}` is no time. Give one as 2026-11-24T18:00, or 12h, 7d, tuesday.") from None
    try:
        return begin_of(day_of(text, now.date()))
    except BadInput as error:
        raise BadInput(f"{str(error)[:-1]}, or how long ago as 90m, 12h, 7d, 2w.") from None
