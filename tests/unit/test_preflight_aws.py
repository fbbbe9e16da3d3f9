"""What AWS's answers mean for a run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.preflight import rules as preflight_aws
from ansible_collections.mcp.aws.plugins.module_utils.preflight.rules import Note

A, B = "eu-west-9a", "eu-west-9b"
IMAGE = {
    "ImageId": "ami-1",
    "Name": "debian",
    "Architecture": "x86_64",
    "CreationDate": "2026-01-01",
    "RootDeviceName": "/dev/xvda",
    "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8}}],
}
TYPE = {"InstanceType": "t3.micro", "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]}}
ARM = {"InstanceType": "t4g.micro", "ProcessorInfo": {"SupportedArchitectures": ["arm64"]}}
MINE = {"VpcId": "vpc-1", "CidrBlock": "10.20.0.0/16", "Tags": [{"Key": "mcp:name", "Value": "acme"}]}
OTHER = {
    "VpcId": "vpc-2",
    "CidrBlock": "172.31.0.0/16",
    "CidrBlockAssociationSet": [{"CidrBlock": "172.31.0.0/16"}, {"CidrBlock": "10.20.128.0/20"}],
}


def agree(problems: list[str], sentence: str | None) -> None:
    """Expect one sentence that contains this, or none."""
    assert len(problems) == (sentence is not None), problems
    assert (sentence or "") in "".join(problems)


@pytest.mark.parametrize(
    ("there", "offering", "chosen", "sentence"),
    [
        ([A, B], [A, B], [], None),
        ([A, B], [A], [A, B], None),
        ([A, B], [], [], "No zone of eu-west-9 offers"),
        ([A, B], [A], [B, A], "The zone eu-west-9b, in which the instance stands, does not offer"),
        ([A, B], [A], [], "Set network_zones to [eu-west-9a, eu-west-9b]"),
        ([A, B], [A], ["eu-west-9x", A], "has no zone eu-west-9x. Correct network_zones; there are eu-west-9a"),
        ([A], [A], [], "fewer than two zones"),
    ],
)
def test_zones(there: list[str], offering: list[str], chosen: list[str], sentence: str | None) -> None:
    agree(preflight_aws.zones("t3.micro", "eu-west-9", there, offering, chosen), sentence)


@pytest.mark.parametrize(
    ("found", "kind", "size", "sentence"),
    [
        ([IMAGE], TYPE, 8, None),
        ([IMAGE], {}, 8, None),
        ([], TYPE, 8, "There is no image `debian` in eu-west-9"),
        ([IMAGE], ARM, 8, "is for x86_64, but `t4g.micro` runs arm64"),
        ([IMAGE], TYPE, 4, "needs 8 GiB, but instance_volume_size is 4"),
        ([IMAGE, IMAGE | {"CreationDate": "2026-02", "Architecture": "arm64"}], ARM, 8, None),
    ],
)
def test_image(found: list[dict[str, Any]], kind: dict[str, Any], size: int, sentence: str | None) -> None:
    agree(preflight_aws.image(found, "`debian`", "eu-west-9", kind, size), sentence)


@pytest.mark.parametrize(
    ("vpcs", "cidr", "sentence"),
    [
        ([MINE, OTHER], "10.20.0.0/16", None),
        ([OTHER], "10.30.0.0/16", None),
        (
            [MINE],
            "10.30.0.0/16",
            "of this deployment has the range 10.20.0.0/16, which cannot become network_cidr 10.30",
        ),
        (
            [MINE, MINE | {"VpcId": "vpc-3"}],
            "10.20.0.0/16",
            "More than one VPC bears the tag mcp:name=acme: vpc-1, vpc-3",
        ),
    ],
)
def test_network(vpcs: list[dict[str, Any]], cidr: str, sentence: str | None) -> None:
    agree(preflight_aws.network(vpcs, "acme", cidr), sentence)


@pytest.mark.parametrize(
    ("cidr", "sentence"),
    [
        ("10.40.0.0/16", None),
        ("not a range", None),
        ("172.31.4.0/24", "overlaps 172.31.0.0/16 of the VPC vpc-2 (no name)"),
        ("10.20.0.0/16", "overlaps 10.20.128.0/20 of the VPC vpc-2"),
    ],
)
def test_overlaps_with_any_range_of_another_vpc(cidr: str, sentence: str | None) -> None:
    agree(preflight_aws.overlaps([OTHER], cidr), sentence)


def test_vcpus_are_those_of_standard_instances_on_demand() -> None:
    instances = [
        {"InstanceType": "t2.micro", "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 1}},
        {"InstanceType": "m5.large", "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 2}},
        {"InstanceType": "m5.large", "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 2}, "InstanceLifecycle": "spot"},
        {"InstanceType": "m5.large", "CpuOptions": {"CoreCount": 8}, "State": {"Name": "stopped"}},
        {"InstanceType": "inf2.xlarge", "CpuOptions": {"CoreCount": 2, "ThreadsPerCore": 2}},
        {"InstanceType": "im4gn.large", "CpuOptions": {"CoreCount": 2, "ThreadsPerCore": 1}},
    ]
    assert preflight_aws.vcpus(instances) == 5


@pytest.mark.parametrize(
    ("used", "wanted", "sentence"),
    [
        (4, 1, None),
        (5, 1, "5 of 5 VPCs are in use, and one more is wanted. Delete one, or have the quota L-1 raised"),
        (4, 2, "4 of 5 VPCs are in use, and 2 more are wanted."),
    ],
)
def test_quota(used: int, wanted: int, sentence: str | None) -> None:
    agree(preflight_aws.quota("VPCs", "L-1", used, wanted, 5.0, "Delete one"), sentence)


@pytest.mark.parametrize(
    ("status", "ends", "sentence", "stops"),
    [
        ("ISSUED", datetime(2027, 6, 1, tzinfo=UTC), None, False),
        ("ISSUED", datetime(2027, 1, 15, tzinfo=UTC), "ends on 2027-01-15", False),
        ("PENDING_VALIDATION", None, "is PENDING_VALIDATION, and a listener takes only", True),
    ],
)
def test_certificate(status: str, ends: datetime | None, sentence: str | None, stops: bool) -> None:
    detail = {"CertificateArn": "arn:x", "Status": status, "NotAfter": ends}
    found = preflight_aws.certificate(detail, datetime(2027, 1, 1, tzinfo=UTC))
    agree(found, sentence)
    assert any(not isinstance(one, Note) for one in found) == stops
