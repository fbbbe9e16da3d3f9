"""What forbids a major upgrade of PostgreSQL, which step comes next, and what differs between clusters."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.mcp.aws.plugins.module_utils.postgresql import fingerprint

from tests.unit.role_values import trust

ROLE = Path(__file__).parents[2] / "roles/postgresql_upgrade"
GIB = 1024**3
DATABASE: dict[str, Any] = {"name": "app", "open": True, "bytes": GIB}
SERVER: dict[str, Any] = {"databases": [DATABASE], "prepared": [], "tablespaces": [], "replication": []}
CURRENT: dict[str, Any] = {
    "clusters": [{"cluster": "main", "version": "12"}, {"cluster": "other", "version": "15"}],
    "from": 12,
    "state": {},
    "units": [],
    "missing": [],
    "unknown": [],
    "programs": [],
    "places": ["/", str(9 * GIB), "/", str(9 * GIB)],
    "available": ["plpgsql", "pg_trgm"],
    "extensions": [{"database": "app", "names": ["plpgsql", "pg_trgm"]}],
    "refused": "",
    "server": SERVER,
}
TARGET = {"clusters": [{"cluster": "main", "version": "15"}]}
STATE = {"from": 12, "to": 15, "time": "20260101T000000Z"}


def evaluate(name: str, current: dict[str, Any], **more: Any) -> Any:
    """A variable of the role, for what the host reported."""
    files = [yaml.safe_load((ROLE / folder / "main.yml").read_text()) for folder in ("defaults", "vars")]
    variables = trust(files[0] | files[1])
    variables |= {
        "postgresql_upgrade_to": 15,
        "postgresql_upgrade_repository_url": "",
        "__postgresql_upgrade_ready": {},
    }
    variables |= {"__postgresql_upgrade_current": CURRENT | current} | more
    return Templar(DataLoader(), variables=variables).template(variables[f"__postgresql_upgrade_{name}"])


def test_nothing_forbids_the_upgrade_of_a_sound_host() -> None:
    assert evaluate("errors", {}) == []


@pytest.mark.parametrize(
    ("current", "more", "says"),
    [
        ({}, {"postgresql_upgrade_to": 0}, "No version is wanted"),
        ({"from": 0, "server": None}, {}, "No PostgreSQL runs on port 5432"),
        ({}, {"postgresql_upgrade_to": 11}, "12 cannot become 11"),
        ({"unknown": ["postgresql-99"]}, {}, "No repository has postgresql-99"),
        ({"programs": ["psql"]}, {}, "needs psql of PostgreSQL 12: install postgresql-12"),
        (TARGET, {}, "There is a cluster 15/main already"),
        (TARGET | {"state": STATE | {"phase": "rolled back"}}, {}, "written before the rollback of 2026"),
        (
            {"from": 0, "server": None, "state": STATE | {"phase": "running"}},
            {"postgresql_upgrade_to": 16},
            "An upgrade to 15 was begun",
        ),
        (
            {"from": 15, "state": STATE | {"phase": "upgraded"}},
            {"postgresql_upgrade_to": 16},
            "Cluster 12/main of the upgrade before",
        ),
        ({"server": SERVER | {"prepared": ["a", "b"]}}, {}, "Prepared transactions are open: a, b"),
        ({"server": SERVER | {"tablespaces": ["fast"]}}, {}, "Tablespaces are not carried over: fast"),
        ({"server": SERVER | {"replication": ["slot s"]}}, {}, "Replication would be cut: slot s"),
        (
            {"server": SERVER | {"databases": [DATABASE | {"name": "old", "open": False}]}},
            {},
            "accept no connections, so they cannot be dumped: old",
        ),
        ({"server": SERVER | {"databases": [DATABASE | {"name": "a=b"}]}}, {}, "in their names: a=b"),
        ({"available": ["plpgsql"]}, {}, "PostgreSQL 15 has no extension pg_trgm of database app"),
        ({"refused": 'unrecognized parameter "x"'}, {}, 'rejects a setting of today: unrecognized parameter "x"'),
        ({}, {"__postgresql_upgrade_ready": {"status": 503, "msg": "HTTP 503"}}, "not ready before the upgrade"),
        (
            {"server": SERVER | {"databases": [DATABASE | {"bytes": 5 * GIB}]}},
            {},
            "/ has 9216 MiB free, the upgrade wants 10496 MiB",
        ),
    ],
)
def test_each_error_is_named(current: dict[str, Any], more: dict[str, Any], says: str) -> None:
    errors = evaluate("errors", current, **more)
    assert len(errors) == 1, errors
    assert says in errors[0]


def test_all_errors_are_named_at_once() -> None:
    closed = SERVER | {"tablespaces": ["fast"], "databases": [DATABASE | {"open": False}]}
    assert len(evaluate("errors", {"server": closed}, postgresql_upgrade_to=11)) == 3


def test_dump_and_cluster_on_two_volumes_want_room_for_one_each() -> None:
    server = SERVER | {"databases": [DATABASE | {"bytes": 5 * GIB}]}
    places = ["/", str(6 * GIB), "/var/backups", str(6 * GIB)]
    assert evaluate("errors", {"server": server, "places": places}) == []


@pytest.mark.parametrize(
    ("phase", "running", "to", "step"),
    [
        (None, 12, 15, "upgrade"),
        (None, 15, 15, "nothing"),
        (None, 0, 15, "upgrade"),
        (None, 0, 0, "upgrade"),
        ("running", 0, 15, "restart"),
        ("running", 15, 15, "restart"),
        ("compared", 15, 15, "resume"),
        ("compared", 0, 15, "resume"),
        ("upgraded", 15, 15, "nothing"),
        ("upgraded", 15, 16, "upgrade"),
        ("failed", 12, 15, "upgrade"),
        ("rolled back", 12, 15, "upgrade"),
        ("finished", 15, 15, "nothing"),
    ],
)
def test_next_step(phase: str | None, running: int, to: int, step: str) -> None:
    state = STATE | {"phase": phase} if phase else {}
    assert evaluate("step", {"state": state, "from": running}, postgresql_upgrade_to=to) == step


def test_no_name_of_a_database_is_read_as_anything_else() -> None:
    assert fingerprint.conninfo("a'b\\c host=x") == "dbname='a\\'b\\\\c host=x'"


def test_fingerprint_is_read_from_lines_of_json() -> None:
    assert fingerprint.read('SET\n{"name" : "table t", "value" : 3}\n\n', "app: ") == {"app: table t": "3"}
    assert fingerprint.databases('["a\\nb"]') == ["a\nb"]


def test_differences_name_both_sides_and_end_somewhere() -> None:
    assert fingerprint.differences({"a": "1", "b": "2"}, {"a": "1", "c": "3"}) == [
        "b: 2, then not there",
        "c: not there, then 3",
    ]
    many = {str(number): "x" for number in range(50)}
    assert fingerprint.differences(many, {})[-1] == "and 30 more"
    assert fingerprint.differences(many, dict(many)) == []
