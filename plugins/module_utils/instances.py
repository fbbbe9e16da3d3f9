"""EC2 instances as they are beside what they should be: pure functions over what EC2 describes."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Tags = dict[str, str]
METADATA = {
    "http_endpoint": "HttpEndpoint",
    "http_protocol_ipv6": "HttpProtocolIpv6",
    "http_put_response_hop_limit": "HttpPutResponseHopLimit",
    "http_tokens": "HttpTokens",
    "instance_metadata_tags": "InstanceMetadataTags",
}


@dataclass(frozen=True)
class Found:
    """An instance as EC2 describes it, and what EC2 describes apart from it."""

    instance: Mapping[str, Any]
    protected: bool
    volumes: Mapping[str, Mapping[str, Any]]  # by id
    addresses: Iterable[Mapping[str, Any]]  # elastic ones

    @property
    def id(self) -> str:
        """The instance's id."""
        return str(self.instance["InstanceId"])

    @property
    def volume(self) -> Mapping[str, Any]:
        """The root volume, empty when it is not described."""
        root = self.instance.get("RootDeviceName")
        mappings = [one for one in self.instance.get("BlockDeviceMappings", []) if one["DeviceName"] == root]
        return self.volumes.get(mappings[0]["Ebs"]["VolumeId"], {}) if mappings else {}

    @property
    def address(self) -> Mapping[str, Any]:
        """The elastic address, empty when it has none."""
        return next((one for one in self.addresses if one.get("InstanceId") == self.id), {})

    @property
    def public_ip(self) -> str:
        """The address that the world knows it by; an elastic one stays its own while it is stopped."""
        return str(self.address.get("PublicIp") or self.instance.get("PublicIpAddress") or "")


def tags_of(resource: Mapping[str, Any]) -> Tags:
    """Return a resource's tags but those that AWS itself sets."""
    return {tag["Key"]: tag["Value"] for tag in resource.get("Tags", []) if not tag["Key"].startswith("aws:")}


def assign(
    names: Iterable[str], instances: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, Mapping[str, Any] | None], list[Mapping[str, Any]]]:
    """Return which instance bears which name, None where one is missing, and the instances beyond them.

    The oldest of several that bear a name has it. An instance whose name somebody changed to none of ours fills a gap.
    """
    wanted = list(names)
    left = sorted(instances, key=lambda one: (str(one.get("LaunchTime", "")), one["InstanceId"]))
    given: dict[str, Mapping[str, Any] | None] = dict.fromkeys(wanted)
    for instance in list(left):
        name = tags_of(instance).get("Name", "")
        if name in given and given[name] is None:
            given[name] = instance
            left.remove(instance)
    gaps = [name for name in wanted if given[name] is None]
    strays = [one for one in left if gaps and not _counted(one, wanted[0])]
    for name, instance in zip(gaps, strays, strict=False):
        given[name] = instance
        left.remove(instance)
    return given, left


def _counted(instance: Mapping[str, Any], first: str) -> bool:
    """Tell whether an instance bears the first name, or that and a number, wanted or not."""
    return bool(re.fullmatch(rf"{re.escape(first)}(-\d+)?", tags_of(instance).get("Name", "")))


def settings(found: Found) -> dict[str, Any]:
    """Return what an instance is, under the names of what it should be."""
    instance = found.instance
    state, options = instance["State"]["Name"], instance.get("MetadataOptions", {})
    return {
        "state": "running" if state == "pending" else state,
        "instance_type": instance["InstanceType"],
        "profile": instance.get("IamInstanceProfile", {}).get("Arn", "").rpartition("/")[2],
        "group_ids": sorted(group["GroupId"] for group in instance.get("SecurityGroups", [])),
        "termination_protection": found.protected,
        "tags": tags_of(instance),
    } | {name: options[key] for name, key in METADATA.items() if key in options}


def wanted_settings(wanted: Mapping[str, Any], tags: Tags, name: str, found: Found | None) -> dict[str, Any]:
    """Return what an instance should be; left out is what is not known yet or cannot be changed.

    :param found: the instance as it is, None when there is none.
    """
    groups = sorted(group for group in wanted["group_ids"] if group)
    unknown = set()
    if found:
        unknown = wanted["metadata_options"].keys() - settings(found).keys()
        unknown |= {"group_ids"} if len(groups) < len(wanted["group_ids"]) or several_interfaces(found) else set()
        unknown |= {"profile"} if not wanted["profile"] else set()
    all_of_them = {
        "state": "running",
        "instance_type": wanted["instance_type"],
        "profile": wanted["profile"].rpartition("/")[2],
        "group_ids": groups,
        "termination_protection": wanted["termination_protection"],
        "tags": tags | {"Name": name},
    } | wanted["metadata_options"]
    return {key: value for key, value in all_of_them.items() if key not in unknown}


def several_interfaces(found: Found) -> bool:
    """Tell whether the instance has more than its own network interface, whose groups EC2 then keeps apart."""
    return len(found.instance.get("NetworkInterfaces", [])) > 1


def differing(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return both sides, the found one cut to what is wanted of it, None when they agree."""
    cut = {key: found[key] for key in wanted if key in found}
    return None if cut == wanted else {"found": cut, "wanted": dict(wanted)}


def changes(wanted: Mapping[str, Any], tags: Tags, name: str, found: Found | None) -> dict[str, dict[str, Any]]:
    """Return what differs of an instance: of itself, of its root volume and of its elastic address."""
    named = tags | {"Name": name}
    compared = {
        "instances": differing(settings(found) if found else {}, wanted_settings(wanted, tags, name, found)),
        "volumes": volume_change(wanted, named, found),
        "addresses": address_change(wanted, named, found),
    }
    return {kind: describe(name, found) | change for kind, change in compared.items() if change}


def volume_change(wanted: Mapping[str, Any], named: Tags, found: Found | None) -> dict[str, Any] | None:
    """Compare the root volume; that of a new instance is made with it."""
    if not found or not found.volume:
        return None
    volume = found.volume
    size = max(wanted["volume_size"], volume["Size"])  # a volume grows and never shrinks
    there = {"size": volume["Size"], "type": volume["VolumeType"], "tags": tags_of(volume)}
    change = differing(there, {"size": size, "type": "gp3", "tags": named})
    return change and change | {"volume_id": volume["VolumeId"]}


def address_change(wanted: Mapping[str, Any], named: Tags, found: Found | None) -> dict[str, Any] | None:
    """Compare the elastic address; somebody else's on our instance is left as it is."""
    address = found.address if found else {}
    bears = tags_of(address)
    if not wanted["elastic_ip"] or (address and not ours(bears, named)):
        return None
    there = {"instance": named["Name"], "tags": bears} if address else {}
    return differing(there, {"instance": named["Name"], "tags": named})


def ours(bears: Tags, tags: Tags, tag: str = "mcp:name") -> bool:
    """Tell whether what bears these tags has our owner."""
    return bears.get(tag) == tags[tag]


def describe(name: str, found: Found | None) -> dict[str, Any]:
    """Return what others want to know of an instance; texts are empty where there is none."""
    instance = found.instance if found else {}
    return {
        "name": name,
        "instance_id": instance.get("InstanceId", ""),
        "state": instance.get("State", {}).get("Name", ""),
        "private_ip": instance.get("PrivateIpAddress", ""),
        "public_ip": found.public_ip if found else "",
        "image_id": instance.get("ImageId", ""),
        "type": instance.get("InstanceType", ""),
        "zone": instance.get("Placement", {}).get("AvailabilityZone", ""),
        "protected": bool(found and found.protected),
    }


def surplus(
    addresses: Iterable[Mapping[str, Any]], instance_ids: Iterable[str], lacking: int, elastic: bool
) -> list[dict[str, str]]:
    """Return the owner's elastic addresses that nothing needs, those of the instances too when none should have one.

    :param lacking: instances that still get one, for which those without an instance are kept.
    """
    free = [one for one in addresses if not one.get("AssociationId")]
    used = [one for one in addresses if one.get("InstanceId") in set(instance_ids)]
    needless = free[lacking:] if elastic else free + used
    return [{"public_ip": one["PublicIp"], "instance_id": one.get("InstanceId") or ""} for one in needless]


def leftover(volumes: Iterable[Mapping[str, Any]], instances: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the ids of the owner's volumes that stay when these instances go, and that nothing else uses."""
    going = {one["InstanceId"] for one in instances}
    mappings = [one["Ebs"] for instance in instances for one in instance.get("BlockDeviceMappings", [])]
    with_them = {one["VolumeId"] for one in mappings if one.get("DeleteOnTermination")}
    return [
        volume["VolumeId"]
        for volume in volumes
        if volume["VolumeId"] not in with_them and {one["InstanceId"] for one in volume.get("Attachments", [])} <= going
    ]
