"""Evidence: which folders stay, and that no secret is left in them, however it is written."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.deploy.releases import env_file
from ansible_collections.mcp.aws.plugins.module_utils.evidence import slot as evidence

CHECKOUT = Path(__file__).resolve().parents[2]
AWKWARD = 'it\'s $HOME "a" %p#ss\\word/@:'
KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0B\n-----END KEY-----"


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("3f786850e387-1b2c3d4e", "20261126T160102Z-3f786850e387-1b2c3d4e"),
        ("../a b", "20261126T160102Z-.._a_b"),
        ("", "20261126T160102Z-unnamed"),
    ],
)
def test_folder_name(release: str, name: str) -> None:
    assert evidence.folder_name(datetime(2026, 11, 26, 16, 1, 2, tzinfo=UTC), release) == name


def test_the_newest_stay() -> None:
    names = ["20261126T160103Z-a", "20261126T160101Z-c", "notes", "20261126T160102Z-b", ".hidden"]
    assert evidence.outdated(names, 2) == ["20261126T160101Z-c"]
    assert evidence.outdated(names, 3) == []


def test_an_environment_file_is_read_as_it_was_written() -> None:
    values = {"AWKWARD": AWKWARD, "KEY": KEY, "EMPTY": ""}
    assert evidence.environment(env_file(values)) == values


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("LOG_LEVEL", "info", []),
        ("MCP_TOKENS", "token-number-one,token-number-two", ["token-number-one", "token-number-two"]),
        ("db_password", "p", ["p"]),
        ("DATABASE_URL", "postgresql://mcp:p%23ss@host:5432/mcp?a=b", ["p%23ss", "p#ss"]),
        ("REDIS_URL", "redis://:p@host", ["p", "p"]),
        ("HOME_PAGE", "https://example.org:8000/@me", []),
    ],
)
def test_what_is_secret_in_an_environment(name: str, value: str, found: list[str]) -> None:
    assert [secret for secret in evidence.secrets_of({name: value}) if secret != value or len(found) == 1] == found


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        (f"said {AWKWARD}!", "said ***!"),
        (f"url {quote(AWKWARD, safe='')}", "url ***"),
        (f"json {json.dumps({'a': AWKWARD})}", 'json {"a": "***"}'),
        (f"python {[AWKWARD]!r}", "python ['***']"),
        (f"compose {AWKWARD.replace('$', '$$')}", "compose ***"),
        ("a line of a key: MIIEvQIBADANBgkq", "a line of a key: ***"),
        (json.dumps(KEY), '"***"'),
        ("the password is: in a URL", "the password is: ***"),
        ("longer-secret, secret", "***, ***"),
        ("postgresql://mcp:unknown@host/db", "postgresql://mcp:***@host/db"),
        ('["http://127.0.0.1:8102","me@example.org"]', '["http://127.0.0.1:8102","me@example.org"]'),
        ("http://127.0.0.1:8102/mcp and me@example.org", "http://127.0.0.1:8102/mcp and me@example.org"),
    ],
)
def test_cover(text: str, covered: str) -> None:
    assert evidence.cover(text, [AWKWARD, KEY, "secret", "longer-secret", "", "redis://:in%20a%20URL@host"]) == covered


def test_nothing_of_the_environment_is_kept() -> None:
    said = [{"Config": {"Env": ["A=1", "PATH=/bin", "B=x=y"], "Image": "mcp"}, "Mounts": [{"Env": "no list"}]}]
    kept = json.loads(evidence.inspection(json.dumps(said)))
    assert kept == [{"Config": {"Env": ["A=***", "PATH=***", "B=***"], "Image": "mcp"}, "Mounts": [{"Env": "no list"}]}]


def test_no_inspection_is_kept_as_the_reason() -> None:
    assert json.loads(evidence.inspection("Error: No such container\n")) == {"why": "Error: No such container"}


def test_last() -> None:
    log = "2026-11-26T16:27:30.123456789Z one\n2026-11-26T16:27:31.1Z \n2026-11-26T16:27:32.1Z   two\nthree\n"
    assert evidence.last(log, 2) == ["  two", "three"]
    assert evidence.last("", 2) == []


COMMAND = {"msg": "non-zero return code", "rc": 1, "stdout": "a\n", "stderr": "1\n2\n3\n4\n5\n6\n"}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"msg": "The server ended"}, "The server ended"),
        (COMMAND, "its command ended with status 1 and said:\n2\n3\n4\n5\n6"),
        ({**COMMAND, "stderr": ""}, "its command ended with status 1 and said:\na"),
        ({"msg": "non-zero return code", "rc": 2}, "non-zero return code"),
        ({"msg": "One or more items failed", "results": [{"rc": 0}, {"failed": True, "msg": "no"}]}, "no"),
        ({}, ""),
    ],
)
def test_reason(answer: dict[str, Any], told: str) -> None:
    assert evidence.reason(answer) == told


@pytest.mark.parametrize(("letters", "kept"), [(100, "one\ntwo\n"), (6, "two\n")])
def test_a_long_log_keeps_its_end(letters: int, kept: str) -> None:
    assert evidence.whole_lines("one\ntwo\n", letters) == kept


def collected(tmp_path: Path, docker: str, **params: Any) -> dict[str, Any]:
    """Run the module with a `docker` that does what the shell line says."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, line in {"docker": docker, "journalctl": "echo the journal of $7"}.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    places = {"directory": str(tmp_path / "evidence"), "releases": str(tmp_path / "releases")}
    arguments = {"slot": "green", "release": "r1", **places, **params}
    done = subprocess.run(
        [sys.executable, CHECKOUT / "plugins/modules/slot_evidence.py"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={"PATH": f"{programs}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


def test_a_release_leaves_everything_but_its_secrets(tmp_path: Path) -> None:
    release = tmp_path / "releases" / "r1"
    release.mkdir(parents=True)
    (release / "compose.yml").write_text("name: mcp # given\n")
    (release / "secrets.env").write_text(env_file({"NAME": "of-the-release"}))
    (release / "mcp.env").write_text(env_file({"DB_PASSWORD": "of-the-environment"}))
    leak = "given of-the-release of-the-environment"
    log = f"echo '2026-11-26T16:27:30.1Z {leak}'; echo oops >&2"
    inspect = shlex.quote(json.dumps([{"Config": {"Env": ["A=unknown"]}, "Path": leak}]))
    docker = f"case $1 in logs) {log};; *) echo {inspect};; esac"
    found = collected(tmp_path, docker, answer={"msg": f"green {leak}", "said": [7]}, secrets=["given"])
    folder = Path(found["path"])
    assert (folder.parent, folder.stat().st_mode & 0o777) == (tmp_path / "evidence", 0o700)
    assert found["last"] == ["*** *** ***", "oops"]
    assert found["reason"] == "green *** *** ***"
    kept = {file.name: file.read_text() for file in folder.iterdir()}
    assert kept["container.log"] == "2026-11-26T16:27:30.1Z *** *** ***\noops\n"
    assert json.loads(kept["inspect.json"]) == [{"Config": {"Env": ["A=***"]}, "Path": "*** *** ***"}]
    assert kept["journal.log"] == "the journal of mcp@green\n"
    assert json.loads(kept["gate.json"]) == {"msg": "green *** *** ***", "said": [7]}
    assert kept["compose.yml"] == "name: mcp # ***\n"
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}


def test_without_an_engine_it_says_why(tmp_path: Path) -> None:
    found = collected(tmp_path, "echo Cannot connect to the Docker daemon >&2; exit 1")
    folder = Path(found["path"])
    assert found["last"] == ["the journal of mcp@green"]
    assert (folder / "container.log").read_text() == "Cannot connect to the Docker daemon\n"
    assert "No such file" in (folder / "compose.yml").read_text()


def test_what_cannot_be_written_fails_nothing(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("a file is in the way")
    found = collected(tmp_path, "echo hello")
    assert (found["path"], found["changed"], found["last"]) == ("", False, ["hello"])
    assert "evidence" in found["problem"]


LATE = """Starting mcp@green.service - MCP server in slot green...
mcp@green.service: Control process exited, code=exited, status=124/n/a
"""


def test_when_a_container_began_is_told_as_the_journal_takes_it() -> None:
    started = json.dumps([{"State": {"StartedAt": "2026-12-01T03:53:09.123456789Z"}}])
    assert evidence.began(started) == "2026-12-01 03:53:09 UTC"
    assert evidence.began('[{"State": {"StartedAt": 7}}]') == ""


@pytest.mark.parametrize(
    ("state", "journal", "why"),
    [
        ({"Status": "running"}, "", ""),
        ({"Status": "created"}, "", ""),
        ({"Status": "exited", "ExitCode": 3, "Error": ""}, "Started", "ended with status 3"),
        (
            {"Status": "exited", "ExitCode": 127, "Error": "no such file"},
            "Started",
            "ended with status 127: no such file",
        ),
        ({"Status": "exited", "ExitCode": 143}, LATE, "did not get ready within 90 s (stack_start_timeout)"),
        (
            {"Status": "exited", "ExitCode": 137, "OOMKilled": True},
            "",
            "was killed because its memory ran out (stack_memory)",
        ),
    ],
)
def test_why_a_server_ended(state: dict[str, Any], journal: str, why: str) -> None:
    assert evidence.why_it_ended(json.dumps([{"State": state}]), journal, 90) == why


@pytest.mark.parametrize("inspected", ["", "[]", "no such container", "[{}]", "[7]"])
def test_a_container_that_is_away_says_nothing(inspected: str) -> None:
    assert evidence.why_it_ended(inspected, LATE, 90) == ""
    assert evidence.began(inspected) == ""
