"""Run commands side by side: the longest chain first, as many as the processors bear, each with a time limit.

A node may need that others passed before (`needs`), or only that they have ended (`after`). nodes.py says what is run.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

PATIENT = ("nice", "-n", "10")


@dataclass(frozen=True)
class Node:
    """One command of the suite.

    `expected` is in seconds and decides the order; `load` is how many processors the command keeps busy; `limit` is in
    seconds and ends the command with all that it started. `patient` commands leave the processors to others.
    """

    name: str
    part: str
    command: tuple[str, ...]
    expected: float = 60.0
    load: float = 1.0
    limit: float = 1200.0
    needs: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    patient: bool = False


@dataclass(frozen=True)
class Result:
    """How a node ended. `seconds` is None where it was not run, and `why` says the reason of a failure."""

    node: Node
    ok: bool
    seconds: float | None
    output: Path
    why: str = ""


def closure(nodes: Iterable[Node], chosen: Iterable[str]) -> list[Node]:
    """Return the chosen nodes with all that they need, in the order of `nodes`."""
    every = {node.name: node for node in nodes}
    names, todo = set(), list(chosen)
    while todo:
        name = todo.pop()
        if name not in names:
            names.add(name)
            todo += every[name].needs
    return [node for node in every.values() if node.name in names]


def chain(node: Node, waiting: Iterable[Node]) -> float:
    """Return the seconds of the longest chain that begins with a node: its own, and those of what needs it."""
    later = [other for other in waiting if node.name in other.needs]
    return node.expected + max((chain(other, waiting) for other in later), default=0)


def startable(waiting: list[Node], running: list[Node], capacity: float) -> Node | None:
    """Return the node with the longest chain that may start now, or None while processors or forerunners are busy."""
    free = capacity - sum(node.load for node in running)
    among = {node.name for node in (*waiting, *running)}
    ready = [node for node in waiting if not (node.needs | node.after) & among]
    fitting = [node for node in ready if node.load <= free or not running]
    return max(fitting, key=lambda node: chain(node, waiting), default=None)


def missing(node: Node, done: dict[str, Result]) -> str:
    """Return which needed node did not pass, or nothing."""
    return next((name for name in sorted(node.needs) if name in done and not done[name].ok), "")


def execute(node: Node, folder: Path, environment: dict[str, str]) -> Result:
    """Run a node's command in a session of its own with its output in a file, and end all of it at the limit."""
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / f"{node.name.replace(' ', '-')}.log"
    began = time.monotonic()
    with output.open("wb") as file:
        process = subprocess.Popen(
            (*(PATIENT if node.patient else ()), *node.command),
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status, why = process.wait(node.limit), ""
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            status, why = 1, f"ended at its limit of {node.limit:.0f} s"
    return Result(node, status == 0, time.monotonic() - began, output, why)


def run(
    nodes: list[Node], capacity: float, execute: Callable[[Node], Result], tell: Callable[[Result], None]
) -> list[Result]:
    """Run all nodes and return what came of each, in the order in which they ended; `tell` hears of each at once."""
    waiting, running = list(nodes), dict[Future[Result], Node]()
    done: dict[str, Result] = {}

    def ended(result: Result) -> None:
        done[result.node.name] = result
        tell(result)

    with ThreadPoolExecutor(len(nodes) or 1) as pool:
        while waiting or running:
            while lost := next((node for node in waiting if missing(node, done)), None):
                waiting.remove(lost)
                ended(Result(lost, False, None, Path(), f"not run, as `{missing(lost, done)}` failed"))
            while chosen := startable(waiting, list(running.values()), capacity):
                waiting.remove(chosen)
                running[pool.submit(execute, chosen)] = chosen
            if running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    del running[future]
                    ended(future.result())
            elif waiting:
                raise ValueError(f"these wait for each other: {', '.join(node.name for node in waiting)}")
    return list(done.values())
