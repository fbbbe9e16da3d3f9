"""Interrupted anywhere, provision run again arrives, and teardown leaves nothing of what is half made or half gone.

Ten points spread over the changes of a run. At three of them the playbook is killed; at the others the account is
copied, as a machine that is switched off would leave it. `callbacks/interruption.py` does both.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import re
import signal
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from deployment import FILES, NAME, Account, Run
from resources import resources

POINTS = range(10)
KILLED_AT = (1, 5, 9)  # where a third run is tried too
KILLED = -9
GONE = {"teardown_confirm": NAME, "storage_delete_bucket": True}
Shape = Counter[tuple[str, tuple[tuple[str, str], ...]]]


def run(account: Account, playbook: str, *, kill_after: int = 0, copy: bool = False) -> tuple[Run, list[Any]]:
    """Run a playbook, and return its changes too, once none of its processes is left."""
    record = account.folder / f"record-{uuid.uuid4().hex}"
    files = [str(account.folder / name) for name in FILES]
    wanted = {"record": str(record), "kill_after": kill_after, "files": files}
    request = record.with_suffix(".json")
    request.write_text(json.dumps(wanted | {"copy": f"{account.endpoint}/copy" if copy else ""}))
    environment = {
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).with_name("callbacks")),
        "ANSIBLE_CALLBACKS_ENABLED": "interruption,mcp.aws.payload_cache,mcp.aws.resident",
        "INTERRUPTION": str(request),
    }
    done = replace(account, environment=environment).run(playbook, **GONE)
    wait_for_the_end_of(str(request))
    return done, [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []


def shape(account: Account) -> Shape:
    """Return what there is, and how often, by name and tags; the ids that AWS draws are left out."""
    clients: dict[str, Any] = {}
    found = resources(lambda service: clients.setdefault(service, account.client(service))).items()
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


@dataclass(frozen=True)
class Whole:
    """What comes of runs that nobody interrupts, with the account as it was after some of their changes."""

    shape: Shape
    made: list[Account]
    deleted: list[Account]


def spread(point: int, changes: list[Any]) -> int:
    """Return after how many of the changes a point is: from the first to the last but one, evenly."""
    return 1 + point * (len(changes) - 2) // max(POINTS)


@pytest.fixture(scope="module")
def whole(own_account: Account) -> Iterator[Whole]:
    """An account made and taken away in peace, and copied after each change."""
    copies: list[dict[str, Any]] = []
    try:
        created, made = run(own_account, "provision", copy=True)
        copies += made
        assert created.status == 0, created.output
        found = shape(own_account)
        removed, deleted = run(own_account, "teardown", copy=True)
        copies += deleted
        assert removed.status == 0, removed.output
        assert shape(own_account) == Counter()
        accounts = [[Account(one["endpoint"], Path(one["folder"])) for one in copied] for copied in (made, deleted)]
        yield Whole(found, *accounts)
    finally:
        for copy in copies:
            with suppress(ProcessLookupError):
                os.kill(copy["pid"], signal.SIGTERM)


@dataclass
class Story:
    """What became of one account that was interrupted at one point."""

    runs: dict[str, Run] = field(default_factory=dict)
    found: dict[str, Shape] = field(default_factory=dict)

    def step(self, name: str, account: Account, playbook: str, kill_after: int = 0) -> None:
        """Run a playbook, and see what there is then."""
        self.runs[name], _ = run(account, playbook, kill_after=kill_after)
        self.found[name] = shape(account)

    def begin(self, account: Account, again: bool, folder: Path) -> None:
        """Take a copy of what is half made away, and run the account itself to its end, perhaps once more."""
        self.found["half made"] = shape(account)
        with account.copy(folder) as other:
            self.step("half made, taken away", other, "teardown")
        self.step("healed", account, "provision")
        if again:
            self.step("run once more", account, "provision")


def killed(empty: Account, folder: Path, point: int, whole: Whole) -> Story:
    """Live through one point of a playbook that is killed while it makes an account, and while it takes it away."""
    story = Story()
    with empty.copy(folder) as account:
        story.step("killed", account, "provision", spread(point, whole.made))
        story.begin(account, again=True, folder=folder / "copy")
        story.step("killed while taking away", account, "teardown", spread(point, whole.deleted))
        story.step("gone", account, "teardown")
    return story


def copied(folder: Path, point: int, whole: Whole) -> Story:
    """Live through one point with the copies of an account that was half made, and of one that was half gone."""
    story = Story()
    story.begin(whole.made[spread(point, whole.made) - 1], again=False, folder=folder / "copy")
    story.step("gone", whole.deleted[spread(point, whole.deleted) - 1], "teardown")
    return story


@pytest.fixture(scope="module")
def stories(empty: Account, whole: Whole, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Story]:
    """What became of each point, two at a time."""

    def live(point: int) -> Story:
        folder = tmp_path_factory.mktemp(f"point-{point}")
        return killed(empty, folder, point, whole) if point in KILLED_AT else copied(folder, point, whole)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(POINTS, pool.map(live, POINTS), strict=True))


@pytest.mark.parametrize("point", KILLED_AT)
def test_it_was_killed_half_way(stories: dict[int, Story], point: int) -> None:
    for name in ("killed", "killed while taking away"):
        assert stories[point].runs[name].status == KILLED, stories[point].runs[name].output


def test_each_point_finds_more_than_the_one_before(stories: dict[int, Story], whole: Whole) -> None:
    half = [stories[point].found["half made"].total() for point in POINTS if point not in KILLED_AT]
    assert 0 < half[0] < half[-1] <= whole.shape.total()
    assert half == sorted(half)


@pytest.mark.parametrize("point", POINTS)
def test_run_again_it_arrives_without_duplicates(stories: dict[int, Story], whole: Whole, point: int) -> None:
    healed = stories[point].runs["healed"]
    assert healed.status == 0, healed.output
    assert stories[point].found["healed"] == whole.shape


@pytest.mark.parametrize("point", KILLED_AT)
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
