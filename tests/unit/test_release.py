"""Unit tests of releases: their names, environments, and which are chosen and deleted."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.deploy import releases as release
from ansible_collections.mcp.aws.plugins.module_utils.deploy.releases import Release


def made(name: str, served: str | None, version: str = "main") -> Release:
    """A release of the third hour."""
    return Release(name, f"mcp:{name}", f"{name}{'0' * 28}", version, "https://x/y.git", "2026-01-03", served)


NEWEST_FIRST = [
    made("cccccccccccc-1", "2026-01-03", "v3"),
    made("bbbbbbbbbbbb-1", "2026-01-02", "v2"),
    made("aaaaaaaaaaaa-1", "2026-01-01", "v1"),
    made("dddddddddddd-1", None, "v4"),
]


def unquote(line: str) -> tuple[str, str]:
    """Read one line as Compose does: in double quotes, a backslash makes the next character plain."""
    name, quoted = line.split("=", 1)
    assert quoted[0] == quoted[-1] == '"'
    value, rest = "", iter(quoted[1:-1])
    for character in rest:
        assert character not in '"$', f"{character} would end the value or begin a substitution: {line}"
        value += {"n": "\n", "r": "\r"}.get(follower := next(rest), follower) if character == "\\" else character
    return name, value


@pytest.mark.parametrize(
    "value",
    [
        "",
        "plain",
        "a b",
        " edge ",
        "#no comment",
        "$HOME ${HOME:-x} $$",
        "it's",
        'say "a"',
        "a\\b",
        "\\",
        '\\"',
        "\\n",
        "a\nb\r",
        "é€",
    ],
)
def test_environment_survives_composes_reading(value: str) -> None:
    lines = release.env_file({"NAME": value}).splitlines()
    assert [unquote(line) for line in lines] == [("NAME", value)]


def test_environment_turns_numbers_and_truth_into_text() -> None:
    assert release.env_file({"B": True, "A": 7}).splitlines() == ['A="7"', 'B="True"']


@pytest.mark.parametrize("changed", range(3))
def test_the_name_says_the_commit_and_changes_with_the_content(changed: int) -> None:
    parts = ["compose", "environment", "secrets"]
    other = [part + "!" * (number == changed) for number, part in enumerate(parts)]
    name = release.name("3f786850e387550fdab836ed7e6dc881de23001b", *parts)
    assert name.startswith("3f786850e387-")
    assert name == release.name("3f786850e387550fdab836ed7e6dc881de23001b", *parts)
    assert name != release.name("3f786850e387550fdab836ed7e6dc881de23001b", *other)


@pytest.mark.parametrize(
    ("serving", "wanted", "answer"),
    [
        ("cccccccccccc-1", "", "bbbbbbbbbbbb-1"),
        ("bbbbbbbbbbbb-1", "", "cccccccccccc-1"),
        ("cccccccccccc-1", "v1", "aaaaaaaaaaaa-1"),
        ("cccccccccccc-1", "aaaaaaa", "aaaaaaaaaaaa-1"),
        ("cccccccccccc-1", "aaaaaaaaaaaa", "aaaaaaaaaaaa-1"),
        ("cccccccccccc-1", "aaaaaaaaaaaa-1", "aaaaaaaaaaaa-1"),
    ],
)
def test_the_release_to_go_back_to(serving: str, wanted: str, answer: str) -> None:
    chosen = release.choose(NEWEST_FIRST, serving, wanted)
    assert isinstance(chosen, Release), chosen
    assert chosen.release == answer


@pytest.mark.parametrize(
    ("serving", "wanted", "says"),
    [
        ("cccccccccccc-1", "v3", "which serves already. To choose from: bbbbbbbbbbbb-1 (version v2"),
        ("cccccccccccc-1", "v4", "no such release is kept"),
        ("cccccccccccc-1", "aaaaaa", "no such release is kept. To choose from: bbbbbbbbbbbb-1"),
    ],
)
def test_what_cannot_be_gone_back_to_names_the_choice(serving: str, wanted: str, says: str) -> None:
    assert says in str(release.choose(NEWEST_FIRST, serving, wanted))


def test_nothing_to_go_back_to() -> None:
    assert "none but the serving one" in str(release.choose(NEWEST_FIRST[:1], "cccccccccccc-1", ""))


@pytest.mark.parametrize(
    ("held", "keep", "deleted"),
    [
        ([], 5, ["dddddddddddd-1"]),
        ([], 1, ["bbbbbbbbbbbb-1", "aaaaaaaaaaaa-1", "dddddddddddd-1"]),
        (["aaaaaaaaaaaa-1"], 1, ["bbbbbbbbbbbb-1", "dddddddddddd-1"]),
    ],
)
def test_what_never_served_or_is_old_is_deleted(held: list[str], keep: int, deleted: list[str]) -> None:
    assert release.superfluous(NEWEST_FIRST, held, keep) == deleted


def test_a_release_is_read_as_written_and_a_damaged_one_is_passed_over(tmp_path: Path) -> None:
    for each in NEWEST_FIRST[::-1]:
        (tmp_path / each.release).mkdir()
        each.write(tmp_path / each.release)
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / release.DETAILS).write_text('{"release": ')
    assert release.read_all(tmp_path) == NEWEST_FIRST
    (tmp_path / NEWEST_FIRST[3].release / release.SERVED).write_text("2026-01-04\n")
    assert release.read_all(tmp_path)[0] == replace(NEWEST_FIRST[3], served="2026-01-04")


@pytest.mark.parametrize("text", ["[]", "{}", "null", "7", '{"release": "a"}', '{"release": ', '"text"'])
def test_a_damaged_release_is_left_out(tmp_path: Path, text: str) -> None:
    for name in ("damaged", NEWEST_FIRST[0].release):
        (tmp_path / name).mkdir()
    (tmp_path / "damaged" / release.DETAILS).write_text(text)
    NEWEST_FIRST[0].write(tmp_path / NEWEST_FIRST[0].release)
    assert release.read_all(tmp_path) == NEWEST_FIRST[:1]
