"""Compare our roles docker, postgresql and redis with pyinfra: the same host, in turns, in one run.

`python -m bench.converge [--rounds 3] [--profile]`; `make bench-converge` calls it.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from bench.converge import report
from bench.converge.hosts import Account, Host, StepFailed
from bench.converge.tools import Ours, Pyinfra, Tool, wanted

PASSWORD = "password-of-a-host-that-lives-for-minutes"  # noqa: S105


def children() -> float:
    """Return the processor's seconds of the processes that this one has waited for."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


class Bench:
    """The rounds, and what was measured."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.bare: dict[str, Any] = {}
        self.seen: dict[str, dict[str, Any]] = {}
        self.times: report.Measured = defaultdict(lambda: defaultdict(list))

    def measure(self, tool: Tool) -> dict[str, report.Cost]:
        """Converge a fresh host, and converge it again; keep what the host then is."""
        with self.account.host() as host:
            self.bare = self.bare or host.look()
            costs = {"fresh": self.cost(tool, host, again=False), "no-op": self.cost(tool, host, again=True)}
            self.seen[tool.name] = host.look(PASSWORD)
        return costs

    @staticmethod
    def cost(tool: Tool, host: Host, *, again: bool) -> report.Cost:
        """Converge a host; return what it took."""
        before, mine = host.processor_seconds(), children()
        seconds = tool.run(host, again)
        return report.Cost(seconds, children() - mine, host.processor_seconds() - before)

    def take_turns(self, tools: list[Tool], rounds: int) -> None:
        """Measure the tools in turns, each of them first in every other round."""
        for number in range(rounds):
            for tool in tools if number % 2 == 0 else tools[::-1]:
                print(f"round {number + 1}, {tool.name:<8}", end="", flush=True)
                costs = self.measure(tool)
                print("  " + ", ".join(f"{step} {cost}" for step, cost in costs.items()), flush=True)
                for step, cost in costs.items():
                    self.times[tool.name][step].append(cost)

    def compare(self) -> bool:
        """Say whether both made the same host, and one that works."""
        found = list(report.differences(self.seen["ours"], self.seen["pyinfra"]))
        for tool, host in self.seen.items():
            found += [f"{tool}: {problem}" for problem in report.shortcomings(host["services"])]
        print("\n".join(f"NOT EQUAL, so the times are not comparable: {line}" for line in found))
        if not found:
            host = self.seen["ours"]
            new = len(host["packages"]) - len(self.bare["packages"])
            print(f"Both made the same: {new} packages more, {len(host['files'])} files, and services that answer:")
            print("\n".join(f"  {name}: {answer}" for name, answer in host["services"].items()))
        return not found


def main() -> int:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="rounds that count (3)")
    parser.add_argument("--profile", action="store_true", help="print how long each of our tasks took")
    options = parser.parse_args()
    print("A fresh t2.micro each time, booted before the clock starts.")
    print(
        f"This machine has {os.cpu_count()} processors and a load of {os.getloadavg()[0]:.1f}. Where others work on it,"
    )
    print("times are longer than they need be; the processors' own seconds hardly are.\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="mcp-aws-bench-") as directory:
        account = Account(Path(directory))
        try:
            bench = Bench(account)
            ours = Ours(Path(directory), PASSWORD, options.profile)
            # The first turn of each is not counted: it fills caches of packages and modules, and ours is the model.
            for step, cost in bench.measure(ours).items():
                print(f"ours, not counted: {step} {cost}", flush=True)
            pyinfra = Pyinfra(Path(directory), wanted(bench.bare, bench.seen["ours"], PASSWORD))
            for step, cost in bench.measure(pyinfra).items():
                print(f"pyinfra, not counted: {step} {cost}, {pyinfra.operations} operations", flush=True)
            bench.take_turns([ours, pyinfra], options.rounds)
        finally:
            account.close()
    print("\n".join(report.table(bench.times) + report.judgment(bench.times)) + "\n")
    return 0 if bench.compare() else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StepFailed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit("interrupted")
