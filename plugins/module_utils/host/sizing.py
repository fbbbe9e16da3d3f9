"""How much of a host's memory each service gets: one table of shares, and nothing else decides sizes."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass

# Below this the host cannot hold Docker, PostgreSQL, Redis, HAProxy and a server beside each other.
SMALLEST = 768


@dataclass(frozen=True)
class Share:
    """A part of the host's memory, between two bounds; all in MiB."""

    divisor: float
    least: int
    most: int

    def of(self, memory: int) -> int:
        """The part of a host with that much memory."""
        return max(self.least, min(self.most, int(memory / self.divisor)))


# PostgreSQL's buffers and Redis' data take about a quarter together; the server and the page cache get the rest.
SHARES = {
    "swap_mb": Share(1, 1024, 4096),
    "postgresql_shared_buffers_mb": Share(8, 96, 16384),
    "postgresql_effective_cache_size_mb": Share(2.5, 256, 65536),
    "postgresql_maintenance_work_mem_mb": Share(16, 32, 1024),
    "postgresql_work_mem_mb": Share(800, 2, 32),
    "redis_maxmemory_mb": Share(10, 64, 16384),
}
CONNECTIONS_PER_GIB = 50
CLIENTS_PER_GIB = 1000  # HAProxy takes 35 to 50 KiB for each


def sizing(memory: int, vcpus: int = 1) -> dict[str, int]:
    """Size every service of a host.

    :param memory: memory of the host in MiB, as the kernel reports it; a few percent of the machine's are its own.
    :param vcpus: virtual processors of the host.
    :returns: the names of SHARES in MiB, connections and clients as counts, and the threads of the proxy.
    :raises ValueError: when memory or processors are too few.
    """
    if memory < SMALLEST:
        raise ValueError(f"{memory} MiB of memory are too few for these services; they want {SMALLEST} MiB or more")
    if vcpus < 1:
        raise ValueError(f"a host has one processor or more, not {vcpus}")
    gib = max(1.0, memory / 1024)
    sizes = {name: share.of(memory) for name, share in SHARES.items()}
    return sizes | {
        "memory_mb": memory,
        "postgresql_max_connections": min(200, int(CONNECTIONS_PER_GIB * gib)),
        "proxy_max_connections": min(50_000, int(CLIENTS_PER_GIB * gib)),
        "proxy_threads": min(4, vcpus),
    }
