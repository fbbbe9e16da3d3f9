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
        (
            "dpkg: error processing archive a.deb (--unpack):\n cannot copy extracted data for './usr/games/a' to "
            "'/usr/games/a.dpkg-new': failed to write (No space left on device)",
            "the disk is full (/usr/games/a): free some space",
        ),
        (
            "E: You don't have enough free space in /var/cache/apt/archives/.",
            "the disk is full (/var/cache/apt/archives)",
        ),
        (
            "W: GPG error: http://a x InRelease: invalid: EXPKEYSIG 7FCC A",
            "the key 7FCC of the repository ours (http://a)",
        ),
        (
            "W: GPG error: http://b x InRelease: invalid: EXPKEYSIG 7FCC A",
            "the key 7FCC of the repository http://b has",
        ),
        ("W: GPG error: http://a x InRelease: invalid: REVKEYSIG 7FCC A", "has been revoked"),
        ("E: The repository 'http://a x Release' is not signed.", "the repository ours (http://a) is not signed"),
        ("W: GPG error: http://a x InRelease: BADSIG 7FCC A", "is not what its owner signed"),
        (
            "E: Conflicting values set for option Signed-By regarding source http://a/ x: /k.asc != /other.gpg",
            "http://a/ stands twice in this host's sources",
        ),
        ("E: Release file for http://a/InRelease is not valid yet (1h)", "set the host's clock"),
        ("E: Failed to fetch http://a/Packages  Hash Sum mismatch", "run again in some minutes"),
        (
            "E: Failed to fetch http://a/x.deb  403  Forbidden",
            "the repository ours (http://a) does not give http://a/x.deb",
        ),
        ("E: Failed to fetch http://a/InRelease  503  Busy", "the repository ours (http://a) cannot be reached"),
        ("E: Held packages were changed and -y was used", "`apt-mark showhold` lists the held ones"),
        ("The following packages have unmet dependencies:", "correct repository.suite or the list of packages"),
        (
            "dpkg: error processing package a (--configure):\n installed a package post-installation script subprocess "
            "returned error exit status 1",
            "the post-installation script of a failed",
        ),
        (
            "W: GPG error: the public key is not available: NO_PUBKEY 7FCC7D46ACCC4CF8",
            "is signed with the key 7FCC7D46ACCC4CF8, which is not",
        ),
        ("E: The repository 'http://a sid Release' does not have a Release file.", "no such suite"),
        ("E: Failed to fetch http://a/  Could not resolve 'a'", "cannot be reached"),
        ("E: Unable to acquire the dpkg frontend lock", "another package manager holds the lock"),
        ("Reading...\nE: Something new", "E: Something new"),
        ("", "apt gave no reason"),
    ],
)
def test_explain(output: str, says: str) -> None:
    assert says in apt.explain(output, {"name": "ours", "url": "http://a"})


def test_explain_without_a_repository() -> None:
    assert "a repository cannot be reached" in apt.explain("E: Could not connect to 1.2.3.4:80")


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n-----END PGP PUBLIC KEY BLOCK-----", ""),
        ("<html>not found</html>", "it is no armoured public key, but begins with '<html>not found</html>'"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nx", "it is a private key"),
        (" \n", "it is empty"),
    ],
)
def test_key_problem(key: str, says: str) -> None:
    assert apt.key_problem(key) == says


def test_outdated() -> None:
    policy = "a:\n  Installed: 1\n  Candidate: 2\n  Version table:\nb:\n  Installed: 1\n  Candidate: 1\n"
    assert apt.outdated(policy + "c:\n  Installed: (none)\n  Candidate: 3\n") == ["a"]


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
