"""The steps of lanes: which are taken, in which order, and where a lane waits for another."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.action import lane_gate
from ansible_collections.mcp.aws.plugins.module_utils.lane_steps import lane_steps

FORK = multiprocessing.get_context("fork")  # as ansible-playbook does for each task
LANES: dict[str, dict[str, Any]] = {
    "network": {"ground": {"role": "network", "part": "ground"}, "instance": {"after": ["ground", "identity"]}},
    "identity": {"storage": None, "logs": {}, "identity": {"after": ["storage"]}},
    "alarms": {"alarms": {"after": ["instance"]}},
}


def flat(lane: list[dict[str, Any]]) -> list[str]:
    """Write a lane's stretches as one list: what it waits for, what it does, what it tells."""
    return [
        text
        for stretch in lane
        for text in (
            *(f"{name}!" for name in stretch["done"]),
            *(f"{name}?" for name in stretch["after"]),
            *(f"{step['role']}.{step['part']}" for step in stretch["steps"]),
        )
    ]


def test_a_lane_waits_for_others_only() -> None:
    lanes = lane_steps(LANES, "create")
    assert {lane: flat(steps) for lane, steps in lanes.items()} == {
        "network": ["network.ground", "identity?", "instance.create", "instance!"],
        "identity": ["storage.create", "logs.create", "identity.create", "identity!"],
        "alarms": ["instance?", "alarms.create"],
    }


def test_what_is_done_is_told_before_the_next_wait() -> None:
    lanes = lane_steps({"a": {"one": {}, "two": {"after": ["three"]}}, "b": {"three": {"after": ["one"]}}}, "create")
    assert lanes["a"][1] == {"done": ["one"], "after": ["three"], "steps": [{"role": "two", "part": "create"}]}


def test_a_lane_waits_for_a_step_once() -> None:
    lanes = {"a": {"one": {}}, "b": {"two": {"after": ["one"]}, "three": {"after": ["one", "two"]}}}
    assert flat(lane_steps(lanes, "create")["b"]) == ["one?", "two.create", "three.create"]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["storage"], {"identity": ["storage.create"]}),
        (["logs", "identity"], {"identity": ["storage.create", "logs.create", "identity.create"]}),
        (
            ["instance"],
            {
                "network": ["network.ground", "identity?", "instance.create"],
                "identity": ["storage.create", "identity.create", "identity!"],
            },
        ),
        (["unknown"], {}),
    ],
)
def test_tags_take_what_must_come_before(tags: list[str], expected: dict[str, list[str]]) -> None:
    assert {lane: flat(steps) for lane, steps in lane_steps(LANES, "create", tags).items()} == expected


@pytest.mark.parametrize(
    ("lanes", "sentence"),
    [
        ({"a": {"one": {"after": ["two"]}}}, "`one` comes after `two`, which no lane has"),
        ({"a": {"one": {}}, "b": {"one": {}}}, "The lanes a and b both have a step `one`"),
        ({"a": {"one": {"after": ["two"]}}, "b": {"two": {"after": ["one"]}}}, "These steps wait for each other"),
        # Each waits for what the other does only later.
        (
            {"a": {"one": {"after": ["four"]}, "two": {}}, "b": {"three": {"after": ["two"]}, "four": {}}},
            "These steps wait for each other",
        ),
    ],
)
def test_lanes_that_cannot_be_worked_are_refused(lanes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        lane_steps(lanes, "create")


def test_a_gate_opens_when_all_is_done(tmp_path: Path) -> None:
    began = time.monotonic()
    lane_gate.mark(tmp_path / "play", ["one"])
    threading.Timer(0.2, lane_gate.mark, (tmp_path / "play", ["two"])).start()
    assert lane_gate.wait(tmp_path / "play", ["one", "two"], 30)
    assert 0.2 <= time.monotonic() - began < 15


def test_a_gate_opens_when_a_lane_stops(tmp_path: Path) -> None:
    threading.Timer(0.1, lane_gate.mark, (tmp_path / "play", [lane_gate.STOPPED])).start()
    assert lane_gate.wait(tmp_path / "play", ["never"], 30)


def test_a_gate_gives_up_at_its_deadline(tmp_path: Path) -> None:
    assert not lane_gate.wait(tmp_path / "play", ["never"], 0.05)


def play(folder: Path, killed: Event, over: Event) -> None:
    """Stand for a playbook: fork a task, and end before it has begun to wait."""

    def task() -> None:
        killed.wait(30)
        if not lane_gate.wait(folder, ["never"], 30):
            over.set()

    FORK.Process(target=task).start()
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_gate_does_not_outlive_a_playbook_that_was_killed_before_it(tmp_path: Path) -> None:
    killed, over = FORK.Event(), FORK.Event()
    playbook = FORK.Process(target=play, args=(tmp_path / "play", killed, over))
    playbook.start()
    playbook.join(10)
    killed.set()
    assert over.wait(10)
