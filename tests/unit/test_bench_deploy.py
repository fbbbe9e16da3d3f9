"""What the benchmark of deploys makes of what it measured."""

from __future__ import annotations

from typing import Any

import pytest

from bench.deploy import measured, report
from bench.deploy.load import LIMITS, messages
from bench.deploy.measured import Request, Run, Stream, Switch, Turn

DEPLOY = Turn("deploy", 1, "2", began=100, ended=130)
SWITCH = Switch(after=110, before=110.2)


def asked(began: float, version: str = "", seconds: float = 0.1, problem: str = "") -> Request:
    return Request(began, began + seconds, "initialize", version, problem)


def run(**changed: Any) -> Run:
    told = [asked(50, "1"), asked(110, "1"), asked(110.1, "2"), asked(120, "2")]
    turns = [Turn("rest", 1, "", 0, 90), DEPLOY, Turn("peer", 1, "2", 140, 150), Turn("rollback", 1, "1", 160, 190)]
    back = [asked(161, "2"), asked(164.9, "1")]
    values: dict[str, Any] = {
        "turns": turns,
        "requests": told + back,
        "streams": [],
        "peer": [asked(145, "2")],
        "drain": 10,
        "opened": 4,
    }
    return Run(**(values | changed))


def test_switch_lies_between_the_last_old_answer_and_the_first_new_one() -> None:
    requests = [asked(99, "1"), asked(105, "1"), asked(106, "2"), asked(107), asked(131, "3")]
    assert measured.switch(DEPLOY, requests) == Switch(105, 106.1)


def test_old_answer_that_is_overtaken_belongs_to_the_time_before() -> None:
    requests = [asked(105, "1"), asked(105.9, "2"), asked(105.95, "1", seconds=3), asked(108, "1")]
    assert measured.switch(DEPLOY, requests) == Switch(105.95, 106.0)


def test_version_that_never_answers_has_no_switch() -> None:
    assert measured.switch(DEPLOY, [asked(105, "1"), asked(90, "2")]) is None


@pytest.mark.parametrize(
    ("opened", "ended", "is_cut"),
    [
        (50, 105, True),  # before anything was switched
        (50, 119.9, True),
        (50, 120, False),
        (50, 300, False),
        (115, 300, True),  # of the new slot, from which nothing has been switched away
        (110.1, 120.5, False),  # the answer that tells of the switch was still under way
    ],
)
def test_stream_is_cut_before_the_deadline_of_its_slot(opened: float, ended: float, is_cut: bool) -> None:
    assert measured.cut(Stream("WebSocket", opened, ended, ""), [SWITCH], 10) is is_cut


def test_good_run_keeps_what_was_wanted() -> None:
    judged = report.judgment(run(), deploys=1)
    assert [kept for _, kept in judged] == [True, True, True, True, True], judged
    assert "Compose until healthy: 1.02" in judged[3][0]
    assert "deploy/Compose: first answers 2.00, commands 3.00 with our 10 s for streams" in report.table(run())
    assert list(report.troubles(run())) == []


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({"requests": [*run().requests, asked(112, problem="HTTP 503")]}, "failed requests: 1"),
        ({"streams": [Stream("WebSocket", 50, 112, "closed with 1012")]}, "streams cut before the deadline: 1"),
        ({"turns": [DEPLOY, Turn("peer", 1, "2", 140, 145)]}, "deploy until it answers/Compose until healthy: 2.04"),
        ({"requests": [asked(110, "2"), asked(171, "1")]}, "slowest rollback until the old version answers: 11.1 s"),
        ({"requests": [asked(110, "1"), asked(161, "1")]}, "each version answers: 0 of 1 deploys"),
    ],
)
def test_what_was_missed_is_named(changed: dict[str, Any], missed: str) -> None:
    judged = report.judgment(run(**changed), deploys=1)
    assert any(said.startswith(missed) for said, kept in judged if not kept), judged


def test_trouble_is_told_with_its_moment() -> None:
    lost = asked(112, problem="HTTP 503")
    told = run(requests=[*run().requests, lost], streams=[Stream("WebSocket", 50, 95, "broken off")])
    assert list(report.troubles(told)) == [
        "  between the turns: cut: WebSocket, open for 45.0 s: broken off",
        "  deploy 1 +12.0 s: failed: initialize: HTTP 503",
    ]


def test_figures_are_those_of_their_turns() -> None:
    slow = asked(125, seconds=0.7)
    lines = {line[:22].strip(): line[22:].split() for line in report.table(run(requests=[*run().requests, slow]))}
    assert lines["at rest"] == ["1", "0", "100", "ms", "100", "ms", "100", "ms"]
    assert lines["while deploying"] == ["4", "0", "100", "ms", "700", "ms", "700", "ms"]


def test_each_client_asks_every_question() -> None:
    pairs = {(number % len(LIMITS), number % len(messages())) for number in range(len(LIMITS) * len(messages()))}
    assert len(pairs) == len(LIMITS) * len(messages())
