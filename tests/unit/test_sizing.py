"""Sizes of the services by the memory of their host."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mcp.aws.plugins.filter.sizing import sizing

MICRO, SMALL, LARGE, HUGE = 957, 1936, 7750, 252_000


def test_a_micro_keeps_most_of_its_memory_for_the_server() -> None:
    sizes = sizing(MICRO)
    assert sizes["postgresql_shared_buffers_mb"] + sizes["redis_maxmemory_mb"] < MICRO / 4
    assert sizes["swap_mb"] == 1024
    assert sizes["postgresql_max_connections"] == 50


def test_each_session_of_postgresql_fits_beside_the_buffers() -> None:
    for memory in (MICRO, SMALL, LARGE, HUGE):
        sizes = sizing(memory, 2)
        sessions = sizes["postgresql_max_connections"] * sizes["postgresql_work_mem_mb"]
        assert sizes["postgresql_shared_buffers_mb"] + sessions < memory / 2


def test_sizes_grow_with_the_host_up_to_their_bounds() -> None:
    rows = [sizing(memory, vcpus) for memory, vcpus in ((MICRO, 1), (SMALL, 1), (LARGE, 2), (HUGE, 64))]
    for smaller, larger in itertools.pairwise(rows):
        assert all(larger[name] >= value for name, value in smaller.items())
    assert rows[-1]["swap_mb"] == 4096
    assert rows[-1]["proxy_threads"] == 4


@pytest.mark.parametrize(
    ("memory", "vcpus", "words"),
    [(512, 1, "too few"), (957, 0, "one processor"), ("much", 1, "invalid literal"), (None, 1, "NoneType")],
)
def test_a_host_that_cannot_be_is_refused(memory: object, vcpus: int, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        sizing(memory, vcpus)
