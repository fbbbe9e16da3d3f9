"""What stands in the way of a major upgrade of PostgreSQL, which step comes next, and what differs between clusters."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils import postgresql_fingerprint as fingerprint
from ansible_collections.mcp.aws.plugins.module_utils import postgresql_upgrade as upgrade

GIB = 1024**3
FACTS: dict[str, Any] = {
    "from": 12,
    "to": 15,
    "port": 5432,
    "state": {},
    "target_exists": False,
    "missing": [],
    "prepared": [],
    "tablespaces": [],
    "replication": [],
    "closed": [],
    "extensions": {"app": ["plpgsql", "pg_trgm"]},
    "available": ["plpgsql", "pg_trgm"],
    "refused": "",
    "not_ready": "",
    "places": [{"path": "/var/lib/postgresql", "device": 1, "free": 9 * GIB}],
    "bytes": GIB,
}
STATE = {"from": 12, "to": 15, "time": "20260101T000000Z"}


def cluster(version: str, port: str = "5432", running: int = 1, name: str = "main") -> dict[str, Any]:
    return {"version": version, "port": port, "running": running, "cluster": name}


def test_nothing_is_in_the_way_of_a_sound_host() -> None:
    assert upgrade.standing_in_the_way(FACTS) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"to": 0}, "No version is wanted"),
        ({"from": 0}, "No PostgreSQL runs on port 5432"),
        ({"to": 11}, "12 cannot become 11"),
        ({"missing": ["postgresql-99"]}, "No repository has postgresql-99"),
        ({"target_exists": True}, "There is a cluster 15/main already"),
        ({"target_exists": True, "state": STATE | {"phase": "rolled back"}}, "written before the rollback of 2026"),
        ({"to": 16, "from": 0, "state": STATE | {"phase": "running"}}, "An upgrade to 15 was begun"),
        ({"to": 16, "from": 15, "state": STATE | {"phase": "upgraded"}}, "Cluster 12/main of the upgrade before"),
        ({"prepared": ["a", "b"]}, "Prepared transactions are open: a, b"),
        ({"tablespaces": ["fast"]}, "Tablespaces are not carried over: fast"),
        ({"replication": ["slot s"]}, "Replication would be cut: slot s"),
        ({"closed": ["old"]}, "let nobody in, so they cannot be dumped: old"),
        ({"available": ["plpgsql"]}, "PostgreSQL 15 has no extension pg_trgm, which database app uses"),
        ({"refused": 'unrecognized parameter "x"'}, 'refuses a setting of today: unrecognized parameter "x"'),
        ({"not_ready": "HTTP 503"}, "not ready before the upgrade: HTTP 503"),
        ({"bytes": 10 * GIB}, "has 9216 MiB free, the upgrade wants 10496 MiB"),
    ],
)
def test_each_problem_is_named(changed: dict[str, Any], said: str) -> None:
    problems = upgrade.standing_in_the_way(FACTS | changed)
    assert len(problems) == 1, problems
    assert said in problems[0]


def test_all_problems_are_named_at_once() -> None:
    assert len(upgrade.standing_in_the_way(FACTS | {"to": 11, "closed": ["old"], "tablespaces": ["fast"]})) == 3


def test_dump_and_cluster_on_one_volume_want_both_their_room() -> None:
    place = {"path": "/var/lib/postgresql", "device": 1, "free": 2 * GIB}
    assert upgrade.standing_in_the_way(FACTS | {"places": [place]}) == []
    assert len(upgrade.standing_in_the_way(FACTS | {"places": [place, place | {"path": "/var/backups"}]})) == 1
    assert upgrade.standing_in_the_way(FACTS | {"places": [place, place | {"device": 2}]}) == []


@pytest.mark.parametrize(
    ("phase", "running", "to", "step"),
    [
        (None, 12, 15, "upgrade"),
        (None, 15, 15, "nothing"),
        (None, 0, 15, "upgrade"),
        (None, 0, 0, "upgrade"),
        ("running", 0, 15, "again"),
        ("running", 15, 15, "again"),
        ("compared", 15, 15, "forward"),
        ("compared", 0, 15, "forward"),
        ("upgraded", 15, 15, "nothing"),
        ("upgraded", 15, 16, "upgrade"),
        ("failed", 12, 15, "upgrade"),
        ("rolled back", 12, 15, "upgrade"),
        ("finished", 15, 15, "nothing"),
    ],
)
def test_next_step(phase: str | None, running: int, to: int, step: str) -> None:
    assert upgrade.next_step(STATE | {"phase": phase} if phase else {}, running, to) == step


def test_the_version_that_serves_is_the_one_on_the_port() -> None:
    clusters = [cluster("12", running=0), cluster("15", "5433"), cluster("14", name="other"), cluster("13")]
    assert upgrade.serving(clusters, 5432) == 13
    assert upgrade.serving(clusters, 5434) == 0
    assert upgrade.exists(clusters, 12)
    assert not upgrade.exists(clusters, 14)


def test_no_name_of_a_database_is_read_as_anything_else() -> None:
    assert upgrade.conninfo("a'b\\c host=x") == "dbname='a\\'b\\\\c host=x'"


def test_fingerprint_is_read_from_lines_of_json() -> None:
    assert fingerprint.read('SET\n{"name" : "table t", "value" : 3}\n\n', "app: ") == {"app: table t": "3"}
    assert fingerprint.databases('["a\\nb"]') == ["a\nb"]


def test_differences_name_both_sides_and_end_somewhere() -> None:
    assert fingerprint.differences({"a": "1", "b": "2"}, {"a": "1", "c": "3"}) == [
        "b: 2, then not there",
        "c: not there, then 3",
    ]
    many = {str(number): "x" for number in range(30)}
    assert fingerprint.differences(many, {})[-1] == "and 10 more"
    assert fingerprint.differences(many, dict(many)) == []
