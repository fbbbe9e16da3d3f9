"""Compare the runner with bare ansible-playbook: the same plays, in turns, in one run.

`python -m bench.runner [--site-pairs 3] [--pairs 2] [--only site|many] [--quick]`; `make bench-runner` calls it. It
exits with 1 when something wanted was missed, and with 3 when the lab, which site needs, is not up. `--quick` shows
that the benchmark works: few hosts and tasks and no site; of what was wanted, it judges the events only.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from bench.runner import interleave, report
from bench.runner.fixture import Fixture
from bench.runner.interleave import CHECKOUT, Pair, TurnFailed
from tests.e2e.conftest import Server

LAB = CHECKOUT / "inventory" / "lab"
HANDLER = 0.01  # seconds
NO_LAB = 3


def tell(name: str, pair: Pair) -> None:
    """Print a pair as soon as it is there: the whole takes long."""
    alone, driven = pair
    print(f"{name}: bare {alone.seconds:.1f} s, the runner {driven.seconds:.1f} s", flush=True)


def site(pairs: int) -> list[Pair]:
    """Measure site on the lab that stands, where it changes nothing."""
    measured = []
    for number in range(pairs):
        one, other = (lambda: interleave.bare(LAB, CHECKOUT / "site.yml")), (lambda: interleave.via_runner(LAB, "site"))
        measured.append(interleave.take(number, one, other))
        tell(f"site, pair {number + 1}", measured[-1])
    return measured


def many(folder: Path, hosts: int, few: int, tasks: int, pairs: int) -> report.Many:
    """Measure many hosts: few tasks, the same with a slow handler, then many tasks in turns."""
    fixture = Fixture(folder, hosts)
    fixture.build(few, tasks)
    places = {"playbooks": fixture.folder, "cache": fixture.folder / "cache"}
    short = interleave.via_runner(fixture.inventory, fixture.playbook(few).stem, **places)
    print(f"{hosts} hosts by {few} tasks, the runner {short.seconds:.1f} s", flush=True)
    slow = interleave.via_runner(fixture.inventory, fixture.playbook(few).stem, handler=HANDLER, **places)
    print(
        f"the same with a handler that takes {HANDLER:g} s an event: {slow.seconds:.1f} s, of it the playbook ", end=""
    )
    print(f"{slow.playbook_seconds:.1f} s", flush=True)
    measured, playbook = [], fixture.playbook(tasks)
    for number in range(pairs):
        pair = interleave.take(
            number,
            lambda: interleave.bare(fixture.inventory, playbook),
            lambda: interleave.via_runner(fixture.inventory, playbook.stem, **places),
        )
        measured.append(pair)
        tell(f"{hosts} hosts by {tasks} tasks, pair {number + 1}", pair)
    return report.Many(hosts, few, tasks, measured, short, slow, HANDLER)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--site-pairs", type=int, default=3, help="pairs of site (3)")
    parser.add_argument("--pairs", type=int, default=2, help="pairs with many hosts (2)")
    parser.add_argument("--only", choices=("site", "many"), help="measure only one of the two")
    parser.add_argument("--quick", action="store_true", help="50 hosts by 5 tasks, one pair, no site")
    said = parser.parse_args()
    print(f"This machine has {os.cpu_count()} processors and a load of {os.getloadavg()[0]:.1f}; all share them.")
    print("Both sides run the same plays from the same directory. A task of the many is `raw: /bin/true`: through the")
    print("connection, and a process; any work beside it would hide the runner's share.", flush=True)
    lab_is_up, sites, crowd = True, [], None
    if not said.quick and said.only != "many":
        try:
            Server()
        except AssertionError as nothing:
            lab_is_up = False
            print(f"The lab is not up, so site is not measured; `make site` brings it up. {nothing}", flush=True)
        else:
            sites = site(said.site_pairs)
    if said.quick or said.only != "site":
        with tempfile.TemporaryDirectory(prefix="mcp-aws-bench-") as folder:
            hosts, few, tasks, pairs = (50, 2, 5, 1) if said.quick else (1000, 5, 20, said.pairs)
            crowd = many(Path(folder), hosts, few, tasks, pairs)
    name = f"{crowd.hosts} hosts by {crowd.many} tasks" if crowd else ""
    print("\n" + "\n".join(report.table({"site": sites, name: crowd.pairs if crowd else []})))
    judged = report.judge_site(sites) if sites else []
    if crowd:
        print("\n" + "\n".join(report.memory(crowd)))
        found = report.judge_many(crowd)
        judged += found[:1] if said.quick else found
    print("\n" + "\n".join(f"{text}: {'kept' if kept else 'MISSED'}" for text, kept in judged))
    if not all(kept for _, kept in judged):
        return 1
    return 0 if lab_is_up else NO_LAB


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TurnFailed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit("interrupted")
