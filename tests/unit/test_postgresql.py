"""Tables of SQL that is written, verifiers that a real server made, and logs that are read."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils import postgresql

SALT = b"0123456789abcdef"
ROLE: dict[str, Any] = {
    "super": False, "createdb": False, "createrole": False, "inherit": True, "canlogin": True,
    "replication": False, "bypassrls": False, "password": None, "groups": ["pg_monitor"],
}  # fmt: skip
USER: dict[str, Any] = {"name": "app", "password": None, "flags": [], "groups": []}
ENTRY: dict[str, Any] = {
    "database": "app", "roles": "reader", "type": "table", "objs": "a, b", "schema": "public", "privs": "select",
    "target_roles": None, "state": "present",
}  # fmt: skip


def test_verifier_is_that_of_rfc_7677() -> None:
    """The example of the RFC: user `user`, password `pencil`; its keys follow from its proof and signature."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    kept = postgresql.verifier("pencil", salt)
    assert kept == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
        "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )
    assert postgresql.is_password("pencil", kept)
    assert not postgresql.is_password("pen", kept)


@pytest.mark.parametrize("kept", ["", "md5d41d8cd98f00b204e9800998ecf8427e", "SCRAM-SHA-256$x"])
def test_what_is_no_verifier_is_no_password(kept: str) -> None:
    assert not postgresql.is_password("pencil", kept)


@pytest.mark.parametrize(
    ("password", "as_prepared"),
    [
        ("I\u00adX", "IX"),
        ("a\u00a0b", "a b"),
        ("\ufb01\u2168", "fiIX"),
        ("bell\a", "bell\a"),
        ("\u0627\u0031", "\u0627\u0031"),
        ("\u00ad", "\u00ad"),
    ],
    ids=["soft hyphen goes", "space", "compatibility", "control is kept", "mixed direction is kept", "nothing left"],
)
def test_prepared(password: str, as_prepared: str) -> None:
    assert postgresql.prepared(password) == as_prepared


@pytest.mark.parametrize(
    ("user", "kept", "changes"),
    [
        ({}, ROLE, []),
        ({"groups": ["pg_monitor"]}, ROLE, []),
        ({"groups": ['a"b']}, ROLE, ['GRANT "a""b" TO "app";']),
        ({"flags": ["createdb"]}, ROLE, ['ALTER ROLE "app" CREATEDB;']),
        ({"flags": ["NOLOGIN"]}, ROLE, ['ALTER ROLE "app" NOLOGIN;']),
        ({}, ROLE | {"super": True}, ['ALTER ROLE "app" NOSUPERUSER;']),
        ({"name": "postgres"}, ROLE | {"super": True}, []),
    ],
)
def test_role_changes(user: dict[str, Any], kept: dict[str, Any], changes: list[str]) -> None:
    assert postgresql.role_changes(USER | user, kept, SALT) == changes


def test_password_reaches_the_server_as_a_verifier_once() -> None:
    user = USER | {"password": "it's"}
    make, alter = postgresql.role_changes(user, None, SALT)
    assert make == 'CREATE ROLE "app";'
    assert "it's" not in alter
    kept = ROLE | {"password": postgresql.verifier("it's", SALT)}
    assert postgresql.role_changes(user, kept, SALT) == []


def test_unknown_flag_is_named() -> None:
    with pytest.raises(ValueError, match="CREATDB is no flag of a user"):
        postgresql.attributes(["CREATDB"])


@pytest.mark.parametrize(
    ("entry", "statement"),
    [
        ({}, 'GRANT SELECT ON TABLE "public"."a", "public"."b" TO "reader";'),
        ({"objs": "ALL_IN_SCHEMA"}, 'GRANT SELECT ON ALL TABLES IN SCHEMA "public" TO "reader";'),
        ({"type": "schema", "objs": "s", "privs": "USAGE"}, 'GRANT USAGE ON SCHEMA "s" TO "reader";'),
        (
            {"type": "database", "objs": "app", "roles": "PUBLIC", "privs": "ALL", "state": "absent"},
            'REVOKE ALL ON DATABASE "app" FROM PUBLIC;',
        ),
        (
            {"type": "default_privs", "objs": "TABLES", "target_roles": "app"},
            'ALTER DEFAULT PRIVILEGES FOR ROLE "app" IN SCHEMA "public" GRANT SELECT ON TABLES TO "reader";',
        ),
    ],
)
def test_privilege(entry: dict[str, Any], statement: str) -> None:
    assert postgresql.privilege(ENTRY | entry) == statement


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"privs": "SELECT; DROP"}, "no privilege"),
        ({"objs": " "}, "names no objs"),
        ({"type": "function", "objs": "f(int)"}, "ALL_IN_SCHEMA"),
        ({"type": "default_privs", "objs": "tables"}, "TABLES, SEQUENCES"),
    ],
)
def test_wrong_privilege_is_named(entry: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        postgresql.privilege(ENTRY | entry)


@pytest.mark.parametrize(
    ("log", "says"),
    [
        (
            'a UTC [1] LOG:  unrecognized configuration parameter "x" in file "f" line 2\n'
            'a UTC [1] FATAL:  configuration file "f" contains errors\n',
            'unrecognized configuration parameter "x" in file "f" line 2',
        ),
        ('a FATAL:  could not access file "none": No such file or directory\nLOG:  database system is shut down\n',
         'could not access file "none": No such file or directory'),
        (
            "FATAL:  could not map anonymous shared memory: Cannot allocate memory\nHINT:  perhaps shared_buffers\n",
            "could not map anonymous shared memory: Cannot allocate memory; perhaps shared_buffers",
        ),
        (
            'LOG:  redirecting log output to logging collector process\nHINT:  Future log output will appear in "d".\n'
            'LOG:  end-of-line before authentication method\nCONTEXT:  line 4 of configuration file "h"\n'
            "FATAL:  could not load h/pg_hba.conf\n",
            'end-of-line before authentication method; line 4 of configuration file "h"',
        ),
        (
            'LOG:  could not bind IPv4 address "127.0.0.1": Address already in use\nHINT:  Is another one running?\n'
            'WARNING:  could not create listen socket for "127.0.0.1"\nFATAL:  could not create any TCP/IP sockets\n',
            'could not bind IPv4 address "127.0.0.1": Address already in use; could not create any TCP/IP sockets; '
            "Is another one running?",
        ),
        ('LOG:  parameter "a" changed to "3MB"\nLOG:  parameter "b" removed, reset to default\n', "it gave no reason"),
        ("", "it gave no reason"),
    ],
)  # fmt: skip
def test_reason(log: str, says: str) -> None:
    assert postgresql.reason(log) == says


def test_settings_are_read_back() -> None:
    assert postgresql.settings("# a\nwork_mem = '2MB'\nx.y = 'on'\n") == {"work_mem": "'2MB'", "x.y": "'on'"}


def test_newest_psql_is_taken(tmp_path: Path) -> None:
    assert postgresql.psql(tmp_path) == "psql"
    for version in ("9", "12", "15"):
        program = tmp_path / version / "bin/psql"
        program.parent.mkdir(parents=True)
        program.touch()
    assert postgresql.psql(tmp_path) == str(tmp_path / "15/bin/psql")
