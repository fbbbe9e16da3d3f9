"""Deploy again and again under constant load, and compare with Docker Compose: the same host and changes, in turns.

`python -m bench.deploy [--deploys 20] [--rollbacks 2]`; `make bench-deploy` calls it. It exits with 1 when a request
failed, a stream was cut, or a deploy or rollback took longer than is wanted.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.converge.hosts import StepFailed
from bench.deploy import report
from bench.deploy.compose import Peer
from bench.deploy.load import Load
from bench.deploy.measured import SLACK, Run, Turn, switch
from bench.deploy.site import Site, site

# Clients of the peer ask less: they are there to see its gap, and to make both sides' turns equal.
PEER_RATE = 5
OPEN_SECONDS = 60


def following(version: str) -> str:
    """Return the next version."""
    head, _, last = version.rpartition(".")
    return f"{head}.{int(last) + 1}"


class Bench:
    """The turns, and the load during them."""

    def __init__(self, host: Site, options: argparse.Namespace) -> None:
        self.site, self.options, self.peer = host, options, Peer(host)
        self.turns: list[Turn] = []
        self.versions = ["0.1.1000"]
        self.ours = Load(host.url, host.secrets["token"], options.rate, options.streams)
        self.theirs = Load(self.peer.url, host.secrets["token"], PEER_RATE)

    def prepare(self) -> None:
        """Bring a first version into service on both sides."""
        print("configuring the host and deploying the first version ...", end="", flush=True)
        began = time.perf_counter()
        self.site.prepare(self.versions[0])
        self.site.play("deploy")
        self.peer.prepare()
        print(f" {time.perf_counter() - began:.0f} s", flush=True)

    def turn(self, kind: str, number: int, version: str, act: Callable[[], None]) -> None:
        """Run one command under load, once all streams are open, and note when."""
        if not self.ours.settle(OPEN_SECONDS):
            open_ones = ", ".join(sorted(self.ours.open)) or "none"
            raise StepFailed(f"Not all streams are open before {kind} {number}, but only: {open_ones}.")
        began = time.perf_counter()
        try:
            act()
        finally:
            turn = Turn(kind, number, version, began, time.perf_counter())
            self.turns.append(turn)
        time.sleep(SLACK)
        if kind != "rest":
            self.tell(turn)

    def tell(self, turn: Turn) -> None:
        """Print what came of a turn."""
        moved = switch(turn, list(self.theirs.requests if turn.kind == "peer" else self.ours.requests))
        first = f"after {moved.before - turn.began:.1f} s" if moved else "never"
        failed = sum(1 for each in self.run().failed() if each.began >= turn.began)
        print(f"{turn!s:<12} answers {first}, ends after {turn.seconds:.1f} s, failed {failed}", flush=True)

    def take_turns(self) -> None:
        """Rest, deploy in turns with the peer, then roll back and forth."""
        self.turn("rest", 1, "", lambda: time.sleep(self.options.rest))
        for number in range(1, self.options.deploys + 1):
            self.versions.append(following(self.versions[-1]))
            self.site.commit(self.versions[-1])
            sides = [("deploy", lambda: self.site.play("deploy")), ("peer", self.peer.update)]
            for kind, act in sides if number % 2 else sides[::-1]:
                self.turn(kind, number, self.versions[-1], act)
        for number in range(1, self.options.rollbacks + 1):
            # The one before the newest, and then, as that served before, the newest again.
            self.turn("rollback", number, self.versions[-1 - number % 2], lambda: self.site.play("rollback"))

    def measure(self) -> Run:
        """Do it all; a command that fails ends it, and what was measured so far is told."""
        self.prepare()
        loads = (self.ours, self.theirs)
        for load in loads:
            load.start()
        try:
            self.take_turns()
        except StepFailed as failure:
            print(failure, flush=True)
        finally:
            for load in loads:
                load.stop()
        return self.run()

    def run(self) -> Run:
        """Return what was measured so far."""
        ours, theirs = self.ours, self.theirs
        streams, requests = list(ours.ended), list(ours.requests)
        return Run(self.turns, requests, streams, ours.opened, list(theirs.requests), self.site.drain)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deploys", type=int, default=20, help="deploys of each side (20)")
    parser.add_argument("--rollbacks", type=int, default=2, help="rollbacks at the end (2)")
    parser.add_argument("--rate", type=float, default=20, help="our clients' requests a second (20)")
    parser.add_argument("--streams", type=int, default=5, help="open event streams, and as many WebSockets (5)")
    parser.add_argument("--drain", type=int, default=10, help="seconds that streams get after a switch (10)")
    parser.add_argument("--rest", type=float, default=60, help="seconds of load before the first deploy (60)")
    options = parser.parse_args()
    print(
        f"This machine has {os.cpu_count()} processors and a load of {os.getloadavg()[0]:.1f}; all share them.",
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="mcp-aws-bench-") as folder, site(Path(folder), options.drain) as host:
        run = Bench(host, options).measure()
    print("\n".join(report.table(run)))
    judged = report.judgment(run, options.deploys)
    print("\n".join(f"{said}: {'kept' if kept else 'MISSED'}" for said, kept in judged))
    return 0 if all(kept for _, kept in judged) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StepFailed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit("interrupted")
