"""What the running PostgreSQL says of itself after the role postgresql."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from questions import eventually, journal, listeners, outside_address, run, variables
from testinfra.host import Host

UNIT = "postgresql@12-main"
PASSWORD = variables()["postgresql_users"][0]["password"]


def ask(host: Host, query: str, database: str = "postgres") -> str:
    status, said = run(host, "runuser", "-u", "postgres", "--", "psql", "-AtXd", database, "-c", query)
    assert status == 0, said + journal(host, UNIT)
    return said.strip()


def login(
    host: Host, query: str, user: str = "app", password: str = PASSWORD, address: str = "127.0.0.1"
) -> tuple[int, str]:
    words = ["psql", "-AtX", "-h", address, "-U", user, "-d", "app", "-c", query]
    return run(host, *words, env={"PGPASSWORD": password})


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
        ("shared_buffers", "64MB"),
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


def test_extension_and_privilege_are_there(host: Host) -> None:
    assert ask(host, "SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'", "app") == "1"
    assert ask(host, "SELECT has_schema_privilege('reader', 'public', 'USAGE')", "app") == "t"


def test_survives_a_restart(host: Host) -> None:
    host.check_output(f"systemctl restart {UNIT}")
    assert eventually(lambda: login(host, "SELECT 1")[0] == 0), journal(host, UNIT)
    assert set(listeners(host, 5432)) == {"127.0.0.1", "172.30.0.1"}
