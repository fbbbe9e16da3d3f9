"""The tables that some playbooks end with: the criteria of a verdict, the versions on each host."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from mcp_aws.collection import module
from mcp_aws.display import versions
from mcp_aws.outcome import Outcome
from mcp_aws.text import safe
from mcp_aws.verdicts import Verdict, Versions
from mcp_aws.verdicts.reading import typed

CODES = {"green": 32, "red": 31, "yellow": 33, "cyan": 36, "bright blue": 94, "dark gray": 90}


def tables(run: Outcome, width: int) -> Iterator[Text]:
    """Yield the lines of what a run published, as far as it fits and is what its schema says."""
    verdict = module("health.verdict")
    judged = typed(run.published.get("verdict"))
    if isinstance(judged, Verdict) and width >= verdict.NARROW:
        whole = judged.as_dict() | {"skipped": _skipped(run.published["verdict"])}
        yield from _lines(verdict.table(_clean(whole), width, _paint))
        yield Text("")
    published = typed(run.published.get("versions"))
    for host, found in (published.as_dict()["hosts"] if isinstance(published, Versions) else {}).items():
        try:
            table = versions.table(_clean(host), _clean(found), datetime.now(UTC), width, _paint)
        except (KeyError, TypeError, ValueError, AttributeError):  # a lock or a record of another shape
            continue
        yield from _lines(table)
        yield Text("")


def _skipped(judged: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what was not measured, as far as it says why."""
    listed = judged.get("skipped")
    known = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    names = ("section", "title", "skipped", "limit")
    return [{"host": str(one.get("host") or "")} | {name: str(one.get(name, "")) for name in names} for one in known]


def _clean(value: Any) -> Any:
    """Return a value whose texts do nothing to a terminal, wherever they came from."""
    if isinstance(value, str):
        return " ".join(safe(value).split("\n"))
    if isinstance(value, dict):
        return {_clean(name): _clean(one) for name, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, list) else value


def _lines(table: str) -> list[Text]:
    return list(Text.from_ansi(table.lstrip("\n")).split("\n", allow_blank=True))


def _paint(text: str, colour: str) -> str:
    return f"\x1b[{CODES.get(colour, 39)}m{text}\x1b[39m"
