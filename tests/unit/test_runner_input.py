"""Hostile and odd input of runner.py: each is taken or refused in one sentence, and no secret comes through."""

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
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runs import given as taken
from runs import inventories
from runs.cli import values
from runs.cli.names import judge_tags
from runs.cli.parser import Parser, parse
from runs.display.state import State
from runs.display.tables import tables
from runs.errors import BadInput
from runs.events import Event
from runs.history.command import whole
from runs.history.history import History
from runs.history.times import begin_of, day_of, moment_of
from runs.masks import MASK, Masks
from runs.outcome import FILE, Outcome
from runs.recorder import Recorder, early_failures, message
from runs.verdicts import Preflight, read, read_all
from runs.words import safe

settings.register_profile("steady", deadline=None, max_examples=50)  # this machine may be busy
settings.load_profile("steady")
ROOT = Path(__file__).resolve().parents[2]
TEXT = st.text(max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
SECRETS = st.text(st.characters(codec="utf-8"), min_size=6, max_size=40).filter(
    lambda text: len(text.strip()) >= 6 and not text.startswith(("/", "~", "./"))
)
PEM = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA7\nq8Zt+/9aXx==\nab\n-----END KEY-----\n"
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
OUTCOME = Outcome("site", "i", Path("/a"), NOW, "successful", 0, 1.0)


def _event(result: Any, kind: str = "runner_on_ok", **more: Any) -> dict[str, Any]:
    data = {"host": "web", "task": "It", "task_uuid": "t", "task_path": "/p.yml:3", "res": result}
    return {
        "event": kind,
        "counter": 1,
        "created": NOW.isoformat(),
        "uuid": "u",
        "stdout": "",
        "event_data": data | more,
    }


# Secrets


@given(SECRETS, JSON)
@example("604800", {"size": 604800, "more": 1.604800, "stdout": "604800 s", "604800": [604800.0]})
@example("nabcde", {"a": "\nabcde"})
@example("counter", {"counter": 3})
@example("changed", {"changed": True})
def test_a_masked_event_is_an_event(secret: str, result: Any) -> None:
    masks = Masks({"TOKEN": secret})
    masked = json.loads(json.dumps(masks.event(_event({"told": secret, "other": result}))))
    assert masked["event_data"]["res"]["told"] == MASK or secret.strip() != secret
    assert secret.strip() not in masked["event_data"]["res"]["told"]
    Recorder()(masked)
    State("site", NOW).take(Event.of(masked))


@given(SECRETS)
@example('with "quotes" and \\ back')
@example("it's a 'secret'")
@example("pässwörd€😀x")
@example(PEM)
@example("a b c d e f g h")
@example("0000\x1f0")
@example("0000\x850")
@example("0\u2028000\u20290")
def test_every_form_of_a_secret_is_masked(secret: str) -> None:
    masks, whole = Masks({"some_password": secret}), secret.strip()
    forms = {
        "json": json.dumps({"a": whole}),
        "json, characters kept": json.dumps({"a": whole}, ensure_ascii=False),
        "json in json": json.dumps(json.dumps({"a": whole})),
        "yaml": yaml.safe_dump({"a": {"b": whole}}, width=40),
        "yaml, characters kept": yaml.safe_dump({"a": whole}, allow_unicode=True),
        "indented": whole.replace("\n", "\n        "),
    }
    for name, text in forms.items():
        found = masks.text(text)
        assert MASK in found, (name, text)
        assert whole not in found
        for line in whole.splitlines():
            assert len(line.strip()) < 6 or line.strip() not in found, name


def test_lines_of_a_key_are_masked_also_alone_and_the_short_ones_within_it() -> None:
    masks = Masks({"deploy": {"private_key": PEM}})
    assert masks.text("it ends in q8Zt+/9aXx==") == f"it ends in {MASK}"
    assert masks.text("key: |\n  " + PEM.replace("\n", "\n  ")) == f"key: |\n  {MASK}\n  "
    assert masks.text(json.dumps(PEM)) == f'"{MASK}\\n"'


@pytest.mark.parametrize(
    ("number", "same"),
    [(604800, [604800, 604800.0, "604800"]), ("604800", [604800]), (123456.5, [123456.5, "123456.5"])],
)
def test_numbers_and_names_that_are_a_secret_are_masked(number: Any, same: list[Any]) -> None:
    masks = Masks({"TOKEN": number})
    assert masks.value({"a": same, f"x{number}": True}) == {"a": [MASK] * len(same), f"x{MASK}": True}
    assert masks.value([604801, True, None, 1.5]) == [604801, True, None, 1.5]


def test_a_host_whose_name_is_a_secret_is_still_counted() -> None:
    recorder, masks = Recorder(), Masks({"TOKEN": "web-host"})
    recorder(masks.event(_event({"failed": True}, "runner_on_failed", host="web-host")))
    recorder(masks.event(_event(None, "playbook_on_stats", processed={"web-host": 1}, failures={"web-host": 1})))
    assert [failure.host for failure in recorder.failures()] == ["web-host"]


def test_the_path_of_a_secret_is_none_but_a_secret_may_begin_with_a_slash() -> None:
    masks = Masks({"AWS_SECRET_ACCESS_KEY": "/wJalrXUtnFEMI", "VAULT_PASSWORD_FILE": "/etc/vault", "a_token": "/etc"})
    assert masks.text("/wJalrXUtnFEMI /etc/vault /etc") == f"{MASK} /etc/vault /etc"


@pytest.mark.parametrize("value", ["\\" * 40, "a " * 40, "!\\" * 30, "'" * 40])
def test_looking_for_a_secret_takes_no_longer_than_its_text(value: str) -> None:
    program = (
        f"from runs.masks import Masks; Masks({{'TOKEN': {value!r}}}).text({value!r} * 200 + 'x' + chr(92) * 5000)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=20, check=True)


# What playbooks publish and hosts say


@given(st.dictionaries(st.sampled_from(["verdict", "versions", "other"]), JSON))
@example({"verdict": "fine"})
@example({"versions": [1]})
@example({"verdict": {"schema": "mcp.aws/verdict/1"}})
@example({"versions": {"schema": "mcp.aws/versions/1", "hosts": {"h": {"lock": {"a": 1}, "deploys": [{}]}}}})
def test_a_verdict_of_any_shape_is_shown_or_left_out(published: dict[str, Any]) -> None:
    run = Outcome("site", "i", Path("/a"), NOW, "successful", 0, 1.0, published=published)
    assert list(tables(run, 100)) is not None
    assert run.headline
    assert str(read(published, "site"))
    assert isinstance(read_all(published), dict)
    json.dumps(run.as_dict())


@given(JSON, st.sampled_from(["runner_on_ok", "runner_on_failed", "runner_retry", "runner_item_on_ok"]))
@example({"results": 3, "unpredicted": 3, "ansible_stats": 3, "attempts": "x"}, "runner_on_failed")
@example({"results": [{"failed": True, "results": 7}]}, "runner_on_failed")
def test_a_result_of_any_shape_is_recorded(result: Any, kind: str) -> None:
    recorder = Recorder()
    recorder(_event(result, kind))
    State("site", NOW).take(Event.of(_event(result, kind)))
    assert len(recorder.failures()) <= 1
    assert message(result if isinstance(result, dict) else {})


@given(st.lists(TEXT, max_size=3))
@example([""])
def test_problems_of_preflight_are_told(problems: list[str]) -> None:
    assert Preflight.of({"schema": "mcp.aws/preflight/1", "problems": problems}).words


@given(st.text())
@example("\x1b[2J\x1b]0;title\x07\x9b31mtext\r\u202e")
def test_a_safe_text_does_nothing_to_a_terminal(text: str) -> None:
    assert not [sign for sign in safe(text) if (ord(sign) < 32 and sign not in "\n\t") or 127 <= ord(sign) < 160]
    assert "\x1b" not in safe(safe(text, coloured=True).replace("\x1b[31m", ""))
    assert safe("\x1b[31mred\x1b[0m", coloured=True) == "\x1b[31mred\x1b[0m"


CHECK = {"id": "d", "section": "system", "title": "Disk", "ok": False, "limit": "", "hint": "\x1b[2Jhint"}
JUDGED = {
    "schema": "mcp.aws/verdict/1",
    "kind": "verify",
    "name": "lab",
    "ok": False,
    "started": NOW.isoformat(),
    "finished": NOW.isoformat(),
    "checks": [CHECK | {"measured": "\x1b]0;owned\x07\x1b[31m91 %\u202e"}],
    "skipped": [{"id": "x", "section": "system", "title": "X", "skipped": "no\x1bc", "limit": ""}],
}


def test_what_a_host_measured_does_not_reach_the_terminal_as_a_command() -> None:
    from ansible_collections.mcp.aws.plugins.module_utils import verdict

    for text in (verdict.table(JUDGED), verdict.closing(JUDGED)):
        assert not set(text) & {"\x1b", "\x07", "\u202e"}
        assert "91 %" in text
    shown = [line.plain for line in tables(Outcome("site", "i", Path("/a"), NOW, published={"verdict": JUDGED}), 100)]
    assert "91 %" in "".join(shown)
    assert not set("".join(shown)) & {"\x1b", "\x07", "\u202e"}


@given(st.text())
def test_any_output_gives_a_failure_that_says_something(output: str) -> None:
    [failure] = early_failures(output)
    assert failure.message


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
    assert taken.variables(given_) == given_


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: taken.variables({b"a": 1}), "is no text"),  # type: ignore[dict-item]
        (lambda: taken.variables([1]), "give a mapping"),  # type: ignore[arg-type]
        (lambda: taken.variables({"a": object()}), "holds a object"),
        (lambda: taken.words("tags", [1]), "tags: 1 is no text"),  # type: ignore[list-item]
        (lambda: taken.words("tags", 5), "tags: 5 is no text"),  # type: ignore[arg-type]
        (lambda: taken.words("tags", b"x"), "tags: b'x' is no text"),  # type: ignore[arg-type]
        (lambda: taken.number("timeout", -1), "timeout is -1"),
        (lambda: taken.number("timeout", float("nan")), "timeout is nan"),
        (lambda: taken.number("wait", "5"), "wait is '5'"),  # type: ignore[arg-type]
        (lambda: taken.whole("forks", 1.5), "forks is 1.5"),  # type: ignore[arg-type]
        (lambda: taken.text("limit", 5), "limit is 5"),  # type: ignore[arg-type]
        (lambda: taken.text("limit", "a\0"), "null byte"),
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
import runner, runs.cli.main
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "random.py" in done.stdout
    assert str(ROOT / "runs") not in done.stdout


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
        ("/dev/null", "neither a file nor a directory"),
    ],
)
def test_what_means_no_inventory_or_several_is_refused(places: Path, name: str | Path, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        inventories.find(name)
    assert "README" not in str(caught.value)
    assert "uv.lock" not in str(caught.value)


def test_one_inventory_is_found_whatever_it_is_called(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert inventories.find("alone") == places / "alone"
    assert inventories.find("inventory/one/") == places / "inventory/one"
    monkeypatch.chdir(places / "inventory" / "two")
    assert inventories.find(".") == places / "inventory/two"


@pytest.mark.parametrize("text", ["all: [", "plugin: amazon.aws.aws_ec2\nregions: [\n"])
def test_an_inventory_that_is_no_yaml_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    (tmp_path / "aws_ec2.yml").write_text(text)
    with pytest.raises(BadInput, match=r"The inventory cannot be read: .*line \d"):
        inventories.environment(tmp_path)
