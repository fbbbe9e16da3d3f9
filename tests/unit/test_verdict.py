"""The verdict: what makes it green, and how it looks on a terminal of 80 columns."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.health import verdict

WHEN = ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:09+00:00")


def check(name: str = "disk", ok: Any = True, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "section": "system",
        "title": name.capitalize(),
        "ok": ok,
        "measured": "41 %",
        "limit": "<= 85 %",
        "hint": "Look at `du -xh /`.",
        **more,
    }


def skipped(name: str, section: str = "operations") -> dict[str, Any]:
    entry = check(name, section=section, skipped="check mode")
    del entry["ok"], entry["measured"]
    return entry


def make(*checks: dict[str, Any], sections: tuple[str, ...] = ()) -> dict[str, Any]:
    return verdict.make("verify", "mcp-example", checks, *WHEN, sections)


@pytest.mark.parametrize(
    ("checks", "sections", "ok", "red"),
    [
        ([check()], [], True, []),
        ([check(), check("cpu", False)], [], False, ["cpu"]),
        ([], [], False, []),
        ([skipped("restart")], [], False, []),
        ([check(), skipped("restart")], ["system"], True, []),
        ([check()], ["system", "application"], False, ["application_measured"]),
        # Leaving out every check of a section is no way to be green.
        ([check(), skipped("restart")], ["system", "operations"], False, ["operations_measured"]),
    ],
)
def test_green_is_everything_measured_and_within_limits(
    checks: list[dict[str, Any]], sections: list[str], ok: bool, red: list[str]
) -> None:
    judged = make(*checks, sections=tuple(sections))
    assert judged["ok"] is ok
    assert [entry["id"] for entry in verdict.red(judged)] == red


def test_schema() -> None:
    judged = make(check())
    assert judged["schema"] == "mcp.aws/verdict/1"
    assert list(judged) == ["schema", "kind", "name", "ok", "started", "finished", "checks", "skipped"]
    assert list(judged["checks"][0]) == list(verdict.FIELDS)
    assert (judged["started"], judged["finished"]) == WHEN


@pytest.mark.parametrize("value", [None, "yes", 1])
def test_ok_is_true_or_false(value: object) -> None:
    with pytest.raises(ValueError, match="neither true nor false"):
        make(check(ok=value))


@pytest.mark.parametrize("field", verdict.FIELDS)
def test_a_check_is_complete(field: str) -> None:
    entry = check()
    del entry[field]
    with pytest.raises(ValueError, match=f"lacks {field}"):
        make(entry)


def test_sections_stand_in_their_order() -> None:
    judged = make(check("b", section="operations"), check("z", section="else"), check("a", section="infrastructure"))
    assert [entry["id"] for entry in judged["checks"]] == ["a", "b", "z"]


def test_table() -> None:
    shown = verdict.table(make(check(), check("cpu", False, measured="99 %"), skipped("restart")))
    assert shown.splitlines() == [
        "",
        "system",
        "  ✔ Disk                       41 %                          <= 85 %",
        "  ✘ Cpu                        99 %                          <= 85 %",
        "",
        "operations",
        "  - Restart                    check mode                    <= 85 %",
        "",
        "verify mcp-example: 1 of 2 green, 1 not measured",
        "",
        "✘ Cpu: 99 %",
        "  Look at `du -xh /`.",
    ]


@pytest.mark.parametrize(("terminal", "widest"), [(20, 80), (80, 80), (100, 100), (300, 120)])
def test_table_fits_the_terminal(terminal: int, widest: int) -> None:
    long = check("cpu", title="word " * 20, measured="figure " * 20, limit="limit " * 20)
    lines = verdict.table(make(long), terminal).splitlines()
    assert widest - 14 <= max(map(len, lines)) <= widest
    assert sum("figure" in line for line in lines) == verdict.CELL_LINES


def test_colours() -> None:
    shown = verdict.table(make(check(), check("cpu", False)), colour=lambda text, name: f"<{name}>{text}</>")
    assert "<green>✔</> Disk" in shown
    assert "<red>✘</> Cpu" in shown
    assert "<red>verify mcp-example: 1 of 2 green</>" in shown


def test_one_cause_is_told_once() -> None:
    sentence = "unreachable: no route to host"
    shown = verdict.table(make(check("cpu", False, measured=sentence), check(ok=False, measured=sentence)))
    assert shown.splitlines()[-2:] == [f"✘ Cpu, Disk: {sentence}", "  Look at `du -xh /`."]


def test_a_value_is_no_cause() -> None:
    shown = verdict.table(make(check("cpu", False, measured="none"), check(ok=False, measured="none")))
    assert shown.splitlines()[-5::3] == ["✘ Cpu: none", "✘ Disk: none"]


def test_hosts_are_named_when_there_are_several() -> None:
    one, two = check(host="one"), check("cpu", False, host="two")
    assert "[one]" not in verdict.table(make(one))
    assert "✘ Cpu [two]: 41 %" in verdict.table(make(one, two))
