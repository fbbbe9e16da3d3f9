"""Measure what the deployed server leaves of its host's memory, at rest and with busy clients.

`python -m bench.footprint [--clients 50] [--seconds 60]`; `make bench-footprint` calls it. It exits with 1 when a
process was killed for memory, or when less than 200 MiB were available.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils.mcp.load import percentile, summarize

from bench.footprint.clients import Load
from tests.e2e.conftest import Server

WATCH = Path(__file__).with_name("watch.py").read_text()
REST_SECONDS = 8
WANTED = 200  # MiB


def watch(server: Server, seconds: float) -> dict[str, Any]:
    """Watch the host from inside."""
    return dict(json.loads(server.shell(f"exec python3 - {seconds} <<'END'\n{WATCH}\nEND")))


async def measure(server: Server, options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any], Load]:
    """Watch the host at rest, then under load."""
    rest = await asyncio.to_thread(watch, server, REST_SECONDS)
    load = Load(server.url, server.token, options.pause)
    watching = asyncio.to_thread(watch, server, options.seconds)
    busy, _ = await asyncio.gather(watching, load.run(options.clients, options.seconds))
    await load.tidy(options.clients)
    return rest, busy, load


def tell(rest: dict[str, Any], busy: dict[str, Any], load: Load) -> list[str]:
    """Return what was measured as text; sizes are KiB."""
    lines = [f"{'memory in MiB':<40}{'at rest':>9}{'busy':>9}"]
    rows = {
        "available, median": "available",
        "available, least": "least",
        "used at most since boot, with cache": "peak",
    }
    for name, key in rows.items():
        lines.append(f"{name:<40}{rest[key] / 1024:>9.0f}{busy[key] / 1024:>9.0f}")
    lines.append("of it resident, by unit, what is shared counted once:")
    units = rest["units"] | busy["units"]
    for unit in sorted(units, key=lambda unit: -units[unit]):
        lines.append(f"  {unit:<38}" + "".join(f"{each['units'].get(unit, 0) / 1024:>9.1f}" for each in (rest, busy)))
    figures, ordered = summarize(load.samples), sorted(sample.seconds for sample in load.samples)
    rate = figures["requests"] / figures["seconds"] if figures["seconds"] else 0
    kinds = ", ".join(f"{name} {number}" for name, number in sorted(load.kinds.items()))
    lines += [
        f"calls: {figures['requests']} ({kinds}; {load.streams} answered as event streams), {rate:.0f} a second",
        f"seconds of a call: median {figures['p50']:.3f}, p99 {percentile(ordered, 99):.3f}, most {figures['max']:.3f}",
        f"failed: {figures['failed']} {figures['problems'] or ''}",
        f"killed for memory: {busy['oom_kills'] - rest['oom_kills']}",
    ]
    return lines


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50, help="clients at the same time (50)")
    parser.add_argument("--seconds", type=float, default=60, help="seconds of load, at most 240 (60)")
    parser.add_argument("--pause", type=float, default=0.25, help="seconds that a client thinks after each call (0.25)")
    options = parser.parse_args()
    try:
        server = Server()
    except AssertionError as nothing:
        sys.exit(f"There is no server to measure; `make site` deploys it. {nothing}")
    rest, busy, load = asyncio.run(measure(server, options))
    print(f"{options.clients} clients for {options.seconds:.0f} s on a host with {busy['total'] / 1024:.0f} MiB")
    print("\n".join(tell(rest, busy, load)))
    killed, least = busy["oom_kills"] - rest["oom_kills"], min(rest["least"], busy["least"]) / 1024
    good = not killed and least >= WANTED
    print(f"wanted: nothing killed, and {WANTED} MiB available at any time: {'kept' if good else 'MISSED'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
