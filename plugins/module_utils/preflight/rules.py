"""What AWS's answers mean for a run: pure functions from answers to sentences."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils.aws.ownership import TAG
from ansible_collections.mcp.aws.plugins.module_utils.preflight.errors import no_image, no_type

ZONES = 2  # a load balancer stands in two
# Families that share the quota of on-demand vCPUs.
STANDARD = re.compile(r"^(a|c|d|h|i|im|is|m|r|t|z)\d")
EXPIRY = timedelta(days=30)


class Note(str):
    """A sentence that is reported, but stops nothing."""


def zones(kind: str, region: str, there: Sequence[str], offering: Sequence[str], chosen: Sequence[str]) -> list[str]:
    """Compare the zones of a region with what is wanted of them.

    :param there: the region's zones.
    :param offering: those that offer the instance type.
    :param chosen: the value of network_zones, the instance's first.
    """
    if not offering:
        return [no_type(kind, region)]
    missing = [zone for zone in chosen if zone not in there]
    if missing:
        return [f"{region} has no zone {', '.join(missing)}. Correct network_zones; there are {', '.join(there)}."]
    if chosen and chosen[0] not in offering:
        remedy = f"Begin network_zones with one of {', '.join(offering)}, or choose another instance_type."
        return [f"The zone {chosen[0]}, in which the instance stands, does not offer `{kind}`. {remedy}"]
    if len(there) < ZONES:
        return [f"{region} has fewer than two zones, and a load balancer wants two. Choose another mcp_region."]
    if not chosen and len(offering) < ZONES:
        others = [zone for zone in there if zone not in offering]
        remedy = f"Set network_zones to [{offering[0]}, {others[0]}], or choose another instance_type."
        return [f"Only the zone {offering[0]} of {region} offers `{kind}`, and a load balancer wants two. {remedy}"]
    return []


def latest(images: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the newest of images as EC2 describes them, empty when there are none."""
    return max(images, key=lambda one: one.get("CreationDate", ""), default={})


def image(found: Sequence[Mapping[str, Any]], wanted: str, region: str, kind: Mapping[str, Any], gib: int) -> list[str]:
    """Compare the newest image with the machine and its volume.

    :param kind: the instance type as EC2 describes it, empty when it does not.
    :param gib: size of the root volume.
    """
    if not found:
        return [no_image(wanted, region)]
    newest = latest(found)
    problems, identity = [], f"The image {newest['ImageId']} ({newest.get('Name', wanted)})"
    runs = kind.get("ProcessorInfo", {}).get("SupportedArchitectures", [])
    if runs and newest.get("Architecture") not in runs:
        problems.append(
            f"{identity} is for {newest.get('Architecture')}, but `{kind['InstanceType']}` runs {', '.join(runs)}. "
            "Choose instance_image_name and instance_type that fit each other."
        )
    mappings = {mapping.get("DeviceName"): mapping.get("Ebs", {}) for mapping in newest.get("BlockDeviceMappings", [])}
    least = mappings.get(newest.get("RootDeviceName"), {}).get("VolumeSize", 0)
    if gib and gib < least:
        problems.append(f"{identity} needs {least} GiB, but instance_volume_size is {gib}. Give {least} or more.")
    return problems


def tags_of(resource: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of a resource as EC2 describes it."""
    return {tag["Key"]: tag["Value"] for tag in resource.get("Tags", [])}


def managed(resources: Iterable[Mapping[str, Any]], owner: str) -> list[Mapping[str, Any]]:
    """Return the resources that bear the tag of this deployment."""
    return [resource for resource in resources if tags_of(resource).get(TAG) == owner]


def ranges(vpc: Mapping[str, Any]) -> list[str]:
    """Return all ranges of a VPC."""
    associated = [part["CidrBlock"] for part in vpc.get("CidrBlockAssociationSet", [])]
    return associated or [vpc["CidrBlock"]]


def network(vpcs: Sequence[Mapping[str, Any]], owner: str, cidr: str) -> list[str]:
    """Compare the range with the VPC that we have; a VPC keeps its range for life."""
    own = managed(vpcs, owner)
    if len(own) > 1:
        names = ", ".join(vpc["VpcId"] for vpc in own)
        return [f"More than one VPC bears the tag {TAG}={owner}: {names}. Take it from all but one."]
    if not own or not cidr or cidr in ranges(own[0]):
        return []
    held = ", ".join(ranges(own[0]))
    remedy = "Restore network_cidr, or take the deployment away first."
    vpc = own[0]["VpcId"]
    return [f"The VPC {vpc} of this deployment has the range {held}, which cannot become network_cidr {cidr}. {remedy}"]


def overlaps(vpcs: Sequence[Mapping[str, Any]], cidr: str) -> list[str]:
    """Return an error for each other VPC of the region that overlaps; the role network rejects a malformed range."""
    try:
        wanted = ip_network(cidr)
    except ValueError:
        return []
    return [
        f"network_cidr {cidr} overlaps {held} of the VPC {vpc['VpcId']} ({tags_of(vpc).get('Name', 'no name')}): "
        "the two could never be joined. Choose another network_cidr, or set network_overlap_allowed to true."
        for vpc in vpcs
        for held in ranges(vpc)
        if wanted.overlaps(ip_network(held))
    ]


def vcpus(instances: Iterable[Mapping[str, Any]]) -> int:
    """Count the vCPUs of what runs that the quota of standard on-demand instances counts."""
    counted = [
        instance.get("CpuOptions", {})
        for instance in instances
        if STANDARD.match(instance["InstanceType"])
        and instance.get("InstanceLifecycle") != "spot"
        and instance.get("State", {}).get("Name") not in ("stopping", "stopped")
    ]
    return sum(cpu.get("CoreCount", 1) * cpu.get("ThreadsPerCore", 1) for cpu in counted)


def quota(what: str, code: str, used: int, wanted: int, limit: float, remedy: str) -> list[str]:
    """Compare what is used and wanted with what is allowed."""
    if used + wanted <= limit:
        return []
    more = "one more is" if wanted == 1 else f"{wanted} more are"
    return [
        f"{used} of {limit:.0f} {what} are in use, and {more} wanted. "
        f"{remedy}, or have the quota {code} raised in the console of Service Quotas."
    ]


def certificate(detail: Mapping[str, Any], now: datetime) -> list[str]:
    """Judge a certificate of ACM as a listener needs it."""
    arn, status = detail["CertificateArn"], detail["Status"]
    if status != "ISSUED":
        remedy = "Finish its validation in ACM, or give another load_balancer_certificate_arn."
        return [f"The certificate {arn} is {status}, and a listener takes only one that is ISSUED. {remedy}"]
    end = detail.get("NotAfter")
    if end and end - now < EXPIRY:
        return [Note(f"The certificate {arn} ends on {end:%Y-%m-%d}.")]
    return []
