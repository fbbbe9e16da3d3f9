"""What a run gives back, on real playbooks."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from mcp_aws.verdicts import Versions
from runner import BadInput, Limits, Run, RunFailed, Stack, Unplayable, Verdict

KEY = "wJalrXUtnFEMI-this-must-stay-in-memory"
CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def green(stack: Stack) -> Run:
    """A green run that was given a credential in its environment and a secret among its variables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
        return stack.run("green", extra_vars={"green_expected_key": KEY})


@pytest.fixture(scope="module")
def red(stack: Stack) -> Run:
    """A run that ends red."""
    with pytest.raises(RunFailed) as caught:
        stack.run("red")
    return caught.value.run


def test_green_run(green: Run) -> None:
    assert green.ok
    assert (green.verb, green.status, green.rc, green.failures) == ("green", "successful", 0, ())
    assert green.changed == green.hosts["localhost"].changed == 1
    assert green.hosts["localhost"].ok == 3
    assert 0 < green.duration < 60
    assert str(green) == f"green green in {green.duration:.1f} s: 1 change on 1 host, 2 of 2 checks green"


def test_verdict_is_typed(green: Run) -> None:
    assert isinstance(green.verdict, Verdict)
    assert green.verdict.ok
    assert green.verdict.red == ()
    assert green.verdict.finished - green.verdict.started == timedelta(seconds=2)
    assert [(check.id, check.measured) for check in green.verdict.checks] == [("http", "open"), ("disk", "40 %")]


def test_output_and_json(green: Run) -> None:
    assert "PLAY RECAP" in green.tail(5)
    assert "\x1b" not in green.output()
    assert json.loads((green.artifacts / "result.json").read_text()) == green.as_dict()
    assert green.as_dict()["verdict"]["started"] == "2026-11-23T15:00:00+00:00"


def test_back_and_what_there_is(stack: Stack) -> None:
    assert stack.rollback(to="v1.4.2", extra_vars={"other": 1}).ok
    found = stack.versions()
    assert isinstance(found.verdict, Versions)
    assert (found.verdict.hosts["h"].serving.slot, found.verdict.hosts["h"].serving.release) == ("blue", "r1")


def test_no_secret_in_any_artifact(green: Run) -> None:
    files = [path for path in green.artifacts.parents[1].rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"stdout", "events.jsonl", "result.json"}
    assert not [path for path in files if KEY in path.read_bytes().decode(errors="replace")]


def test_red_run(red: Run, house: Path) -> None:
    assert not red.ok
    assert (red.status, red.rc) == ("failed", 2)
    [failure] = red.failures  # neither the rescued one nor the ignored one
    assert (failure.host, failure.task) == ("localhost", "Judge")
    assert failure.file == str(house / "playbooks" / "red.yml")
    assert Path(failure.file).read_text().splitlines()[failure.line - 1].strip() == "- name: Judge"


def test_red_verdict_of_a_failed_task_is_kept(red: Run) -> None:
    assert isinstance(red.verdict, Verdict)
    assert [check.id for check in red.verdict.red] == ["disk"]
    assert "red: Disk: 91 %, limit < 80 %. Look at df." in str(red)
    assert f"output: {red.artifacts / 'stdout'}" in str(red)


def test_every_failed_item_speaks(stack: Stack) -> None:
    run = stack.run("loop", raise_on_failure=False)
    assert [failure.message for failure in run.failures] == ["left is wrong\nright is wrong"]


def test_unreachable_host(stack: Stack) -> None:
    run = stack.run("unreachable", raise_on_failure=False)
    assert run.hosts["gone"].unreachable == 1
    assert "Connection refused" in run.failures[0].message


@pytest.mark.parametrize(("playbook", "words"), [("broken", "no_such_module"), ("syntax", "YAML parsing failed")])
def test_a_playbook_that_cannot_be_read(stack: Stack, house: Path, playbook: str, words: str) -> None:
    with pytest.raises(Unplayable, match=words) as raised:
        stack.run(playbook)
    assert isinstance(raised.value, BadInput)
    run = raised.value.run
    assert run.status == "failed"
    [failure] = run.failures
    assert (failure.file, failure.line) == (str(house / "playbooks" / f"{playbook}.yml"), 5)


def test_a_vault_whose_password_is_missing(house: Path, tmp_path: Path) -> None:
    inventory = shutil.copytree(house / "inventory/lab", tmp_path / "inventory")
    (inventory / "group_vars").mkdir()
    shutil.copy(house / "vault.yml", inventory / "group_vars" / "all.yml")
    sealed = Stack(inventory, playbooks=house / "playbooks", cache=tmp_path / "cache")
    with pytest.raises(Unplayable, match="no vault secrets found"):
        sealed.run("green")


def test_a_vaulted_value_whose_password_is_missing(stack: Stack) -> None:
    with pytest.raises(RunFailed, match=r"Use it .*no vault secrets found") as raised:
        stack.run("vaulted")
    assert not isinstance(raised.value, Unplayable), "a task had begun"


def test_options_arrive_also_from_a_thread(stack: Stack) -> None:
    options = {"options_text": "two words; $(date)", "options_list": [1, 2]}
    with ThreadPoolExecutor() as pool:
        run = pool.submit(
            stack.run, "options", check=True, diff=True, limit="here", tags=["wanted"], extra_vars=options
        ).result()
    assert list(run.hosts) == ["localhost"]


def test_only_the_last_runs_are_kept(house: Path, tmp_path: Path) -> None:
    old = [tmp_path / "artifacts" / f"2020010{day}T000000-site-abcdef" for day in range(1, 5)]
    for path in old:
        path.mkdir(parents=True)
    run = Stack(house / "inventory/lab", playbooks=house / "playbooks", cache=tmp_path, limits=Limits(runs=2)).run(
        "green"
    )
    assert sorted(run.artifacts.parent.iterdir()) == [old[-1], run.artifacts]


def test_artifacts_lie_outside_the_checkout_apart_for_each_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    paths = set()
    for name in ("here/lab", "there/lab"):
        (tmp_path / name).mkdir(parents=True)
        paths.add(Stack(tmp_path / name).cache_path)
    assert len(paths) == 2
    assert not [path for path in paths if path.is_relative_to(CHECKOUT)]


def test_unknown_verb_names_the_nearest(stack: Stack) -> None:
    with pytest.raises(BadInput, match=r"No playbook `gren`\. Did you mean `green`"):
        stack.run("gren")


def test_missing_inventory_is_told_at_once() -> None:
    with pytest.raises(BadInput, match=r"No inventory `inventory/labb`\. Did you mean `lab`"):
        Stack("inventory/labb")


def test_unknown_option_is_refused(stack: Stack) -> None:
    with pytest.raises(TypeError, match="chekc"):
        stack.site(chekc=True)  # type: ignore[call-arg]
