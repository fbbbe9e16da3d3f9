"""Odd and hostile input of runner.py is taken, or refused in one sentence."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mcp_aws import arguments, inventories
from mcp_aws.cli import values
from mcp_aws.cli.names import judge_tags
from mcp_aws.cli.parser import Parser, parse
from mcp_aws.errors import BadInput
from mcp_aws.history.command import whole
from mcp_aws.history.history import History
from mcp_aws.history.times import begin_of, day_of, moment_of
from mcp_aws.outcome import FILE, Outcome
from mcp_aws.stack import Stack
from tests.unit.odd_values import JSON, OUTCOME, ROOT, TEXT

# The command line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{a: !!int x}", "a value is not what its tag says"),
        ("{a: !!timestamp x}", "a value is not what its tag says"),
        ("{a: &a [*a]}", "refers to itself"),
        ("{a: !!set {x}}", "holds a set"),
        ("{a: !!binary aGk=}", "holds a bytes"),
        ("{1: x}", "the name `1` is no text"),
        ("{a: {[1, 2]: x}}", "unhashable key"),
        ("{a: " + "[" * 3000 + "]" * 3000 + "}", "nested too deeply"),
        ("{a: " + "[" * 60 + "]" * 60 + "}", "deeper than 50"),
        (
            "{a: &a [1,1,1,1,1,1,1,1,1,1]"
            + "".join(f", {n}: &{n} [{','.join([f'*{m}'] * 10)}]" for m, n in zip("abcdef", "bcdefg", strict=True))
            + "}",
            "more than",
        ),
        ("{a: !!python/object:x.y {}}", "could not determine a constructor"),
        ("{a: [}", "-e {a: [}: "),
        ("@~nobody-of-that-name/x", "-e @~nobody-of-that-name/x: "),
        ("@/", "Is a directory"),
    ],
)
def test_variables_that_cannot_be_are_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words.replace("[", r"\[")) as caught:
        values.variables([text])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_days_among_variables_are_texts() -> None:
    found = values.variables(["{a: 2020-13-45, b: 2020-01-01, 2020-01-02: x}"])
    assert found == {"a": "2020-13-45", "b": "2020-01-01", "2020-01-02": "x"}


@given(
    st.one_of(
        st.text(), JSON.map(json.dumps), JSON.map(lambda value: yaml.safe_dump({"a": value}, default_flow_style=True))
    )
)
def test_variables_of_any_text_are_json_or_refused(text: str) -> None:
    try:
        found = values.variables([text.lstrip("@")])
    except BadInput:
        return
    json.dumps(found)


@given(st.text(max_size=12) | st.from_regex(r"\d{1,400}(\.\d+)?[smh]?", fullmatch=True))
@pytest.mark.parametrize("parsed", [values.seconds, values.positive, whole])
def test_numbers_of_any_text(parsed: Callable[[str], float], text: str) -> None:
    with suppress(argparse.ArgumentTypeError):
        assert -1e18 < parsed(text) < 1e18


@given(st.text(max_size=20) | st.dates().map(str) | st.datetimes().map(lambda moment: moment.isoformat()))
@example("0001-01-01")
@example("0001-01-01T00:00")
@example("9999-12-31")
@example("9999-12-31T23:59:59-14:00")
@example("99999w")
def test_a_moment_of_any_text(text: str) -> None:
    with suppress(BadInput):
        moment_of(text).astimezone(UTC)
        day_of(text)


@pytest.mark.parametrize("limit", [2**70, 10**20, 1, 0, -1])
def test_a_history_is_asked_with_any_number_and_date(tmp_path: Path, limit: int) -> None:
    history = History(tmp_path / "history.sqlite")
    assert history.runs(limit=limit, since=datetime.min, until=datetime.max) == []
    assert history.slowest("site", limit) == history.failures(limit=limit) == history.changed_on(date.max) == []
    with pytest.raises(BadInput):
        begin_of(date.min)
    assert history.runs(since=datetime.max.replace(tzinfo=UTC) - timedelta(1)) == []


@given(
    st.lists(
        st.sampled_from(["site", "teardown", "plan", "-i", "", "--confirm", "--limit", "\x1b", "a=1", "-e"]) | TEXT,
        max_size=5,
    )
)
def test_any_command_line_is_read_or_refused(words: list[str]) -> None:
    with suppress(BadInput, SystemExit):
        parse(words)


def test_choices_without_quotes_as_newer_pythons_list_them() -> None:
    with pytest.raises(BadInput, match=r"No playbook `stie`\. Did you mean `site`\?"):
        Parser(prog="x").error("argument VERB: invalid choice: 'stie' (choose from site, verify)")


@pytest.mark.parametrize("option", ["--limit", "--node", "--version"])
def test_an_unset_variable_of_a_shell_is_no_value(option: str) -> None:
    with pytest.raises(BadInput, match=f"{option} is empty"):
        parse(["deploy", option, ""])


def test_an_unknown_tag_is_refused_with_what_there_is() -> None:
    with pytest.raises(BadInput, match=r"No tag `zzz`\. There are: .*postgresql"):
        judge_tags("zzz", ROOT / "playbooks")
    with pytest.raises(BadInput, match=r"No tag `deplo`"):
        judge_tags("deplo", ROOT / "playbooks")
    judge_tags("stack,always", ROOT / "playbooks")


# The library


@given(st.dictionaries(TEXT, JSON))
def test_variables_that_json_takes_stay_as_they_are(given_: dict[str, Any]) -> None:
    assert arguments.variables(given_) == given_


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: arguments.variables({b"a": 1}), "is no text"),  # type: ignore[dict-item]
        (lambda: arguments.variables([1]), "give a mapping"),  # type: ignore[arg-type]
        (lambda: arguments.variables({"a": object()}), "holds a object"),
        (lambda: arguments.tags("tags", [1]), "tags: 1 is no text"),  # type: ignore[list-item]
        (lambda: arguments.tags("tags", 5), "tags: 5 is no text"),  # type: ignore[arg-type]
        (lambda: arguments.tags("tags", b"x"), "tags: b'x' is no text"),  # type: ignore[arg-type]
        (lambda: arguments.number("timeout", -1), "timeout is -1"),
        (lambda: arguments.number("timeout", float("nan")), "timeout is nan"),
        (lambda: arguments.number("wait", "5"), "wait is '5'"),  # type: ignore[arg-type]
        (lambda: arguments.whole("forks", 1.5), "forks is 1.5"),  # type: ignore[arg-type]
        (lambda: arguments.text("limit", 5), "limit is 5"),  # type: ignore[arg-type]
        (lambda: arguments.text("limit", "a\0"), "null byte"),
    ],
)
def test_options_of_another_type_are_refused_by_their_names(wrong: Callable[[], object], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        wrong()


@pytest.mark.parametrize(
    "text", ["[]", "{}", "null", "{", "\xff", '{"schema": "mcp.aws/run/2"}', '{"schema": "mcp.aws/run/1"}']
)
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="latin-1")
    with pytest.raises(BadInput, match="is no result of a run"):
        Outcome.read(tmp_path)


@given(JSON)
def test_a_result_of_any_content_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: Any) -> None:
    folder = tmp_path_factory.mktemp("run")
    whole = OUTCOME.as_dict()
    for damaged in [content] if not isinstance(content, dict) else [content, whole | content]:
        (folder / FILE).write_text(json.dumps(damaged))
        with suppress(BadInput):
            Outcome.read(folder)


def test_importing_the_library_registers_nothing_with_forks() -> None:
    program = """
import os, sys
os.register_at_fork = lambda **_: print(sys._getframe(1).f_code.co_filename)
import runner, mcp_aws.cli.main
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "random.py" in done.stdout
    assert str(ROOT / "mcp_aws") not in done.stdout


def test_another_system_is_told_that_it_will_not_do() -> None:
    program = "import sys; sys.platform = 'darwin'; import mcp_aws.processes"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr.endswith(
        "ImportError: mcp.aws runs its playbooks from Linux only: it finds and ends their processes through /proc.\n"
    )


# Which inventory


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with two inventories and what else lies in one."""
    for name in ("one", "two"):
        (tmp_path / "inventory" / name / "group_vars").mkdir(parents=True)
        (tmp_path / "inventory" / name / "hosts").write_text("[all:vars]\na=1\n")
    (tmp_path / "README.md").write_text("text")
    (tmp_path / "uv.lock").write_text("[[package]]\n")
    (tmp_path / "alone").write_text("# a comment\n[servers]\nweb\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "name is empty"),
        (" ", "name is empty"),
        ("/", "the whole file system"),
        (Path(), "holds others"),
        ("inventory", r"There are: inventory/one, inventory/two\."),
        ("inventory/on", "Did you mean `one`"),
        ("nope", r"No inventory `nope`\. There are: alone, inventory/"),
        ("x" * 300, "cannot be read: File name too long"),
        ("/nope", r"No inventory `/nope`\."),
        ("/dev/null", "neither a file nor a directory"),
    ],
)
def test_what_means_no_inventory_or_several_is_refused(places: Path, name: str | Path, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        inventories.find(name)
    assert "README" not in str(caught.value)
    assert "uv.lock" not in str(caught.value)


def test_hidden_directories_are_no_inventories(places: Path) -> None:
    (places / ".tox").mkdir()
    (places / ".tox" / "config").write_text("[core]\n")  # as git has one
    with pytest.raises(BadInput) as caught:
        inventories.find("nope")
    assert ".tox" not in str(caught.value)
    assert ".git" not in str(caught.value)


@pytest.mark.parametrize(
    ("verb", "refused"),
    [
        ("site", False),
        ("provision", False),
        ("teardown", False),
        ("configure", True),
        ("deploy", True),
        ("verify", True),
    ],
)
def test_hosts_that_cannot_be_listed_are_no_empty_list_where_hosts_are_needed(
    tmp_path: Path, verb: str, refused: bool
) -> None:
    (tmp_path / "aws_ec2.yml").write_text("plugin: amazon.aws.aws_ec2\n")
    found = inventories.environment(tmp_path, Stack.playbooks / f"{verb}.yml")
    assert (found == {inventories.COMPLETE: "True"}) is refused


def test_one_inventory_is_found_whatever_it_is_called(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert inventories.find("alone") == places / "alone"
    assert inventories.find("inventory/one/") == places / "inventory/one"
    monkeypatch.chdir(places / "inventory" / "two")
    assert inventories.find(".") == places / "inventory/two"


@pytest.mark.parametrize("text", ["all: [", "plugin: amazon.aws.aws_ec2\nregions: [\n"])
def test_an_inventory_that_is_no_yaml_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    (tmp_path / "aws_ec2.yml").write_text(text)
    with pytest.raises(BadInput, match=r"The inventory cannot be read: .*line \d"):
        inventories.environment(tmp_path, tmp_path / "deploy.yml")
