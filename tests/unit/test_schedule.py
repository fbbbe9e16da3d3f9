"""The suite's scheduler: what starts first, what waits, and what is not run at all."""

import os
import sys
import time
from pathlib import Path

import pytest

from tests import nodes, run, schedule
from tests.schedule import Node, Result

TRUE = (sys.executable, "-c", "")


def node(name: str, seconds: float = 1, **more: object) -> Node:
    return Node(name, "part", TRUE, seconds, **more)  # type: ignore[arg-type]


def passing(each: Node) -> Result:
    return Result(each, True, each.expected, Path())


def order(*each: Node, capacity: float = 1, failing: tuple[str, ...] = ()) -> list[tuple[str, bool, bool]]:
    """Run nodes that do nothing; give name, ok and whether it was run, as they ended."""

    def execute(wanted: Node) -> Result:
        return Result(wanted, wanted.name not in failing, 0.0, Path())

    ended = schedule.run(list(each), capacity, execute, lambda result: None)
    return [(result.node.name, result.ok, result.seconds is not None) for result in ended]


def test_the_longest_chain_starts_first() -> None:
    lab, long, short = node("lab", 5), node("long", 60), node("short", 1)
    e2e = node("e2e", 100, needs=frozenset({"lab"}))
    assert [name for name, *_ in order(short, long, e2e, lab)] == ["lab", "e2e", "long", "short"]


def test_what_needs_a_failed_node_is_not_run_and_counts_as_failed() -> None:
    lab, e2e = node("lab", 5), node("e2e", needs=frozenset({"lab"}))
    later = node("later", needs=frozenset({"e2e"}))
    ended = order(lab, e2e, later, node("unit"), failing=("lab",))
    assert sorted(ended) == [
        ("e2e", False, False),
        ("lab", False, True),
        ("later", False, False),
        ("unit", True, True),
    ]


def test_what_comes_after_runs_although_the_one_before_failed() -> None:
    life = node("life", after=frozenset({"e2e"}))
    assert order(life, node("e2e", 9), failing=("e2e",)) == [("e2e", False, True), ("life", True, True)]


def test_the_processors_are_shared_and_a_node_that_wants_more_than_all_runs_alone() -> None:
    half, whole, huge = node("half", load=0.5), node("whole", load=1.0), node("huge", 9, load=7)
    assert schedule.startable([half, whole], [node("other")], 1.5) is half
    assert schedule.startable([huge], [half], 2) is None
    assert schedule.startable([huge, half], [], 2) is huge


def test_a_circle_is_an_error_and_no_endless_wait() -> None:
    with pytest.raises(ValueError, match="wait for each other: a, b"):
        order(node("a", needs=frozenset({"b"})), node("b", after=frozenset({"a"})))


def test_a_command_past_its_limit_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys; child = subprocess.Popen(['sleep', '60']); print(child.pid, flush=True); child.wait()"
    )
    began = time.monotonic()
    result = schedule.execute(Node("slow", "part", (sys.executable, "-c", script), limit=1), tmp_path, dict(os.environ))
    assert (result.ok, result.why) == (False, "ended at its limit of 1 s")
    assert time.monotonic() - began < 30
    child = int(result.output.read_text())
    for _ in range(100):
        if not Path(f"/proc/{child}/cmdline").exists() or not Path(f"/proc/{child}/cmdline").read_bytes():
            break
        time.sleep(0.1)
    else:
        pytest.fail("what the command had started still runs")


def test_a_status_other_than_zero_is_a_failure_with_its_output_kept(tmp_path: Path) -> None:
    script = "import sys; print('why'); sys.exit(3)"
    result = schedule.execute(Node("red one", "part", (sys.executable, "-c", script)), tmp_path, dict(os.environ))
    assert (result.ok, result.output.read_text()) == (False, "why\n")


def test_a_patient_node_leaves_the_processors_to_others(tmp_path: Path) -> None:
    script = "import os; print(os.nice(0))"
    said = [
        schedule.execute(
            Node(f"node {patient}", "part", (sys.executable, "-c", script), patient=patient), tmp_path, dict(os.environ)
        ).output.read_text()
        for patient in (False, True)
    ]
    assert int(said[1]) == min(int(said[0]) + 10, 19)


def test_names_are_told_apart_and_every_forerunner_exists() -> None:
    every = nodes.whole()
    names = [each.name for each in every]
    assert len(set(names)) == len(names)
    assert {name for each in every for name in each.needs | each.after} <= set(names)
    life = next(each for each in every if each.name == "life")
    assert {each.name for each in every if "lab" in each.needs} - {"life"} == life.after


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["molecule", "redis"], ["lab", "molecule redis"]),
        (["e2e"], ["lab", "e2e"]),
        (["unit"], ["unit", "server", "conformance"]),
    ],
)
def test_a_part_brings_what_it_needs(arguments: list[str], names: list[str]) -> None:
    assert [each.name for each in run.choose(arguments)] == names


def test_every_scenario_is_run() -> None:
    scenarios = {path.parent.name for path in (run.ROOT / "molecule").glob("*/molecule.yml")}
    assert {each.command[-1] for each in nodes.molecule()} == scenarios


def test_records_are_kept_and_damaged_ones_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "RECORDS", tmp_path / "cache" / "tests.json")
    results = [Result(node("unit"), True, 61.24, Path()), Result(node("e2e"), False, 5.0, Path())]
    run.keep(results)
    assert run.records() == [{"unit": 61.2}]
    shown = run.table(results, 3 * 3600, run.records())
    assert f"over the budget of {run.BUDGET // 60} min" in shown
    assert "over the budget" not in run.table(results, 60, [])
    slow = Result(Node("e2e", "e2e", TRUE), True, run.BUDGETS["e2e"] + 1.0, Path())
    assert [line.split()[0] for line in run.table([*results, slow], 60, []).splitlines() if "its budget" in line] == [
        "e2e"
    ]
    assert set(run.BUDGETS) == {each.part for each in nodes.whole()}
    run.RECORDS.write_text("{")
    assert run.records() == []


def test_an_unknown_part_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["mollecule"]) == 3
    assert "no such part: mollecule; there are aws, e2e, fast," in capsys.readouterr().err
