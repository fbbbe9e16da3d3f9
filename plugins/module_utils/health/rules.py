"""Health checks: rules over measured facts. The rules themselves lie beside this file, by where their facts come from.

Facts come in parts, as a gathering module returned them. A part is whatever was measured, or `{"error": "why not"}`
when measuring failed, or `{"skipped": "why"}` when it was not tried. A part that is missing counts as failed: no rule
can turn green without a measurement.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Judgement = tuple[bool, str]  # green?, and the measured value in words
Check = dict[str, Any]
MEASURED_LENGTH = 200


@dataclass(frozen=True)
class Rule:
    """One check: which part of the facts it reads, what is allowed, and where to look when it is red."""

    section: str
    id: str
    title: str
    part: str
    limit: str
    hint: str
    judge: Callable[[Any], Judgement]


def examine(rules: Iterable[Rule], facts: Mapping[str, Any], host: str = "") -> list[Check]:
    """Apply rules to facts; a rule that cannot be applied is red and says why."""
    return [_check(rule, facts.get(rule.part, {"error": "not measured"}), host) for rule in rules]


def combine(facts: Mapping[str, Any], *parts: str) -> dict[str, Any]:
    """Return several parts as one, or the first of them that was not measured."""
    for part in parts:
        value = facts.get(part, {"error": "not measured"})
        if isinstance(value, Mapping) and ("error" in value or "skipped" in value):
            return dict(value)
    return {part: facts[part] for part in parts}


def _check(rule: Rule, part: Any, host: str) -> Check:
    check: Check = {key: getattr(rule, key) for key in ("id", "section", "title", "limit", "hint")}
    if host:
        check["host"] = host
    problem = part if isinstance(part, Mapping) else {}
    if "skipped" in problem:
        return check | {"skipped": str(problem["skipped"])}
    if "error" in problem:
        return check | {"ok": False, "measured": one_line(problem["error"])}
    try:
        ok, measured = rule.judge(part)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        ok, measured = False, f"unexpected answer: {error!r}"
    return check | {"ok": bool(ok), "measured": one_line(measured)}


def facts_of(result: Mapping[str, Any], parts: Iterable[str]) -> dict[str, Any]:
    """Return the facts in a task's result; a task that failed or never ran gives its reason for every part."""
    if isinstance(result.get("measured"), Mapping):
        return dict(result["measured"])
    if result.get("skipped"):
        reason = {"skipped": str(result.get("msg") or "switched off by a variable")}
    else:
        word = "unreachable" if result.get("unreachable") else "failed"
        reason = {"error": f"{word}: {str(result.get('msg') or 'no answer').rpartition('over ssh: ')[2]}"}
    return {part: dict(reason) for part in parts}


def one_line(text: object) -> str:
    """Return text on one line, cut where it grows too long for a table."""
    words = " ".join(str(text).split())
    return words if len(words) <= MEASURED_LENGTH else words[: MEASURED_LENGTH - 1] + "…"


def join(values: Iterable[object], nothing: str = "none") -> str:
    """Return values as a list in words."""
    return ", ".join(str(value) for value in values) or nothing
