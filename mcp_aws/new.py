"""A new inventory: production's files with a name, a region and the addresses of those who may log in."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from mcp_aws.errors import BadInput
from mcp_aws.location import COLLECTION_ROOT

SAMPLE = COLLECTION_ROOT / "inventory/production"
# What takes the fewest characters of all that is named after a deployment: a load balancer.
NAME = re.compile(r"(?!internal-)[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,31}", re.ASCII)
REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d", re.ASCII)
# The lines of the sample that say whose deployment it is: in which file, what they are, what takes their place.
LINES = (
    ("group_vars/all/main.yml", r"^mcp_name: .*$", "mcp_name: {name}"),
    ("group_vars/all/main.yml", r"^mcp_region: .*$", "mcp_region: {region}"),
    ("group_vars/all/main.yml", r"^# network_admin_cidrs: .*$", "network_admin_cidrs: [{ranges}]"),
    ("aws_ec2.yml", r"^regions: .*$", "regions: [{region}]"),
    ("aws_ec2.yml", r"^  tag:mcp:name: .*$", "  tag:mcp:name: {name}"),
)


def write(folder: Path, *, name: str, region: str, ranges: Sequence[str]) -> list[Path]:
    """Write an inventory and return its files.

    :param folder: where to; it must not exist yet.
    :param ranges: CIDR blocks that may log in; an address alone means itself.
    :raises BadInput: a value cannot be one, or the folder is there already. Nothing has been written then.
    """
    said = {"name": judge_name(name), "region": judge_region(region), "ranges": ", ".join(judge_ranges(ranges))}
    texts = {path.relative_to(SAMPLE): path.read_text() for path in sorted(SAMPLE.rglob("*.yml"))}
    for file, line, own in LINES:
        texts[Path(file)], found = re.subn(line, own.format(**said), texts[Path(file)], flags=re.M)
        if found != 1:
            raise BadInput(f"{SAMPLE / file} has {found} lines like `{line}`, where one was expected.")
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise BadInput(f"`{folder}` exists already. Choose another name, or edit what is there.") from None
    try:
        for path, text in texts.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return [folder / path for path in texts]


def judge_name(name: str) -> str:
    """Return a name that everything in AWS can bear which is named after a deployment.

    :raises BadInput: there is something that cannot.
    """
    if not NAME.fullmatch(name):
        raise BadInput(
            f"`{name}` cannot name a deployment: 1 to 32 lower-case letters, digits and single hyphens, beginning with "
            "a letter, not ending with a hyphen, and not `internal-...`, which AWS keeps for itself."
        )
    return name


def judge_region(region: str) -> str:
    """Return a region's name.

    :raises BadInput: it does not look like one.
    """
    if not REGION.fullmatch(region):
        raise BadInput(f"`{region}` is no region of AWS; one is written as eu-central-1.")
    return region


def judge_ranges(ranges: Sequence[str]) -> list[str]:
    """Return CIDR blocks as AWS writes them.

    :raises BadInput: there is none, one is no block, or one is the world.
    """
    if not ranges:
        raise BadInput("Nobody could log in: give at least one address or range, such as 192.0.2.10/32.")
    blocks = []
    for text in ranges:
        try:
            block = ipaddress.ip_network(text)
        except ValueError as error:
            raise BadInput(f"`{text}` is no address and no range such as 192.0.2.0/24: {error}.") from None
        if block.prefixlen == 0:
            raise BadInput(f"`{text}` is the whole world, which may not log in. Give your own addresses.")
        blocks.append(str(block))
    return blocks
