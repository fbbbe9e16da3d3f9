"""What each lane of a run does, and where it waits for another: pure functions over the steps of a playbook."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Step:
    """A part of a role in a lane."""

    name: str
    lane: str
    role: str
    part: str
    after: tuple[str, ...]


def steps_of(lanes: Mapping[str, Mapping[str, Mapping[str, Any] | None]], part: str) -> dict[str, Step]:
    """Return the steps by their names.

    :param lanes: by the lane's name its steps in order, by the step's name its `role` (the step's name by default), the
        role's entry point `part`, and the names of the steps that it comes `after`.
    :param part: the entry point of steps that name none.
    :raises ValueError: a step's name is used twice, it waits for one that is not there, or for itself in the end.
    """
    steps: dict[str, Step] = {}
    for lane, named in lanes.items():
        for name, given in named.items():
            if name in steps:
                raise ValueError(f"The lanes {steps[name].lane} and {lane} both have a step `{name}`.")
            said = given or {}
            steps[name] = Step(name, lane, said.get("role", name), said.get("part", part), tuple(said.get("after", ())))
    for step in steps.values():
        if unknown := sorted(set(step.after) - set(steps)):
            raise ValueError(f"The step `{step.name}` comes after `{unknown[0]}`, which no lane has.")
    refuse_circles(lanes, steps)
    return steps


def refuse_circles(lanes: Mapping[str, Iterable[str]], steps: Mapping[str, Step]) -> None:
    """Raise ValueError when lanes would wait for each other for ever."""
    waits = {name: set(step.after) for name, step in steps.items()}
    for named in map(list, lanes.values()):
        for before, name in pairwise(named):
            waits[name].add(before)
    try:
        TopologicalSorter(waits).prepare()
    except CycleError as error:
        raise ValueError(f"These steps wait for each other: {', '.join(error.args[1])}.") from error


def wanted_steps(steps: Mapping[str, Step], tags: Collection[str]) -> set[str]:
    """Return the names of the steps whose role bears a tag, and of all that those come after."""
    asked = [name for name, step in steps.items() if "all" in tags or step.role in tags]
    wanted: set[str] = set()
    while asked:
        name = asked.pop()
        if name not in wanted:
            wanted.add(name)
            asked += steps[name].after
    return wanted


def lane_steps(
    lanes: Mapping[str, Mapping[str, Mapping[str, Any] | None]], part: str, tags: Collection[str] = ("all",)
) -> dict[str, list[dict[str, Any]]]:
    """Return the stretches of each lane that has something to do.

    A stretch is what a lane does without looking at others: it says which of its steps are `done` that others wait for,
    waits for those that it comes `after`, and takes its `steps`, each with `role` and `part`.
    """
    steps = steps_of(lanes, part)
    wanted = wanted_steps(steps, tags)
    awaited = {before for name in wanted for before in steps[name].after if steps[before].lane != steps[name].lane}
    return {
        lane: stretches([steps[name] for name in named if name in wanted], steps, awaited)
        for lane, named in lanes.items()
        if wanted & set(named)
    }


def stretches(mine: Iterable[Step], steps: Mapping[str, Step], awaited: Collection[str]) -> list[dict[str, Any]]:
    """Part the steps of a lane where it waits, or has done what others wait for."""
    found: list[dict[str, Any]] = [{"done": [], "after": [], "steps": []}]
    waited: set[str] = set()
    for step in mine:
        after = [name for name in step.after if steps[name].lane != step.lane and name not in waited]
        waited.update(after)
        if after and (found[-1]["steps"] or found[-1]["after"]):
            found.append({"done": [], "after": [], "steps": []})
        found[-1]["after"] += after
        found[-1]["steps"].append({"role": step.role, "part": step.part})
        if step.name in awaited:
            found.append({"done": [step.name], "after": [], "steps": []})
    return [stretch for stretch in found if any(stretch.values())]
