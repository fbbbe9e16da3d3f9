"""Compare provisioning with Terraform and with plain boto3: the same resources on the same API, in turns, in one run.

`python -m bench.provision [--rounds 3] [--instances 1 4 16]`; `make bench-provision` calls it.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.provision import report
from bench.provision.account import count, differences
from bench.provision.tools import STEPS, Ours, Script, StepFailed, Tool, find_terraform
from tests.aws.deployment import ACCESS_KEY, NAME, ROOT, SECRET_KEY, Account

# Kinds of which a tool may have another number than the others, and why.
STATED = {
    "with tag mcp:name": "Terraform 5.100's provider gives dashboards no tags",
}


@contextmanager
def api(folder: Path) -> Iterator[str]:
    """Start the API of the tests and stop it again."""
    file, server = folder / "aws.json", str(ROOT / "tests" / "aws" / "server.py")
    subprocess.run([sys.executable, server, "start", str(file)], check=True)
    try:
        yield json.loads(file.read_text())["endpoint"]
    finally:
        subprocess.run([sys.executable, server, "stop", str(file)], check=True)


class Bench:
    """The rounds, and what was measured."""

    def __init__(self, endpoint: str, folder: Path, tools: list[Tool]) -> None:
        self.endpoint, self.folder, self.tools = endpoint, folder, tools
        self.accounts = 0

    def account(self) -> Account:
        """Return an empty account with a folder of its own."""
        urllib.request.urlopen(f"{self.endpoint}/moto-api/reset", b"", timeout=60).close()  # noqa: S310
        self.accounts += 1
        account = Account(self.endpoint, self.folder / f"account-{self.accounts}")
        self.require_empty(account, "a new account")
        return account

    @staticmethod
    def require_empty(account: Account, what: str) -> None:
        """Raise unless the account is empty."""
        if left := +count(account.client, NAME):
            raise StepFailed(f"{what} is not empty: {dict(left)}")

    def measure(self, tool: Tool, instances: int) -> tuple[dict[str, float], Counter[str]]:
        """Take a tool through its steps; return the seconds of each, and what it had made."""
        account, seconds = self.account(), {}
        seconds["create"] = tool.run("create", account, instances)
        made = count(account.client, NAME)
        seconds["no-op"] = tool.run("no-op", account, instances)
        if changed := differences({"before": made, "after": count(account.client, NAME)}):
            raise StepFailed(f"{tool.name} changed the account when it ran again: {changed}")
        seconds["teardown"] = tool.run("teardown", account, instances)
        self.require_empty(account, f"the account after {tool.name}'s teardown")
        return seconds, made

    def rounds(self, number: int, instances: int) -> dict[str, dict[str, list[float]]]:
        """Measure all tools in turns, so that a slow moment of the machine meets all of them."""
        times: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for turn in range(1, number + 1):
            made: dict[str, Counter[str]] = {}
            for tool in self.tools:
                print(f"{instances} instance{'s'[: instances - 1]}, round {turn}, {tool.name:<10}", end="", flush=True)
                seconds, made[tool.name] = self.measure(tool, instances)
                print("  " + ", ".join(f"{step} {seconds[step]:.2f} s" for step in STEPS), flush=True)
                for step in STEPS:
                    times[tool.name][step].append(seconds[step])
            if turn == 1:
                compare(made)
        return times


def compare(made: dict[str, Counter[str]]) -> None:
    """Say whether the tools made the same."""
    unequal = differences(made)
    for kind, numbers in unequal.items():
        why = f"stated: {STATED[kind]}" if kind in STATED else "NOT EQUAL, so the times are not comparable"
        print(f"  {kind}: {', '.join(f'{tool} {number}' for tool, number in numbers.items())} ({why})")
    kinds = len(set().union(*made.values()))
    print(f"  boto3 counts {kinds} kinds of resources and settings; {kinds - len(unequal)} are equal.", flush=True)


def isolate(folder: Path) -> None:
    """Keep the user's credentials and files out of it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    home = folder / "home"
    home.mkdir()
    os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    os.environ |= {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    os.environ |= {"HOME": str(home), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    os.environ["MCP_AWS_PAYLOAD_CACHE"] = str(folder / "payloads")


def introduce(tools: list[Tool]) -> None:
    """Say what is compared, and on what machine."""
    load = os.getloadavg()[0]
    busy = (
        f"; others work on it too (load {load:.1f}), so that times are longer than they need be" if load > 0.5 else ""
    )
    print(f"{', '.join(tool.name for tool in tools)} in turns, one moto server, an empty account each time.")
    print(f"This machine has {os.cpu_count()} cores{busy}.")
    print(
        "Warm are the server, the payload cache of ours (in a temporary folder) and Terraform's provider, once each.\n"
    )


def warm(bench: Bench) -> None:
    """Let the API load what it serves, and our payload cache fill; this is not timed."""
    began = time.monotonic()
    for tool in bench.tools:
        if tool.name != "terraform":
            account = bench.account()
            for step in STEPS:
                tool.run(step, account, 1)
    print(f"warm after {time.monotonic() - began:.0f} s\n", flush=True)


def main() -> None:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="rounds with one instance (3)")
    parser.add_argument("--instances", type=int, nargs="*", default=[1, 4, 16], help="numbers of instances (1 4 16)")
    parser.add_argument("--more-rounds", type=int, default=1, help="rounds with other numbers of instances (1)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mcp-aws-bench-", ignore_cleanup_errors=True) as directory:
        folder = Path(directory)
        tools: list[Tool] = [Ours(), Script()]
        terraform = find_terraform(folder / "terraform")
        isolate(folder)
        if isinstance(terraform, str):
            print(terraform)
        else:
            terraform.prepare()
            tools.insert(1, terraform)
        introduce(tools)
        with api(folder) as endpoint:
            bench = Bench(endpoint, folder, tools)
            warm(bench)
            times = bench.rounds(options.rounds, 1)
            print("\n".join(report.table(times) + report.ratios(times)) + "\n", flush=True)
            numbers = {number: bench.rounds(options.more_rounds, number) for number in options.instances if number != 1}
            print("\n".join(report.by_number({1: times, **numbers})))


if __name__ == "__main__":
    try:
        main()
    except StepFailed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit("interrupted")
