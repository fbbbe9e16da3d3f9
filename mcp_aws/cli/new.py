"""`new`: asks what an inventory cannot do without, writes it, and says what comes next."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mcp_aws import new
from mcp_aws.display.hints import program
from mcp_aws.errors import BadInput

Answer = TypeVar("Answer")
FOLDER = Path("inventory")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `new` takes."""
    parser.add_argument("name", metavar="NAME", help="of the deployment, and of its directory in inventory/")
    parser.add_argument("--region", metavar="REGION", help="where it will be, such as eu-central-1")
    what = "an address or range that may log in, such as 192.0.2.10/32; may be repeated"
    parser.add_argument("--admin", metavar="CIDR", action="append", default=[], help=what)


def make(args: argparse.Namespace) -> None:
    """Write the inventory, with answers of the terminal for what the command line leaves open.

    :raises BadInput: an answer is missing or cannot be one.
    """
    name = new.judge_name(args.name)
    region = _answer("--region", "Region, such as eu-central-1", args.region, new.judge_region)
    question = "Addresses that may log in, such as 192.0.2.10/32"
    ranges = _answer("--admin", question, " ".join(args.admin), _ranges)
    files = new.write(FOLDER / name, name=name, region=region, ranges=ranges)
    print(f"Written: {', '.join(map(str, files))}")
    print(f"Next: {program()} plan -i {FOLDER / name}")


def _ranges(text: str) -> list[str]:
    return new.judge_ranges(text.replace(",", " ").split())


def _answer(option: str, question: str, given: str | None, judge: Callable[[str], Answer]) -> Answer:
    """Return the value of an option, or what a person at the terminal says, asked again until it can be one."""
    if given:
        return judge(given)
    if not sys.stdin.isatty():
        raise BadInput(f"{option} is missing, and there is no terminal to ask at.")
    while True:
        try:
            return judge(input(f"{question}: ").strip())
        except BadInput as error:
            print(error, file=sys.stderr)
        except EOFError:
            raise BadInput(f"{option} is missing.") from None
