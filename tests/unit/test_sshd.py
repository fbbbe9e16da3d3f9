"""Tables of settings that sshd tells, and of who is locked out by them."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mcp.aws.plugins.module_utils import sshd

KEYS = {"pubkeyauthentication": ["yes"], "passwordauthentication": ["no"], "permitrootlogin": ["no"]}


def test_lines_of_one_name_are_put_together() -> None:
    assert sshd.settings("port 22\nallowusers a\nallowusers b\n") == {"port": ["22"], "allowusers": ["a", "b"]}


def test_key_files() -> None:
    wanted = {"authorizedkeysfile": [".ssh/authorized_keys", "/etc/keys/%u", "%h/more", "none"]}
    assert sshd.key_files(wanted, "ann", "/home/ann") == [
        "/home/ann/.ssh/authorized_keys",
        "/etc/keys/ann",
        "/home/ann/more",
    ]


def test_keys_are_counted_without_comments() -> None:
    assert sshd.keys("# nobody\n\nssh-ed25519 AAAA a\n  # more\nssh-rsa AAAA b\n") == 2


@pytest.mark.parametrize(
    ("more", "user", "key_count", "reason"),
    [
        ({}, "ann", 1, ""),
        ({}, "ann", 0, "has no authorized key"),
        ({"passwordauthentication": ["yes"]}, "ann", 0, ""),
        ({"authorizedkeyscommand": ["/bin/x"]}, "ann", 0, ""),
        ({"pubkeyauthentication": ["no"]}, "ann", 1, "neither keys nor passwords"),
        ({"allowusers": ["bob", "an*"]}, "ann", 1, ""),
        ({"allowusers": ["ann@10.0.0.*"]}, "ann", 1, ""),
        ({"allowusers": ["bob"]}, "ann", 1, "allowusers (bob) does not name ann"),
        ({"denyusers": ["a?n"]}, "ann", 1, "denyusers (a?n) names ann"),
        ({"allowgroups": ["wheel"]}, "ann", 1, "allowgroups (wheel) does not name ann"),
        ({"allowgroups": ["staff"]}, "ann", 1, ""),
        ({"denygroups": ["staff"]}, "ann", 1, "denygroups (staff) names ann"),
        ({}, "root", 1, "permitrootlogin is no"),
        ({"permitrootlogin": ["without-password"]}, "root", 1, ""),
        ({"permitrootlogin": ["without-password"], "passwordauthentication": ["yes"]}, "root", 0, "no authorized key"),
    ],
)
def test_lockout(more: dict[str, list[str]], user: str, key_count: int, reason: str) -> None:
    said = sshd.lockout(KEYS | more, user, ["staff"], key_count)
    assert reason in said
    assert bool(said) is bool(reason)
