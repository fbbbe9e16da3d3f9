"""What the upgrade to PostgreSQL 15 left, and what comes of a rollback, of a run that is killed and of one that fails.

The tests stand in the order of an operator's days, and each begins where the one before ended.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from questions import eventually, journal, listeners, run, variables
from testinfra.host import Host

SCENARIO = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"])
PASSWORD = variables()["postgresql_users"][0]["password"]
STATE = "/var/backups/postgresql/upgrade.json"
AWKWARD_ROLE = 'Awkward "role" %\''


def command(**more: Any) -> list[str]:
    """The playbook as an operator calls it."""
    inventory = str(Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent)
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    extra = ["-e", f"@{SCENARIO / 'vars.yml'}", "-e", json.dumps(more)]
    return [program, "-i", inventory, *extra, str(SCENARIO.parents[1] / "playbooks/upgrade_postgresql.yml")]


def play(**more: Any) -> tuple[bool, int, str]:
    """Whether the playbook ended well, how many tasks changed something, and all it said, its lines joined."""
    done = subprocess.run(command(**more), capture_output=True, text=True, timeout=300, check=False)
    said = re.sub(r"\s+", " ", done.stdout + done.stderr)
    return done.returncode == 0, sum(map(int, re.findall(r"changed=(\d+)", said))), said


def ask(host: Host, query: str, database: str = "app") -> str:
    status, said = run(host, "runuser", "-u", "postgres", "--", "psql", "-AtXd", database, "-c", query)
    assert status == 0, said + journal(host, "postgresql@*")
    return said.strip()


def login(host: Host, user: str, password: str) -> tuple[int, str]:
    words = ["psql", "-AtX", "-h", "127.0.0.1", "-U", user, "-d", "app", "-c", "SELECT current_user"]
    return run(host, *words, env={"PGPASSWORD": password})


def clusters(host: Host) -> dict[str, str]:
    lines = [line.split() for line in host.check_output("pg_lsclusters --no-header").splitlines()]
    return {line[0]: line[3] for line in lines}


def is_ready(host: Host) -> bool:
    page = "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/ready')"
    return run(host, "python3", "-c", page)[0] == 0


def test_new_version_serves_alone(host: Host) -> None:
    assert ask(host, "SHOW server_version").startswith("15.")
    assert clusters(host) == {"12": "down", "15": "online"}
    assert listeners(host, 5432) == {"127.0.0.1": "postgres"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_connections", "40"), ("shared_buffers", "64MB"), ("data_checksums", "on"), ("autovacuum", "on")],
)
def test_setting_is_in_force(host: Host, name: str, value: str) -> None:
    assert ask(host, f"SHOW {name}") == value


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("SELECT count(*), max(id), min(length(raw)) FROM app.big", "60000|60000|16"),
        ('SELECT nextval(\'app."Seq ""uence"""\')', "93"),
        ("INSERT INTO app.big (word) VALUES ('next') RETURNING id", "60001"),
        ("SELECT count(*) FROM app.measured_2026", "301"),
        ('SELECT r, t FROM app."Tab ""le""; %\'" WHERE r IS NOT NULL', "grün|[1,2)"),
        ("SELECT count(*) FROM app.nothing", "1"),
        ("SELECT max FROM app.longest", "81"),
        ("SELECT convert_from(lo_get(oid), 'UTF8') FROM pg_largeobject_metadata", "a large object"),
        ("SELECT extname FROM pg_extension WHERE extname = 'pg_trgm'", "pg_trgm"),
        ("SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'big'", "t"),
        ("SELECT count(*) FROM pg_db_role_setting", "3"),
        (f"SELECT pg_has_role('{AWKWARD_ROLE.replace(chr(39), chr(39) * 2)}', 'readers', 'member')", "t"),
    ],
)
def test_data_is_there(host: Host, query: str, answer: str) -> None:
    assert ask(host, query).splitlines()[0] == answer


def test_databases_keep_name_owner_and_collation(host: Host) -> None:
    query = "SELECT pg_get_userbyid(datdba), datcollate FROM pg_database WHERE datname LIKE 'Awk%'"
    assert ask(host, query) == f"{AWKWARD_ROLE}|C"
    assert ask(host, 'SELECT text FROM "table"', "dbname='Awkward/ \"name\" %\\'\\\\'") == "kept"
    assert ask(host, "SELECT n FROM in_postgres", "postgres") == "1"


def test_passwords_are_as_before(host: Host) -> None:
    assert login(host, "app", PASSWORD) == (0, "app\n")
    assert login(host, AWKWARD_ROLE, "other") == (0, f"{AWKWARD_ROLE}\n")
    assert login(host, "app", "wrong")[0] != 0


def test_application_runs_and_old_cluster_starts_for_nobody(host: Host) -> None:
    assert is_ready(host), journal(host, "mcp.service")
    host.run("systemctl restart mcp.service")
    assert eventually(lambda: is_ready(host)), journal(host, "mcp.service")
    assert clusters(host) == {"12": "down", "15": "online"}
    assert "manual" in host.file("/etc/postgresql/12/main/start.conf").content_string


def test_backup_is_whole_and_closed(host: Host) -> None:
    folder = json.loads(host.check_output(f"cat {STATE}"))["folder"]
    said = host.check_output(f"cd {folder} && sha256sum -c SHA256SUMS")
    assert said.count(": OK") == 5
    assert host.file(folder).mode == host.file("/var/backups/postgresql").mode == 0o700
    assert len(json.loads(host.check_output(f"cat {folder}/databases.json"))) == 4


def test_run_that_ended_after_the_comparison_goes_on_forward(host: Host) -> None:
    host.check_output("systemctl stop mcp.service postgresql@15-main.service")
    host.check_output(f'sed -i \'s/"upgraded"/"compared"/\' {STATE}')
    ok, _, said = play()
    assert ok, said
    assert ask(host, "SELECT max(id) FROM app.big") == "60001"
    assert is_ready(host), journal(host, "mcp.service")
    assert '"upgraded"' in host.check_output(f"cat {STATE}")


def test_rollback_wants_the_loss_accepted_and_check_mode_does_nothing(host: Host) -> None:
    ok, changed, said = play(postgresql_upgrade_rollback=True)
    assert not ok
    assert changed == 0
    assert "would be lost" in said
    assert ask(host, "SHOW server_version").startswith("15.")


def test_rollback_brings_the_old_data_back_and_keeps_the_new(host: Host) -> None:
    ask(host, "CREATE TABLE since (n int)")
    ok, _, said = play(postgresql_upgrade_rollback=True, postgresql_upgrade_accept_loss=True)
    assert ok, said
    assert ask(host, "SHOW server_version").startswith("12.")
    assert ask(host, "SELECT to_regclass('since') IS NULL, count(*) FROM app.big") == "t|60000"
    assert clusters(host) == {"12": "online", "15": "down"}
    assert is_ready(host), journal(host, "mcp.service")


def test_everything_in_the_way_is_said_at_once(host: Host) -> None:
    ask(host, "SELECT pg_create_physical_replication_slot('standby')")
    ask(host, 'CREATE DATABASE "a=b"')
    ok, changed, said = play(postgresql_upgrade_packages=["postgresql-15", "postgresql-15-nonsense"])
    ask(host, "SELECT pg_drop_replication_slot('standby')")
    ask(host, 'DROP DATABASE "a=b"')
    assert not ok
    assert changed == 0
    for words in (
        "written before the rollback",
        "slot standby",
        "in their names: a=b",
        "No repository has postgresql-15-nonsense",
    ):
        assert words in said
    assert is_ready(host)


def test_finish_drops_what_is_kept_once(host: Host) -> None:
    assert play(postgresql_upgrade_finish=True)[0]
    assert clusters(host) == {"12": "online"}
    ok, changed, said = play(postgresql_upgrade_finish=True)
    assert (ok, changed) == (True, 0), said


def test_killed_run_is_taken_up_and_a_failing_one_goes_back(host: Host) -> None:
    running = subprocess.Popen(command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    # Both servers run, and pg_upgradecluster goes on in its unit.
    seen = eventually(lambda: clusters(host) == {"12": "online", "15": "online"}, 150)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert seen
    # The old version serves with less, and the new one refuses this when it is configured, after the data was copied.
    ok, _, said = play(postgresql_settings={"max_connections": 40, "shared_preload_libraries": "none"})
    assert not ok
    assert "PostgreSQL 12 serves again with all its data" in said
    assert 'could not access file "none"' in said
    assert clusters(host) == {"12": "online"}
    assert ask(host, "SELECT count(*) FROM app.big") == "60000"
    assert is_ready(host), journal(host, "mcp.service")
    folder = json.loads(host.check_output(f"cat {STATE}"))["folder"]
    assert {"main", "postgresql-15-main.log"} <= set(host.check_output(f"ls {folder}/failed").split())
