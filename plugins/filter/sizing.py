"""Filter plugin: how much of a host's memory each service gets."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.mcp.aws.plugins.module_utils.host.sizing import sizing as sizes_of

DOCUMENTATION = r"""
name: sizing
short_description: Size the services of a host by its memory
version_added: 0.1.0
description:
  - PostgreSQL and Redis share a host with the MCP server, so neither may take what a machine of its own would give it.
  - This filter is the only place where their sizes come from. The roles' variables stand above it.
  - "Of the memory PostgreSQL's C(shared_buffers) get 1/8, Redis' data 1/10; swap is as large as the memory, from 1 to
    4 GiB; there are 50 connections to PostgreSQL and 1000 clients of the proxy for each GiB."
options:
  _input:
    description: Memory of the host in MiB; the fact C(memtotal_mb).
    type: int
    required: true
  vcpus:
    description: Virtual processors of the host; the fact C(processor_vcpus).
    type: int
    default: 1
author:
  - The mcp.aws maintainers
"""

EXAMPLES = r"""
# A t2.micro: {'swap_mb': 1024, 'postgresql_shared_buffers_mb': 119, 'redis_maxmemory_mb': 95, ...}
sizes: "{{ 957 | mcp.aws.sizing }}"
"""

RETURN = r"""
_value:
  description:
    - C(memory_mb), C(swap_mb), C(postgresql_shared_buffers_mb), C(postgresql_effective_cache_size_mb),
      C(postgresql_maintenance_work_mem_mb), C(postgresql_work_mem_mb), C(redis_maxmemory_mb) in MiB.
    - C(postgresql_max_connections), C(proxy_max_connections), C(proxy_threads) as counts.
  type: dict
"""


def sizing(memory: Any, vcpus: Any = 1) -> dict[str, int]:
    """Size the services, with the errors of a filter."""
    try:
        return sizes_of(int(memory), int(vcpus))
    except (OverflowError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"mcp.aws.sizing: {error}") from error


class FilterModule:
    """Names the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"sizing": sizing}
