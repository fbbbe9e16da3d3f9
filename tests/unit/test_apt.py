"""Tables of what apt and dpkg say, and what we make of it."""

# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from ansible_collections.mcp.aws.plugins.module_utils import apt

DPKG = "ii |redis-server|5:7.0.15-1\nhi |docker.io|20.10.24\nrc |nginx|1.22\niF |git|2.39\n"


@pytest.mark.parametrize(
    ("wanted", "missing"),
    [
        (["redis-server"], []),
        (["docker.io"], []),
        (["redis-server=5:7.0.15-1"], []),
        (["redis-server=5:6.0.1"], ["redis-server=5:6.0.1"]),
        (["nginx", "curl", "git", "redis-server"], ["nginx", "curl", "git"]),
        ([], []),
    ],
)
def test_missing(wanted: list[str], missing: list[str]) -> None:
    assert apt.missing(wanted, DPKG) == missing


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("dpkg: error: cannot write: No space left on device", "the disk is full"),
        ("E: You don't have enough free space in /var/cache/apt/archives/.", "the disk is full"),
        ("E: Unable to locate package postgresql-99", "no repository of this host has the package postgresql-99"),
        ("E: Package 'postgresql-12' has no installation candidate", "has the package postgresql-12"),
        ("E: Version '9.9' for 'redis-server' was not found", "has version 9.9 of redis-server"),
        ("W: GPG error: the public key is not available: NO_PUBKEY 7FCC7D46ACCC4CF8", "signature cannot be trusted"),
        ("E: The repository 'http://a sid Release' does not have a Release file.", "no such suite"),
        ("E: Failed to fetch http://a/  Could not resolve 'a'", "cannot be reached"),
        ("E: Unable to acquire the dpkg frontend lock", "another package manager holds the lock"),
        ("Reading...\nE: Something new", "E: Something new"),
        ("", "apt gave no reason"),
    ],
)
def test_explain(output: str, says: str) -> None:
    assert says in apt.explain(output)


def test_source() -> None:
    paragraph = apt.source({"url": "http://a", "suite": "bookworm", "components": ["main", "extra"]}, "/k.asc")
    assert paragraph.splitlines()[1:] == [
        "Types: deb",
        "URIs: http://a",
        "Suites: bookworm",
        "Components: main extra",
        "Signed-By: /k.asc",
    ]


def test_source_of_a_flat_repository() -> None:
    assert "Components" not in apt.source({"url": "http://a", "suite": "./", "components": []}, "/k.asc")


def test_source_of_the_hosts_own_suite() -> None:
    paragraph = apt.source({"url": "http://a", "suite": "{codename}-pgdg", "components": []}, "/k.asc", "trixie")
    assert "Suites: trixie-pgdg" in paragraph.splitlines()
