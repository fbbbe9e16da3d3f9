"""What of EC2 instances is not as it should be and cannot be made so, in words: pure functions."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils.instances import (
    Found,
    Tags,
    ours,
    several_interfaces,
    tags_of,
)

REPLACE = "Terminate it and run again for a new one, or"


def warnings(name: str, found: Found, wanted: Mapping[str, Any], tags: Tags) -> list[str]:
    """Return a sentence for each setting of an instance that only a person can bring right."""
    which = f"The instance {name} ({found.id})"
    return [f"{which} {sentence}" for sentence in _sentences(found, wanted, tags)]


def _sentences(found: Found, wanted: Mapping[str, Any], tags: Tags) -> Iterator[str]:
    instance, volume = found.instance, found.volume
    if wanted["subnet_id"] and instance.get("SubnetId") != wanted["subnet_id"]:
        where = f"stands in {instance.get('SubnetId')}, not in {wanted['subnet_id']}, and does not move."
        yield f"{where} {REPLACE} correct instance_subnet_id."
    if wanted["key_name"] and instance.get("KeyName") != wanted["key_name"]:
        what = f"was made with the key pair {instance.get('KeyName') or '(none)'}, not with {wanted['key_name']}."
        yield f"{what} {REPLACE} correct instance_key_name."
    if volume and volume["Size"] > wanted["volume_size"]:
        what = f"has a volume of {volume['Size']} GiB, and volumes do not shrink."
        yield f"{what} {REPLACE} set instance_volume_size to {volume['Size']}."
    if volume and not volume.get("Encrypted"):
        yield f"has a volume that is not encrypted, and stays so. {REPLACE} live with it."
    if several_interfaces(found):
        yield "has several network interfaces: their security groups are not compared. Look at them yourself."
    if wanted["elastic_ip"] and found.address and not ours(tags_of(found.address), tags):
        what = f"has the elastic address {found.address['PublicIp']}, which is somebody else's by its tags: it stays."
        yield f"{what} Detach it for one of the deployment's own."


def beyond(others: Iterable[Mapping[str, Any]]) -> str | None:
    """Say which instances are more than wanted and run on, None when there is none."""
    names = [f"{tags_of(one).get('Name', '(no name)')} ({one['InstanceId']})" for one in others]
    if not names:
        return None
    return (
        f"More instances bear the deployment's tag than instance_count wants: {', '.join(names)}. They run on and "
        "cost. Terminate them in EC2 when they have nothing left to do, or raise instance_count."
    )
