"""Run the tests, say how long each took, and exit with 1 when one failed.

`python -m tests.run` runs all; `python -m tests.run unit runner` those parts; `python -m tests.run molecule redis` one
role; `python -m tests.run fast` what needs neither root nor the lab and ends within three minutes.
"""

import json
import os
import sys
import time
from collections import defaultdict
from functools import partial
from pathlib import Path

from tests import nodes, schedule
from tests.schedule import Node, Result

ROOT = Path(__file__).parent.parent
OUTPUT = ROOT / ".lab" / "tests"
# Kept between runs and clones: what the last ones took.
RECORDS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mcp.aws" / "tests.json"
# Seconds on two cores: of the whole suite by the clock, and of each part's nodes in all, while others run beside them.
BUDGET = 35 * 60
BUDGETS = {
    "lab": 100,
    "lint": 300,
    "unit": 180,
    "runner": 200,
    "aws": 1100,
    "molecule": 3400,
    "e2e": 1200,
    "life": 100,
}
PURE = ("test_display.py", "test_verdicts.py", "test_history.py", "test_package.py")


def fast() -> list[Node]:
    """Return what a contributor runs before each commit: linters, pure functions, templates, display."""
    display = [f"tests/runner/{name}" for name in PURE]
    return [*nodes.LINT, nodes.UNIT, Node("runner pure", "runner", (*nodes.PYTEST, *display), 30)]


def choose(arguments: list[str]) -> list[Node]:
    """Return the nodes that are asked for. Raises KeyError with the name of a part or role that there is not."""
    every = nodes.whole()
    if arguments == ["fast"]:
        return fast()
    if not arguments:
        return every
    names = [node.name for node in every]
    if arguments[0] == "molecule" and len(arguments) > 1:
        wanted = [f"molecule {role}" for role in arguments[1:]]
    else:
        parts = {node.part for node in every}
        wanted = [name for argument in arguments if argument not in parts for name in [argument]]
        wanted += [node.name for node in every if node.part in arguments]
    for name in wanted:
        if name not in names:
            raise KeyError(name)
    return schedule.closure(every, wanted)


def tell(result: Result) -> None:
    """Print one line; the evidence follows when the command failed."""
    took = "not run   " if result.seconds is None else f"{result.seconds:8.1f} s"
    print(f"  {'passed' if result.ok else 'FAILED'}  {result.node.name:<28} {took}  {result.why}".rstrip(), flush=True)
    if not result.ok and result.seconds is not None:
        text = result.output.read_text(errors="replace").splitlines()
        print("\n".join(f"    | {line}" for line in text[-150:]), flush=True)


def records() -> list[dict[str, float]]:
    """Return the seconds of earlier runs by node, the newest last; a damaged file counts as none."""
    try:
        kept = json.loads(RECORDS.read_text())
    except (OSError, ValueError):
        return []
    return [run for run in kept if isinstance(run, dict)] if isinstance(kept, list) else []


def keep(results: list[Result]) -> None:
    """Add the seconds of what passed to the records."""
    passed = {result.node.name: round(result.seconds or 0, 1) for result in results if result.ok}
    RECORDS.parent.mkdir(parents=True, exist_ok=True)
    fresh = RECORDS.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps([*records()[-19:], passed], indent=1))
    fresh.replace(RECORDS)


def table(results: list[Result], seconds: float, before: list[dict[str, float]]) -> str:
    """Return the sums of the parts beside their budgets, and those of the last run that had the same nodes."""
    sums: dict[str, float] = defaultdict(float)
    last: dict[str, float] = defaultdict(float)
    for result in results:
        sums[result.node.part] += result.seconds or 0
        known = [run[result.node.name] for run in before if result.node.name in run]
        last[result.node.part] += known[-1] if known else 0
    lines = [f"  {'part':<12}{'seconds':>10}{'last time':>12}{'budget':>10}"]
    for part, took in sums.items():
        budget = BUDGETS.get(part, 0)
        over = "  over its budget" if budget and took > budget else ""
        lines.append(f"  {part:<12}{took:>10.0f}{round(last[part]) or '-':>12}{budget or '-':>10}{over}")
    over = f", over the budget of {BUDGET // 60} min" if seconds > BUDGET else ""
    return "\n".join([*lines, f"  all of it took {seconds / 60:.1f} min of the clock{over}"])


def main(arguments: list[str]) -> int:
    """Run what is asked for; 0 when all passed, 1 when something failed, 3 for a part that there is not."""
    try:
        chosen = choose(arguments)
    except KeyError as error:
        there = sorted({node.part for node in nodes.whole()} | {"fast"})
        print(f"no such part: {error.args[0]}; there are {', '.join(there)}", file=sys.stderr)
        return 3
    path = f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "MOLECULE_GLOB": "./molecule/*/molecule.yml"}
    os.chdir(ROOT)
    before, began = records(), time.monotonic()
    execute = partial(schedule.execute, folder=OUTPUT, environment=environment)
    results = schedule.run(chosen, capacity=1.4 * (os.cpu_count() or 1), execute=execute, tell=tell)
    print(table(results, time.monotonic() - began, before))
    keep(results)
    failed = sum(not result.ok for result in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
