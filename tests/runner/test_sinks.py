"""ARA as a sink: a real run recorded in its database, and what must not be in there."""

from __future__ import annotations

import importlib.util
import json
import os
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mcp_aws import sinks
from mcp_aws.errors import BadInput

SECRET = "hunter2-of-extra-vars"  # noqa: S105
HIDDEN = "hidden-by-no-log"
PLAYBOOK = """
- name: Tell ARA
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Say what may be seen
      ansible.builtin.debug: {msg: seen by all}
    - name: Use a secret
      ansible.builtin.debug: {msg: "{{ password }}"}
      no_log: true
    - name: Use a secret of the playbook's own
      ansible.builtin.set_fact: {other: "{{ lookup('env', 'HIDDEN') }}"}
      no_log: true
"""
OWN = """
from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_NAME = "own"
    def v2_playbook_on_stats(self, stats):
        self._display.display("own callback at work")
"""


def test_ara_records_a_run_without_extra_variables_beside_what_ansible_cfg_names(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(PLAYBOOK)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "own.py").write_text(OWN)
    (tmp_path / "ansible.cfg").write_text("[defaults]\ncallback_plugins = own\n")
    inherited = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg")}
    inherited |= {"HIDDEN": HIDDEN, "ARA_IGNORED_ARGUMENTS": "forks", "LC_ALL": "C.UTF-8"}
    run = subprocess.run(
        [
            Path(sys.executable).with_name("ansible-playbook"),
            *("-i", "localhost,", "-c", "local", "-e", json.dumps({"password": SECRET}), "site.yml"),
        ],
        cwd=tmp_path,
        env=inherited | sinks.environment(("ara",), tmp_path / "cache", inherited),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "own callback at work" in run.stdout, run.stdout
    base = tmp_path / "cache" / "ara"
    assert base.stat().st_mode & 0o077 == 0, "others can read what ARA has"
    with closing(sqlite3.connect(base / "ansible.sqlite")) as database:
        assert database.execute("SELECT status FROM playbooks").fetchall() == [("completed",)]
        kept = {table: list(_texts(database, table)) for table in ("playbooks", "files", "tasks", "results", "hosts")}
    assert {"Say what may be seen", "Use a secret"} <= set(kept["tasks"])
    assert any("seen by all" in text for text in kept["results"]), kept["results"]
    assert any("extra_vars" in text and "Not saved by ARA" in text for text in kept["playbooks"]), kept["playbooks"]
    for secret in (SECRET, HIDDEN):
        assert [(table, text) for table, texts in kept.items() for text in texts if secret in text] == []
        assert [path for path in base.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()] == []


def _texts(database: sqlite3.Connection, table: str) -> Iterator[str]:
    """Yield all that ARA has in a table; much of it is compressed."""
    for row in database.execute(f"SELECT * FROM {table}"):  # noqa: S608
        for value in row:
            yield zlib.decompress(value).decode() if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ({"ARA_BASE_DIR": "/elsewhere"}, {"ARA_BASE_DIR": None}),
        ({}, {"ARA_BASE_DIR": "/cache/ara", "ARA_IGNORED_ARGUMENTS": "extra_vars"}),
        ({"ARA_IGNORED_FACTS": "all, ansible_env"}, {"ARA_IGNORED_FACTS": "all,ansible_env"}),
        ({"ARA_IGNORED_ARGUMENTS": "forks"}, {"ARA_IGNORED_ARGUMENTS": "forks,extra_vars"}),
        ({"ARA_API_CLIENT": "http"}, {"ARA_API_CLIENT": None, "ANSIBLE_CALLBACKS_ENABLED": None}),
    ],
)
def test_what_the_user_set_for_ara_stays(given: dict[str, str], added: dict[str, str | None]) -> None:
    found = sinks.environment(("ara",), Path("/cache"), given)
    assert {name: found.get(name) for name in added} == added


def test_callback_plugins_are_joined() -> None:
    found = sinks.environment(("ara",), Path("/cache"), {"ANSIBLE_CALLBACK_PLUGINS": "/mine:/yours"})
    mine, yours, ara = found["ANSIBLE_CALLBACK_PLUGINS"].split(":")
    assert (mine, yours) == ("/mine", "/yours")
    assert (Path(ara) / "ara_default.py").is_file()


@pytest.mark.parametrize(
    ("sink", "missing", "given", "said"),
    [
        ("arra", "", {}, "No sink `arra`. Did you mean `ara`?"),
        ("syslog", "", {}, "No sink `syslog`. Did you mean `ara`?"),
        ("ara", "ara", {}, 'pip install "ara[server]"'),
        ("ara", "django", {}, "ARA_API_CLIENT=http"),
    ],
)
def test_a_sink_that_cannot_be_used_is_bad_input(
    monkeypatch: pytest.MonkeyPatch, sink: str, missing: str, given: dict[str, str], said: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else find(name))
    with pytest.raises(BadInput) as raised:
        sinks.environment((sink,), Path("/cache"), given)
    assert said in str(raised.value)


def test_no_sink_adds_nothing() -> None:
    assert sinks.environment((), Path("/cache"), {}) == {}
