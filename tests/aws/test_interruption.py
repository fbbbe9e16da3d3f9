"""Killed anywhere, provision run again arrives, and teardown leaves nothing, of whatever is half made or half gone.

A playbook kills itself after its n-th change, for ten n spread over the run; `callbacks/stop_after.py` does it.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import shutil
import time
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from conftest import opened
from deployment import NAME, Account, Run
from resources import resources

POINTS = range(10)
THOROUGH = (1, 5, 9)  # where a third run is tried too
KILLED = -9
GONE = {"teardown_confirm": NAME, "storage_delete_bucket": True}
Shape = Counter[tuple[str, tuple[tuple[str, str], ...]]]


@dataclass
class Story:
    """What became of one account that was interrupted at one point."""

    runs: dict[str, Run] = field(default_factory=dict)
    found: dict[str, Shape] = field(default_factory=dict)


@dataclass
class Stage:
    """An account in which playbooks are killed."""

    account: Account
    clients: dict[str, Any] = field(default_factory=dict)  # to make one takes as long as to ask it all

    def client(self, service: str) -> Any:
        """Return a boto3 client, the same each time."""
        if service not in self.clients:
            self.clients[service] = self.account.client(service)
        return self.clients[service]

    def clear(self) -> None:
        """Empty the account and forget the files of the deployment."""
        request = urllib.request.Request(f"{self.account.endpoint}/moto-api/reset", b"")  # noqa: S310
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
        for folder in ("keys", "hosts"):
            shutil.rmtree(self.account.folder / folder, ignore_errors=True)

    def run(self, playbook: str, stop_after: int = 0) -> tuple[Run, list[str]]:
        """Run a playbook up to a number of changes, and return the changes too, once none of its processes is left."""
        count = self.account.folder / f"count-{uuid.uuid4().hex}"
        environment = {
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).with_name("callbacks")),
            "ANSIBLE_CALLBACKS_ENABLED": "stop_after,mcp.aws.payload_cache,mcp.aws.resident",
            "STOP_AFTER": str(stop_after),
            "STOP_AFTER_COUNT": str(count),
        }
        run = replace(self.account, environment=environment).run(playbook, **GONE)
        wait_for_the_end_of(str(count))
        return run, count.read_text().splitlines() if count.exists() else []

    def shape(self) -> Shape:
        """Return what there is, and how often, by name and tags; the ids that AWS draws are left out."""
        found = resources(self.client).items()
        return Counter((re.sub("[0-9a-f]{17}", "*", name), tuple(sorted(tags.items()))) for name, tags in found)


def wait_for_the_end_of(word: str, seconds: float = 30) -> None:
    """Wait until no process has a word in its environment: modules may outlive their playbook for a moment."""
    deadline = time.monotonic() + seconds
    while left := [path for path in Path("/proc").glob("[0-9]*/environ") if holds(path, word)]:
        assert time.monotonic() < deadline, f"these outlive the playbook: {left}"
        time.sleep(0.05)


def holds(path: Path, word: str) -> bool:
    """Tell whether a file can be read and holds a word."""
    try:
        return word.encode() in path.read_bytes()
    except OSError:
        return False


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Stage]]:
    """Two accounts, one for each core."""
    with ExitStack() as stack:
        yield [Stage(stack.enter_context(opened(tmp_path_factory.mktemp(name)))) for name in ("left", "right")]


@dataclass(frozen=True)
class Whole:
    """What comes of runs that nobody interrupts."""

    shape: Shape
    made: list[str]
    deleted: list[str]


@pytest.fixture(scope="module")
def whole(stages: list[Stage]) -> Whole:
    """An account made and taken away in peace."""
    run, made = stages[0].run("provision")
    assert run.status == 0, run.output
    shape = stages[0].shape()
    run, deleted = stages[0].run("teardown")
    assert run.status == 0, run.output
    assert stages[0].shape() == Counter()
    return Whole(shape, made, deleted)


def spread(point: int, changes: list[str]) -> int:
    """Return after how many of the changes a point is: from the first to the last but one, evenly."""
    return 1 + point * (len(changes) - 2) // max(POINTS)


def interrupted(stage: Stage, point: int, whole: Whole) -> Story:
    """Live through one point: killed and taken away; killed and run again; killed while taken away, and that again."""
    story = Story()

    def step(name: str, playbook: str, changes: list[str] | None = None) -> None:
        run, _ = stage.run(playbook, spread(point, changes) if changes else 0)
        story.runs[name], story.found[name] = run, stage.shape()

    stage.clear()
    step("half made", "provision", whole.made)
    step("half made, taken away", "teardown")
    stage.clear()  # the private key has stayed, as no teardown deletes it
    step("half made again", "provision", whole.made)
    step("healed", "provision")
    if point in THOROUGH:
        step("run once more", "provision")
    step("half gone", "teardown", whole.deleted)
    step("gone", "teardown")
    return story


@pytest.fixture(scope="module")
def stories(stages: list[Stage], whole: Whole) -> dict[int, Story]:
    """What became of each point, two at a time."""
    free: SimpleQueue[Stage] = SimpleQueue()
    for stage in stages:
        free.put(stage)

    def live(point: int) -> Story:
        stage = free.get()
        try:
            return interrupted(stage, point, whole)
        finally:
            free.put(stage)

    with ThreadPoolExecutor(len(stages)) as pool:
        return dict(zip(POINTS, pool.map(live, POINTS), strict=True))


@pytest.mark.parametrize("point", POINTS)
def test_it_was_killed_half_way(stories: dict[int, Story], whole: Whole, point: int) -> None:
    story = stories[point]
    for name in ("half made", "half made again", "half gone"):
        assert story.runs[name].status == KILLED, story.runs[name].output
    assert story.found["half made"].total() > 0


@pytest.mark.parametrize("point", POINTS)
def test_run_again_it_arrives_without_duplicates(stories: dict[int, Story], whole: Whole, point: int) -> None:
    healed = stories[point].runs["healed"]
    assert healed.status == 0, healed.output
    assert stories[point].found["healed"] == whole.shape


@pytest.mark.parametrize("point", THOROUGH)
def test_and_then_nothing_is_left_to_do(stories: dict[int, Story], point: int) -> None:
    again = stories[point].runs["run once more"]
    assert (again.status, again.changed) == (0, 0), again.output


@pytest.mark.parametrize("point", POINTS)
def test_teardown_takes_what_is_half_made(stories: dict[int, Story], point: int) -> None:
    run = stories[point].runs["half made, taken away"]
    assert run.status == 0, run.output
    assert stories[point].found["half made, taken away"] == Counter()


@pytest.mark.parametrize("point", POINTS)
def test_teardown_run_again_leaves_nothing(stories: dict[int, Story], point: int) -> None:
    run = stories[point].runs["gone"]
    assert run.status == 0, run.output
    assert stories[point].found["gone"] == Counter()
