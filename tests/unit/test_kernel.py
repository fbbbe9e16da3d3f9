"""Names and values of kernel settings."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mcp.aws.plugins.module_utils import kernel


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("vm.swappiness", "vm/swappiness"),
        ("net.ipv4.conf.eth0/1.rp_filter", "net/ipv4/conf/eth0.1/rp_filter"),
        ("net/ipv4/conf/eth0.1/rp_filter", "net/ipv4/conf/eth0.1/rp_filter"),
    ],
)
def test_place(name: str, path: str) -> None:
    assert kernel.place(name, Path("/p")) == Path("/p", path)


@pytest.mark.parametrize(("one", "other", "same"), [("1\n", "1", True), ("1\t2\n", "1 2", True), ("1", "10", False)])
def test_same(one: str, other: str, same: bool) -> None:
    assert kernel.same(one, other) is same


def test_lines_are_sorted_and_forgive() -> None:
    assert kernel.lines({"vm.swappiness": 10, "net.x": "1\t2"}) == ["-net.x = 1 2", "-vm.swappiness = 10"]
