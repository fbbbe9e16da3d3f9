"""What the running PostgreSQL says of itself after the role postgresql."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from questions import eventually, journal, listeners, outside_address, run, variables
from testinfra.host import Host

UNIT = "postgresql@12-main"
LOG = "/var/log/postgresql/postgresql-12-main.log"
PASSWORD = variables()["postgresql_users"][0]["password"]


def ask(host: Host, query: str, database: str = "postgres") -> str:
    status, said = run(host, "runuser", "-u", "postgres", "--", "psql", "-AtXd", database, "-c", query)
    assert status == 0, said + journal(host, UNIT)
    return said.strip("\n")


def login(
    host: Host, query: str, user: str = "app", password: str = PASSWORD, address: str = "127.0.0.1"
) -> tuple[int, str]:
    words = ["psql", "-AtX", "-h", address, "-U", user, "-d", "app", "-c", query]
    return run(host, *words, env={"PGPASSWORD": password})


def apply(**extra: Any) -> tuple[int, str]:
    """Apply the role again, with other variables."""
    words = ["ansible-playbook", "-i", os.environ["MOLECULE_INVENTORY_FILE"], "molecule/shared/converge.yml"]
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
    env = {**os.environ, "ANSIBLE_CONFIG": str(folder / "ansible.cfg")}
    told = subprocess.run([*words, "-e", json.dumps(extra)], capture_output=True, text=True, check=False, env=env)
    return told.returncode, " ".join((told.stdout + told.stderr).split())


def main_pid(host: Host) -> str:
    return host.check_output(f"systemctl show -p MainPID --value {UNIT}")


def test_server_runs_and_starts_at_boot_after_docker(host: Host) -> None:
    assert host.service(UNIT).is_running, journal(host, UNIT)
    assert host.service("postgresql").is_enabled
    assert "docker.service" in host.check_output(f"systemctl show -p After {UNIT}")


def test_version(host: Host) -> None:
    assert ask(host, "SHOW server_version").startswith("12.22")


def test_listens_on_loopback_and_bridge_alone(host: Host) -> None:
    assert listeners(host, 5432) == {"127.0.0.1": "postgres", "172.30.0.1": "postgres"}


def test_processes_belong_to_postgres(host: Host) -> None:
    assert set(host.check_output("ps -C postgres -o user=").split()) == {"postgres"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("data_checksums", "on"),
        ("password_encryption", "scram-sha-256"),
        ("max_connections", "40"),
        ("statement_timeout", "30s"),
        ("shared_buffers", "128MB"),
        ("work_mem", "2MB"),
        ("shared_preload_libraries", "pg_stat_statements"),
        ("idle_in_transaction_session_timeout", "5min"),
        ("log_line_prefix", "%m [%p]: user=%u,db=%d,app=%a,client=%h "),
        ("log_min_duration_statement", "1s"),
        ("server_encoding", "UTF8"),
    ],
)
def test_setting_is_in_force(host: Host, name: str, value: str) -> None:
    assert ask(host, f"SHOW {name}") == value


def test_nothing_waits_for_a_restart(host: Host) -> None:
    assert ask(host, "SELECT name FROM pg_settings WHERE pending_restart") == ""


def test_owner_logs_in_and_writes(host: Host) -> None:
    status, said = login(host, "CREATE TABLE t (n int); INSERT INTO t VALUES (7); SELECT n FROM t; DROP TABLE t")
    assert status == 0, said
    assert "7" in said.split()


def test_password_is_kept_as_a_scram_verifier(host: Host) -> None:
    assert ask(host, "SELECT rolpassword FROM pg_authid WHERE rolname = 'app'").startswith("SCRAM-SHA-256$")


def test_changed_password_is_in_no_log_and_no_statistic(host: Host) -> None:
    settings = variables()["postgresql_settings"] | {"log_statement": "all", "log_min_duration_statement": 0}
    changed = "leaked-nowhere"
    users = [{"name": "app", "password": changed}]
    try:
        status, said = apply(postgresql_settings=settings, postgresql_users=users)
        assert status == 0, said
        assert changed not in said
        assert login(host, "SELECT 'a statement is logged'", password=changed)[0] == 0
        assert eventually(lambda: host.file(LOG).contains("a statement is logged"))
        assert not host.file(LOG).contains(changed)
        assert ask(host, "SELECT count(*) FROM pg_stat_statements WHERE query ~ 'leaked'", "app") == "0"
    finally:
        status, said = apply()
    assert status == 0, said


def test_wrong_password_is_refused(host: Host) -> None:
    status, said = login(host, "SELECT 1", "app", "wrong")
    assert status != 0
    assert "password authentication failed" in said


def test_foreign_network_is_refused(host: Host) -> None:
    status, said = login(host, "SELECT 1", address="172.30.0.1")
    assert status != 0
    assert "no pg_hba.conf entry" in said


def test_outside_address_does_not_answer(host: Host) -> None:
    status, said = login(host, "SELECT 1", address=outside_address(host))
    assert status != 0
    assert "Connection refused" in said


def test_statements_are_counted(host: Host) -> None:
    assert login(host, "SELECT 41 + 1")[0] == 0
    query = "SELECT calls > 0 FROM pg_stat_statements WHERE query = 'SELECT $1 + $2'"
    assert ask(host, query, "app") == "t"


def test_extension_and_privileges_are_there(host: Host) -> None:
    assert ask(host, "SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'", "app") == "1"
    assert ask(host, "SELECT has_schema_privilege('reader', 'public', 'USAGE')", "app") == "t"
    assert ask(host, "SELECT pg_has_role('reader', 'pg_monitor', 'MEMBER')") == "t"
    assert ask(host, "SELECT has_database_privilege('reader', 'app', 'TEMPORARY')") == "f"
    assert login(host, "CREATE TABLE seen AS SELECT 5 AS n")[0] == 0
    try:
        assert login(host, "SELECT n FROM seen", "reader", "reader") == (0, "5\n")
        assert "permission denied" in login(host, "DELETE FROM seen", "reader", "reader")[1]
    finally:
        assert login(host, "DROP TABLE seen")[0] == 0


def test_log_loses_nothing_when_it_is_moved_away(host: Host) -> None:
    host.check_output(f"mv {LOG} {LOG}.moved")
    ask(host, "DO $$ BEGIN RAISE WARNING 'before the rotation'; END $$")
    assert ask(host, "SELECT pg_rotate_logfile()") == "t"
    assert eventually(lambda: host.file(LOG).exists)
    ask(host, "DO $$ BEGIN RAISE WARNING 'after the rotation'; END $$")
    assert eventually(lambda: host.file(LOG).contains("after the rotation"))
    assert host.file(f"{LOG}.moved").contains("before the rotation")
    assert host.file(LOG).user == "postgres"
    assert host.file(LOG).mode == 0o640


def test_reload_keeps_the_server_and_restart_comes_where_it_is_needed(host: Host) -> None:
    before, settings = main_pid(host), variables()["postgresql_settings"]
    status, said = apply(postgresql_settings=settings | {"work_mem": "3MB"})
    assert status == 0, said
    assert (ask(host, "SHOW work_mem"), main_pid(host)) == ("3MB", before)
    status, said = apply(postgresql_settings=settings | {"max_connections": 30})
    assert status == 0, said
    assert (ask(host, "SHOW work_mem"), ask(host, "SHOW max_connections")) == ("2MB", "30")
    assert main_pid(host) != before
    status, said = apply()
    assert status == 0, said


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"postgresql_settings": {"work_mem": "plenty"}}, ['"work_mem": "plenty"', "nothing was changed"]),
        (
            {"postgresql_settings": {"shared_buffers": "900GB"}},
            ["shared_buffers are 921600 MiB", "nothing was changed"],
        ),
        (
            {"postgresql_settings": {"shared_preload_libraries": "none"}},
            ["shared_preload_libraries", '"none"', "is in force"],
        ),
        (
            {"postgresql_hba_entries": [{"type": "host", "database": "app", "user": "app", "method": "md6"}]},
            ["pg_hba.conf line 4 (`host app app md6`)", "the old one is in force"],
        ),
        (
            {"postgresql_version": 13, "postgresql_packages": []},
            ["holds a cluster of PostgreSQL 12", "postgresql_version", "upgrade_postgresql.yml"],
        ),
        (
            {"postgresql_version": 99, "postgresql_allow_parallel_cluster": True},
            ["No package matching 'postgresql-99' is available"],
        ),
        (
            {"postgresql_users": [{"name": "app", "password": "two\nlines"}]},
            ["the password of app holds a control character"],
        ),
    ],
    ids=["bad value", "too large", "no such library", "pg_hba", "other major", "no such major", "bad password"],
)
def test_bad_input_leaves_the_old_in_force(host: Host, extra: dict[str, Any], says: list[str]) -> None:
    status, said = apply(**extra)
    assert status != 0, said
    assert [words for words in says if words not in said] == [], said
    assert ask(host, "SHOW max_connections") == "40"
    assert login(host, "SELECT 1") == (0, "1\n")
    assert listeners(host, 5432) == {"127.0.0.1": "postgres", "172.30.0.1": "postgres"}


def test_port_that_is_taken_names_its_holder(host: Host) -> None:
    host.check_output("systemd-run -q --unit=stranger python3 -m http.server 5433 --bind 172.30.0.1")
    assert eventually(lambda: bool(listeners(host, 5433)))
    try:
        status, said = apply(postgresql_port=5433)
    finally:
        host.check_output("systemctl stop stranger")
    assert status != 0, said
    assert "the old one is in force" in said, said
    assert "Port 5433 is held by python3" in said, said
    assert login(host, "SELECT 1") == (0, "1\n")


def test_role_finds_nothing_to_do_after_all_that(host: Host) -> None:
    status, said = apply()
    assert status == 0, said
    assert "changed=0" in said, said


def test_comes_back_after_a_crash(host: Host) -> None:
    host.check_output(f"kill -KILL {main_pid(host)}")
    assert eventually(lambda: login(host, "SELECT 1")[0] == 0), journal(host, UNIT)


def test_unit_is_ready_when_it_says_so(host: Host) -> None:
    host.check_output(
        f"systemctl restart {UNIT} && PGPASSWORD=reader psql -h 172.30.0.1 -U none 2>&1 | grep pg_hba.conf"
    )
    assert set(listeners(host, 5432)) == {"127.0.0.1", "172.30.0.1"}


def test_kernel_takes_other_memory_first(host: Host) -> None:
    assert host.check_output(f"systemctl show -p OOMScoreAdjust --value {UNIT}") == "-900"
