"""What the benchmark and the soak of the runner make of what they measured."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bench.runner import event_log, report
from bench.runner.event_log import EventLog
from bench.runner.interleave import Bare, ViaRunner
from bench.runner.soak.jobs import WAYS, Job, Outcome, draw, judge
from bench.runner.soak.leftovers import more
from bench.runner.soak.report import Soak
from mcp_aws.events import Event

BEGAN = datetime(2026, 11, 26, tzinfo=UTC)
RECAP = """PLAY RECAP *****
host0                      : ok=2    changed=0    unreachable=0    failed=0
host1                      : ok=2    changed=0    unreachable=0    failed=0
"""


def events(*told: tuple[str, str]) -> Iterator[Event]:
    for number, (kind, host) in enumerate(told, 1):
        yield Event(number, kind, BEGAN + timedelta(seconds=number), host=host)


def whole(hosts: int = 2, tasks: int = 2) -> list[tuple[str, str]]:
    told = [("playbook_on_start", ""), ("playbook_on_play_start", "")]
    for _ in range(tasks):
        told.append(("playbook_on_task_start", ""))
        for kind in ("runner_on_start", "runner_on_ok"):
            told += [(kind, f"host{number}") for number in range(hosts)]
    return [*told, ("playbook_on_stats", "")]


def through(**changed: Any) -> ViaRunner:
    counted = EventLog().took(events(*whole()))
    values: dict[str, Any] = {
        "seconds": 10.5,
        "playbook_seconds": 10.4,
        "library": 30000,
        "supervisor": 40000,
        "lines": len(whole()),
        "changed": 0,
        "kinds": counted.steady,
        "hosts": dict(counted.hosts),
        "recap": {"host0": 2, "host1": 2},
    }
    return ViaRunner(**(values | changed))


def many(pair: tuple[Bare, ViaRunner], **changed: Any) -> report.Many:
    few = through(kinds=event_log.expected(2, 1), lines=8)
    values: dict[str, Any] = {"hosts": 2, "few": 1, "many": 2, "pairs": [pair], "short": few, "slow": few, "handler": 1}
    return report.Many(**(values | changed))


def test_whole_run_is_accounted_for() -> None:
    counted = EventLog().took(events(*whole(3, 4)))
    assert counted.problems == []
    assert list(event_log.differences(counted.steady, event_log.expected(3, 4))) == []
    assert counted.hosts == {"host0": 4, "host1": 4, "host2": 4}


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda told: told[:3] + told[4:], "event 5 follows 3"),
        (lambda told: [*told[:3], told[2], *told[3:]], "event 3 follows 3"),
        (lambda told: [told[0], told[2], told[1], *told[3:]], "event 3 follows 1"),
        (lambda told: [*told[:6], Event(7, "runner_on_ok", BEGAN, host="host1")], "event 7 of host host1 is older"),
        (lambda told: [*told, Event(13 + 1, "runner_on_ok", BEGAN + timedelta(1), host="host0")], "did not begin"),
    ],
)
def test_event_that_is_lost_doubled_or_displaced_shows(spoil: Any, problem: str) -> None:
    counted = EventLog().took(spoil(list(events(*whole()))))
    assert any(problem in each for each in counted.problems), counted.problems


def test_recap_is_read_and_not_what_looks_like_it() -> None:
    assert event_log.recap(f"host0 : ok=5\n{RECAP}") == {"host0": 2, "host1": 2}


def test_good_measurements_keep_what_was_wanted() -> None:
    judged = report.judge_many(many((Bare(10, RECAP), through())))
    assert [kept for _, kept in judged] == [True] * 5, judged
    assert judged[0][0] == "events not accounted for: 0 complaints on 29 events, wanted 0"
    assert report.judge_site([(Bare(100, ""), through(seconds=102))])[0] == (
        "site, the runner/bare: 1.020, wanted under 1.03",
        True,
    )


@pytest.mark.parametrize(
    ("pair", "changed", "missed"),
    [
        ((Bare(10, RECAP), through(kinds={"runner_on_ok": 3})), {}, "events not accounted for: 6 complaints"),
        ((Bare(10, RECAP), through(lines=12)), {}, "events not accounted for: 1 complaints"),
        ((Bare(10, RECAP.replace("host1", "host7")), through()), {}, "events not accounted for: 4 complaints"),
        ((Bare(9, RECAP), through()), {}, "many hosts, the runner/bare: 1.167"),
        ((Bare(10, RECAP), through(library=90000)), {}, "memory of the library, 2 times the events: 3.00 times"),
        ((Bare(10, RECAP), through(supervisor=90000)), {}, "memory of the supervisor, 2 times the events: 2.25 times"),
        (
            (Bare(10, RECAP), through()),
            {"slow": through(kinds=event_log.expected(2, 1), playbook_seconds=20.8, lines=8)},
            "a handler that takes 8 s in all: the playbook takes 2.00 times",
        ),
    ],
)
def test_what_was_missed_is_named(pair: tuple[Bare, ViaRunner], changed: dict[str, Any], missed: str) -> None:
    judged = report.judge_many(many(pair, **changed))
    assert [said[: len(missed)] for said, kept in judged if not kept] == [missed]


def test_table_has_medians_and_each_pair() -> None:
    pairs = [(Bare(seconds, ""), through(seconds=seconds * 1.1)) for seconds in (10, 20, 60)]
    assert report.table({"site": pairs, "none": []})[1:] == [
        "site                            20.00 s      22.00 s   1.100   10.0/11.0  20.0/22.0  60.0/66.0"
    ]


def test_each_third_run_is_cut_in_each_way_at_a_point_of_its_own() -> None:
    jobs = draw(200, 8, 30, seed=1)
    cut = [job for job in jobs if job.cut]
    assert len(cut) == 67
    assert {job.way for job in cut} == set(WAYS)
    assert {job.stack for job in cut} == set(range(8))
    assert all(0 <= job.after < 30 and 0 <= job.delay <= 0.5 for job in cut)
    assert len({job.after for job in cut}) > 20
    assert jobs == draw(200, 8, 30, seed=1) != draw(200, 8, 30, seed=2)


CUT, WHOLE = Job(1, 0, after=3, way="cancel"), Job(2, 0)
KINDS = {"playbook_on_stats": 1}


@pytest.mark.parametrize(
    ("job", "outcome", "wrong"),
    [
        (WHOLE, Outcome(2, status="successful", kinds=KINDS), []),
        (WHOLE, Outcome(2, status="failed"), ["it ended `failed`", "playbook_on_stats: 0"]),
        (CUT, Outcome(1, status="canceled", took=4.9), []),
        (CUT, Outcome(1, status="canceled", took=5.1), ["the cancel took 5.1 s"]),
        (CUT, Outcome(1, status="successful", kinds=KINDS), []),
        (CUT, Outcome(1, status="lost"), ["it ended `lost`"]),
        (CUT, Outcome(1, status="canceled", early=True), ["it ended `canceled`", "playbook_on_stats"]),
        (CUT, Outcome(1, status="canceled", left=["ssh [mux]"]), ["left after its end: ssh [mux]"]),
        (WHOLE, Outcome(2, status="successful", kinds=KINDS, left=["ssh [mux]"]), ["left after its end: ssh [mux]"]),
        (WHOLE, Outcome(2, status="successful", kinds=KINDS, left=["python3 async_wrapper.py"]), []),
        (CUT, Outcome(1, status="successful", kinds=KINDS, left=["python3 async_wrapper.py"]), []),
        (CUT, Outcome(1, status="canceled", left=["python3 async_wrapper.py"]), ["left after its end: python3"]),
    ],
)
def test_outcome_is_judged_by_its_job(job: Job, outcome: Outcome, wrong: list[str]) -> None:
    found = list(judge(job, outcome, KINDS))
    assert len(found) == len(wrong), found
    assert all(text.startswith(start) for text, start in zip(found, wrong, strict=True)), found


def test_what_a_soak_left_is_named() -> None:
    left = {"threads": ["asyncio_0"], "files": ["tmp/mcp-run-x"]}
    done = Soak("threads", [WHOLE], [], KINDS, left, artifacts=[3, 11], keep=10)
    assert done.wrong == [
        "run 2 was not done",
        "left, threads: asyncio_0",
        "left, files: tmp/mcp-run-x",
        "a stack has 11 runs' artifacts, limit 10",
    ]


def test_more_counts_what_is_there_twice() -> None:
    assert more({"threads": ["a", "b"]}, {"threads": ["a", "a"], "files": []}) == {"threads": ["a"]}
