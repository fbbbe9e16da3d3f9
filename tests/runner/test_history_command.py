"""`python runner.py history`: what it prints for a terminal, for a pipe and as JSON, and what it refuses."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from mcp_aws.changes import Change
from mcp_aws.errors import BadInput
from mcp_aws.history.command import add_arguments, show
from mcp_aws.history.history import History
from mcp_aws.outcome import COLOUR, Failure
from runner import Stack
from tests.runner.past import NOW, outcome, task


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "below" / "history.sqlite")


@pytest.fixture
def ask(history: History, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Ask through the command and return what it prints."""
    stack = SimpleNamespace(history=history, verbs=lambda: ["site", "deploy", "verify"])

    def ask(*words: str) -> str:
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        said = parser.parse_args(words)
        said.inventory = "inventory/lab"
        assert show(cast(Stack, stack), said) == 0
        return capsys.readouterr().out

    return ask


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--since tusday", "Did you mean `tuesday`? Give a date as"),
        ("--since 2026-13-01", "no day. Give a date as 2026-11-24"),
        ("--until 7x", "90m, 12h, 7d, 2w"),
        ("--since 2026-11-24T99:00", "no time"),
        ("--verb sit", "Did you mean `site`"),
        ("--verb zzz", "There are: deploy, site, verify."),
        ("--number 0", "give one or more"),
        ("--since today --until yesterday", "not before"),
    ],
)
def test_the_command_says_what_would_be_right(ask: Callable[..., str], words: str, said: str) -> None:
    with pytest.raises(BadInput) as raised:
        ask(*words.split())
    assert said in str(raised.value)


def filled(history: History) -> None:
    history.record(
        outcome("20261124T180000-site-ab12cd", changes=(Change("web", "proxy", "Write [it]", "a"),)),
        [task("proxy/Write [it]", 2.0)],
    )
    failure = Failure("web", "Restart the MCP server", "it did not come up\nmore", "s.yml", 7)
    history.record(outcome("20261125T180000-deploy-ffee01", "deploy", days=1, ok=False, failures=(failure,)), [])


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ("", ["site green 12.5 1", "ab12cd", "deploy failed", "ffee01"]),
        ("last", ["site green", "ab12cd"]),
        ("tasks", ["proxy/Write [it] 1 2.0 s 2.0 s"]),
        ("changes --since 7d --verb site", ["site web proxy: Write [it]: a"]),
        ("changes --verb deploy", ["No changes are recorded for inventory/lab."]),
        ("failures", ["deploy web Restart the MCP server: it did not come up"]),
        ("checks", ["No red checks are recorded"]),
        ("--since 2020-01-01 --until 2020-01-02", ["No runs are recorded"]),
    ],
)
def test_the_command_prints_lines_for_a_pipe(
    ask: Callable[..., str], history: History, words: str, lines: list[str]
) -> None:
    filled(history)
    printed = " ".join(ask(*words.split()).split())
    assert [line for line in lines if line not in printed] == [], printed


def test_the_table_of_runs_fits_80_columns_of_a_terminal(
    ask: Callable[..., str], history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.record(outcome("20261124T180000-maintenance-ab12cd", "maintenance", check=True, duration=12345.6), [])
    filled(history)
    for name, value in {"COLUMNS": "80", "TTY_COMPATIBLE": "1", "TERM": "xterm", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    table = COLOUR.sub("", ask()).splitlines()
    assert max(map(len, table)) <= 80
    for shown in ("maintenance", "12345.6", "green", "ab12cd", "ffee01"):
        assert any(shown in line for line in table), "\n".join(table)


def test_json_has_all_that_is_known(ask: Callable[..., str], history: History) -> None:
    filled(history)
    [last] = json.loads(ask("last", "--json"))
    assert datetime.fromisoformat(last["started"]) == NOW
    assert (last["ident"], last["ok"], last["artifacts"]) == (
        "20261124T180000-site-ab12cd",
        True,
        "/a/20261124T180000-site-ab12cd",
    )
    assert json.loads(ask("checks", "--json")) == []
