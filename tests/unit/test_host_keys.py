"""SSH host keys between an EC2 console and a known_hosts file."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.aws.host_keys import (
    add,
    keys_in_console,
    keys_of,
    remove,
    tail,
)

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0eNcP1uXGxFkJ2yYhLFWbXqA8kpMPqhZ1jI2mFhQ2l"
ECDSA = (
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBB"
    "EmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg="
)
BEGIN, END = "-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----"


@pytest.mark.parametrize(
    ("console", "keys"),
    [
        ("", []),
        ("booting\nlogin:", []),
        pytest.param(f"{BEGIN}\n{ED25519} root@a\n", [], id="the block is not complete yet"),
        (f"x\n{BEGIN}\n{ED25519} root@a\n{END}\n", [ED25519]),
        pytest.param(f"{BEGIN}\r\n{ECDSA} a\r\n{ED25519} a\r\n{END}\r\n", [ECDSA, ED25519], id="serial line ends"),
        pytest.param(f"{BEGIN}\n{ED25519[:40]}[ 9.1] oom\n{END}", [], id="a kernel message ran through the key"),
        pytest.param(f"{BEGIN}\n{ECDSA}\n{END}\n{BEGIN}\n{ED25519}\n{END}", [ED25519], id="the last boot counts"),
        pytest.param(f"{BEGIN}\n{ED25519.replace('ssh-ed25519', 'ssh-rsa')}\n{END}", [], id="the kind is another"),
    ],
)
def test_keys_in_console(console: str, keys: list[str]) -> None:
    assert keys_in_console(console) == keys


@pytest.mark.parametrize(
    ("known_hosts", "keys"),
    [
        ("", []),
        (f"i-1 {ED25519}\n", [ED25519]),
        (f"web,i-1 {ED25519} comment\ni-1 {ECDSA}", [ED25519, ECDSA]),
        (f"i-12 {ED25519}\n", []),
        (f"# i-1 {ED25519}\n@revoked i-1 {ED25519}\n\n", []),
    ],
)
def test_keys_of(known_hosts: str, keys: list[str]) -> None:
    assert keys_of(known_hosts, "i-1") == keys


@pytest.mark.parametrize("before", ["", f"web {ECDSA}\n", f"web {ECDSA}"])
def test_added_keys_are_found_again_and_others_stay(before: str) -> None:
    after = add(before, "i-1", [ED25519, ECDSA])
    assert keys_of(after, "i-1") == [ED25519, ECDSA]
    assert keys_of(after, "web") == keys_of(before, "web")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        (f"i-1 {ED25519}\ni-1 {ECDSA}\n", ""),
        (f"i-10 {ED25519}\n# i-1 was here\n\n", f"i-10 {ED25519}\n# i-1 was here\n\n"),
        pytest.param(f"web,i-1 {ED25519}\n", f"web {ED25519}\n", id="an entry of several hosts"),
        pytest.param(f"web {ECDSA}\ni-2 {ED25519}", f"web {ECDSA}\n", id="no line break at the end"),
    ],
)
def test_removed_hosts_are_forgotten_and_others_stay(before: str, after: str) -> None:
    assert remove(before, ["i-1", "i-2"]) == after


def test_tail_shows_the_last_lines_that_say_something() -> None:
    assert tail("a\n\nb \n\n\nc\n", lines=2) == "b\nc"
    assert tail("\n") == "(nothing was written yet)"
