"""SSH host keys in an EC2 console."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.aws.host_keys import keys_in_console, tail

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


def test_tail_shows_the_last_lines_that_say_something() -> None:
    assert tail("a\n\nb \n\n\nc\n", lines=2) == "b\nc"
    assert tail("\n") == "(nothing was written yet)"
