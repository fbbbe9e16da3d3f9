"""Releases, slots, evidence and locks with odd input: what was written is read, and what is damaged ends nothing."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.deploy import log as deploy_log
from ansible_collections.mcp.aws.plugins.module_utils.deploy import releases as release
from ansible_collections.mcp.aws.plugins.module_utils.deploy import slots
from ansible_collections.mcp.aws.plugins.module_utils.deploy.releases import Release
from ansible_collections.mcp.aws.plugins.module_utils.evidence import slot as evidence
from ansible_collections.mcp.aws.plugins.module_utils.run import stack_lock
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.odd_values import JSON, TEXT
from tests.unit.test_release import unquote

NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True)
DEEP = "[" * 20_000
# JSON, half of JSON, and what is none.
CONTENT = st.one_of(JSON.map(json.dumps).map(str.encode), st.text().map(str.encode), st.binary(max_size=40))
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)

# Releases

RELEASES = st.builds(Release, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, st.none() | TEXT)


@given(
    CONTENT
    | st.builds(
        lambda known, odd: json.dumps(asdict(known) | odd).encode(),
        RELEASES,
        st.dictionaries(st.sampled_from([*Release.__dataclass_fields__, "other"]), JSON, max_size=2),
    )
)
@example(b"{}")
@example(b"null")
@example(DEEP.encode())
def test_releases_beside_a_file_of_any_content_are_read(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("releases")
    sound = Release("sound", "i", "c" * 40, "main", "r", "2026-01-01", "2026-01-02")
    for name in ("odd", "sound"):
        (folder / name).mkdir()
    sound.write(folder / "sound")
    (folder / "odd" / release.DETAILS).write_bytes(content)
    found = release.read_all(folder)
    assert sound in found
    assert len(found) <= 2
    assert found == release.read_all(folder)
    for each in found:
        texts = {name: value for name, value in asdict(each).items() if name != "served" or value is not None}
        assert all(isinstance(value, str) for value in texts.values())
    assert {each["release"] for each in release.overview(found, {}, "")["releases"]} == {each.release for each in found}


@given(RELEASES)
def test_a_release_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, known: Release) -> None:
    folder = tmp_path_factory.mktemp("release")
    known.write(folder)
    assert Release.read(folder) == known
    assert [path.name for path in folder.iterdir()] == [release.DETAILS]


@given(st.lists(RELEASES, max_size=6, unique_by=lambda each: each.release), st.data())
def test_what_is_chosen_has_served_and_what_is_deleted_is_in_no_slot(known: list[Release], data: st.DataObject) -> None:
    names = st.sampled_from([each.release for each in known] or [""])
    serving, wanted = data.draw(names), data.draw(TEXT | names | st.just(""))
    chosen = release.choose(known, serving, wanted)
    if isinstance(chosen, Release):
        assert chosen in known
        assert chosen.served
        assert chosen.release != serving
        assert not wanted or chosen.matches(wanted)
    else:
        assert chosen.endswith(".")
    deleted = release.superfluous(known, [serving], keep := data.draw(st.integers(1, 5)))
    left = [each for each in known if each.release not in deleted]
    assert serving not in deleted
    assert sum(bool(each.served) for each in left if each.release != serving) <= keep
    assert release.superfluous(left, [serving], keep) == []


@given(st.dictionaries(NAMES, st.text(st.characters(codec="utf-8", exclude_characters="\0")), max_size=4))
@example({"KEY": 'a\\"b\n\r$HOME\\n'})
@example({"KEY": "a\x0bb\x85c\u2028d"})
def test_an_environment_is_read_as_it_was_written_by_compose_and_by_the_evidence(values: dict[str, str]) -> None:
    text = release.env_file(values)
    assert dict(unquote(line) for line in text.split("\n")[:-1]) == values
    assert evidence.environment(text) == values
    assert release.env_file(dict(reversed(values.items()))) == text


# Slots


@given(st.text())
def test_the_proxys_map_names_a_slot_in_one_word_or_none(text: str) -> None:
    found = slots.parse_serving(text)
    assert found in ["", *text.split()]
    if found:
        assert slots.parse_serving(f"# {text.splitlines()[0]}\n\nserving {found}\n") == found


@given(st.lists(TEXT, max_size=4), TEXT)
@example([], "")
@example(["blue"], "blue")
@example(["blue", "blue"], "blue")
def test_the_slot_to_fill_is_another_than_the_one_that_serves(names: list[str], serving: str) -> None:
    if set(names) <= {serving}:
        with pytest.raises(ValueError, match="stack_slots") as refused:
            slots.idle(names, serving)
        assert "\n" not in str(refused.value).replace(serving, "")
        return
    found = slots.idle(names, serving)
    assert found in names
    assert found != serving
    assert set(names[: names.index(found)]) <= {serving}


# Evidence


@given(
    JSON.map(json.dumps)
    | st.text()
    | JSON.map(lambda state: json.dumps([{"State": state}]))
    | st.dictionaries(st.sampled_from(["OOMKilled", "Status", "ExitCode", "Error"]), JSON | st.just("exited")).map(
        lambda state: json.dumps([{"State": state}])
    ),
    st.sampled_from(["", evidence.GAVE_UP, "Started"]),
)
@example("null", "")
@example('[{"State": null}]', "")
@example(DEEP, "")
def test_why_a_server_ended_is_told_whatever_the_engine_says(inspected: str, journal: str) -> None:
    why = evidence.why_it_ended(inspected, journal, 90)
    evidence.began(inspected)
    assert not why or why.startswith(("was killed", "did not get ready within 90 s", "ended with status "))
    assert not why or '"State"' in inspected


@given(
    JSON.map(json.dumps) | st.text() | st.lists(JSON).map(lambda entries: json.dumps([{"Config": {"Env": entries}}]))
)
@example('{"Env": [7]}')
@example(DEEP)
def test_an_inspection_is_kept_as_json_without_the_environment(inspected: str) -> None:
    kept = evidence.inspection(inspected)
    assert evidence.inspection(kept) == kept
    found = json.loads(kept)
    with suppress(LookupError, TypeError):
        assert all(entry.endswith(f"={evidence.COVER}") for entry in found[0]["Config"]["Env"])


@given(st.text(), st.lists(st.text(st.characters(codec="utf-8"), min_size=4, max_size=30), max_size=3))
def test_no_secret_is_left_in_a_text(text: str, secrets: list[str]) -> None:
    whole = text.join(["", *secrets, ""])
    covered = evidence.cover(whole, secrets)
    assert not [secret for secret in secrets if secret in covered and secret not in evidence.COVER]
    assert evidence.cover(text, []) == evidence.cover(evidence.cover(text, []), [])


# Who holds a lock


@given(
    CONTENT
    | st.fixed_dictionaries(
        {"began": JSON | st.datetimes(timezones=st.none() | st.just(UTC)).map(datetime.isoformat)},
        optional={"who": JSON, "verb": JSON, "version": JSON},
    ).map(lambda held: json.dumps(held).encode())
)
@example(b'{"began": "2026-01-01T00:00:00"}')
@example(b'{"began": "0001-01-01T00:00:00+14:00"}')
@example(DEEP.encode())
def test_the_holder_of_the_deploy_lock_is_told_whatever_the_file_says(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("state")
    (folder / deploy_log.LOCK).write_bytes(content)
    held = deploy_log.lock(folder)
    assert held == deploy_log.lock(folder)
    assert set(held) == {"damaged"} or held == json.loads(content)
    told = deploy_log.describe(held, NOW)
    assert " is damaged. Break it with " in told or " holds the lock since " in told


@given(st.lists(CONTENT, max_size=5), st.integers(-1, 5))
@example([DEEP.encode()], 5)
def test_damaged_lines_of_the_record_are_left_out(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], count: int
) -> None:
    folder = tmp_path_factory.mktemp("state")
    (folder / deploy_log.FILE).write_bytes(b"\n".join([*lines, b'{"run": "last"}\n']))
    found = deploy_log.read(folder, count)
    assert len(found) <= max(0, count)
    assert found[-1:] == ([{"run": "last"}] if count > 0 else [])


@given(st.dictionaries(TEXT, st.integers() | TEXT, max_size=3))
@example({"who": "a\x85b\u2028c"})
def test_the_record_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, record: dict[str, Any]) -> None:
    folder = tmp_path_factory.mktemp("state")
    (folder / deploy_log.FILE).write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")
    assert deploy_log.read(folder) == [record]


@given(st.floats(-1e9, 1e12))
def test_a_duration_is_told_in_two_units_that_follow_each_other(length: float) -> None:
    told = deploy_log.duration(length)
    assert re.fullmatch(r"\d+ d( \d+ h)?|\d+ h( \d+ min)?|\d+ min( \d+ s)?|\d+ s", told)
    sizes = {"d": 86400, "h": 3600, "min": 60, "s": 1}
    words = told.split()
    parts = [(int(number), sizes[unit]) for number, unit in zip(words[::2], words[1::2], strict=True)]
    assert 0 <= max(0, round(length)) - sum(number * size for number, size in parts) < max(1, parts[0][1] // 23)


@given(
    CONTENT
    | st.dictionaries(
        st.sampled_from(["verb", "stack", "started", "pid", "user", "host", "inventory"]),
        JSON | st.datetimes().map(datetime.isoformat),
    ).map(lambda holder: json.dumps(holder).encode())
)
@example(b'{"user": "\\u001b[2J\\n"}')
@example(b'{"started": "0001-01-01T00:00"}')
@example(DEEP.encode())
def test_the_holder_of_a_stack_is_told_in_one_line_that_a_terminal_can_show(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("locks") / "lock"
    path.write_bytes(content)
    with path.open("rb") as file:
        holder = stack_lock._read(file.fileno())
    told = stack_lock.describe(holder)
    assert told.isprintable()
    assert told.endswith(f"; {stack_lock.ADVICE}")
