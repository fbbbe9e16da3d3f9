"""EC2 instances beside what they should be."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.instance_warnings import beyond, warnings
from ansible_collections.mcp.aws.plugins.module_utils.instances import (
    Found,
    assign,
    changes,
    describe,
    leftover,
    settings,
    surplus,
)

TAGS = {"mcp:name": "acme"}
NAMED = TAGS | {"Name": "web"}
WANTED: dict[str, Any] = {
    "instance_type": "t2.micro",
    "profile": "arn:aws:iam::123456789012:instance-profile/acme",
    "group_ids": ["sg-1", "sg-2"],
    "subnet_id": "subnet-1",
    "key_name": "acme",
    "termination_protection": False,
    "metadata_options": {"http_tokens": "required", "http_protocol_ipv6": "disabled"},
    "volume_size": 16,
    "elastic_ip": False,
}


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    """Turn tags into the form of EC2."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def instance(**other: Any) -> dict[str, Any]:
    """Return an instance as it should be, but for what is given."""
    right: dict[str, Any] = {
        "InstanceId": "i-1",
        "State": {"Name": "running"},
        "InstanceType": "t2.micro",
        "IamInstanceProfile": {"Arn": "arn:aws:iam::123456789012:instance-profile/acme"},
        "SecurityGroups": [{"GroupId": "sg-2"}, {"GroupId": "sg-1"}],
        "SubnetId": "subnet-1",
        "KeyName": "acme",
        "PublicIpAddress": "192.0.2.1",
        "MetadataOptions": {"HttpTokens": "required", "State": "applied"},
        "RootDeviceName": "/dev/xvda",
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeId": "vol-1", "DeleteOnTermination": True}}],
        "NetworkInterfaces": [{}],
        "Tags": pairs(NAMED | {"aws:autoscaling:group": "x"}),
    }
    return right | other


def volume(**other: Any) -> dict[str, Any]:
    """Return a root volume as it should be, but for what is given."""
    right = {"VolumeId": "vol-1", "Size": 16, "VolumeType": "gp3", "Encrypted": True, "Tags": pairs(NAMED)}
    return right | other


def address(**other: Any) -> dict[str, Any]:
    """Return an elastic address of the instance, but for what is given."""
    right = {"PublicIp": "192.0.2.9", "InstanceId": "i-1", "AssociationId": "eipassoc-1", "Tags": pairs(NAMED)}
    return right | other


def found(one: dict[str, Any], disk: dict[str, Any] | None = None, *addresses: dict[str, Any]) -> Found:
    """Return an instance with its volume and addresses, not protected."""
    disk = disk or volume()
    return Found(one, False, {disk["VolumeId"]: disk}, addresses)


@pytest.mark.parametrize(
    ("there", "given", "left"),
    [
        ({}, {"web": None, "web-2": None}, []),
        ({"i-1": "web", "i-2": "web-2"}, {"web": "i-1", "web-2": "i-2"}, []),
        pytest.param({"i-2": "web", "i-1": "web"}, {"web": "i-1", "web-2": None}, ["i-2"], id="twice: the older one"),
        pytest.param({"i-1": "renamed", "i-2": ""}, {"web": "i-1", "web-2": "i-2"}, [], id="renamed by hand"),
        pytest.param({"i-1": "web-3"}, {"web": None, "web-2": None}, ["i-1"], id="one too many stays what it is"),
        pytest.param({"i-1": "x", "i-2": "web", "i-3": "web-2"}, {"web": "i-2", "web-2": "i-3"}, ["i-1"], id="no gap"),
    ],
)
def test_assign(there: dict[str, str], given: dict[str, str | None], left: list[str]) -> None:
    instances = [instance(InstanceId=key, Tags=pairs(TAGS | {"Name": name})) for key, name in there.items()]
    assigned, others = assign(["web", "web-2"], instances)
    assert {name: one and one["InstanceId"] for name, one in assigned.items()} == given
    assert [one["InstanceId"] for one in others] == left


def test_without_names_every_instance_is_another() -> None:
    assert assign([], [instance()]) == ({}, [instance()])


def test_an_instance_as_it_should_be_does_not_change() -> None:
    assert changes(WANTED, TAGS, "web", found(instance())) == {}
    assert changes(WANTED, TAGS, "web", found(instance(State={"Name": "pending"}))) == {}


def test_a_missing_instance_is_made_with_its_volume_and_then_gets_an_address() -> None:
    found_changes = changes(WANTED | {"elastic_ip": True}, TAGS, "web", None)
    assert sorted(found_changes) == ["addresses", "instances"]
    assert found_changes["instances"]["found"] == found_changes["addresses"]["found"] == {}
    assert found_changes["instances"]["wanted"]["group_ids"] == ["sg-1", "sg-2"]
    assert found_changes["instances"]["wanted"]["http_protocol_ipv6"] == "disabled"


@pytest.mark.parametrize(
    ("other", "key"),
    [
        ({"State": {"Name": "stopped"}}, "state"),
        ({"InstanceType": "t2.nano"}, "instance_type"),
        ({"IamInstanceProfile": {"Arn": "arn:aws:iam::123456789012:instance-profile/x"}}, "profile"),
        ({"SecurityGroups": [{"GroupId": "sg-1"}]}, "group_ids"),
        ({"MetadataOptions": {"HttpTokens": "optional"}}, "http_tokens"),
        ({"Tags": pairs(TAGS | {"Name": "x"})}, "tags"),
        ({"Tags": pairs(NAMED | {"team": "x"})}, "tags"),
    ],
)
def test_what_was_changed_by_hand_differs(other: dict[str, Any], key: str) -> None:
    (change,) = changes(WANTED, TAGS, "web", found(instance(**other))).values()
    assert [name for name in change["wanted"] if change["found"].get(name) != change["wanted"][name]] == [key]


@pytest.mark.parametrize(
    ("wanted", "other"),
    [
        pytest.param({"group_ids": [""], "profile": ""}, {}, id="not known yet"),
        pytest.param({"group_ids": ["sg-9"]}, {"NetworkInterfaces": [{}, {}]}, id="several interfaces"),
    ],
)
def test_what_cannot_be_compared_is_left_out(wanted: dict[str, Any], other: dict[str, Any]) -> None:
    assert changes(WANTED | wanted, TAGS, "web", found(instance(**other))) == {}


@pytest.mark.parametrize(
    ("other", "wanted"),
    [
        ({"VolumeType": "gp2"}, {"size": 16, "type": "gp3", "tags": NAMED}),
        ({"Tags": []}, {"size": 16, "type": "gp3", "tags": NAMED}),
        ({"Size": 8}, {"size": 16, "type": "gp3", "tags": NAMED}),
        pytest.param({"Size": 32, "Tags": []}, {"size": 32, "type": "gp3", "tags": NAMED}, id="it never shrinks"),
    ],
)
def test_the_volume_is_compared(other: dict[str, Any], wanted: dict[str, Any]) -> None:
    (change,) = changes(WANTED, TAGS, "web", found(instance(), volume(**other))).values()
    assert (change["volume_id"], change["wanted"]) == ("vol-1", wanted)


def test_the_elastic_address_is_compared_but_not_somebody_elses() -> None:
    elastic = WANTED | {"elastic_ip": True}
    assert changes(elastic, TAGS, "web", found(instance(), None, address())) == {}
    assert changes(elastic, TAGS, "web", found(instance(), None, address(Tags=[]))) == {}
    (change,) = changes(elastic, TAGS, "web", found(instance(), None, address(Tags=pairs(TAGS)))).values()
    assert change["found"] == {"instance": "web", "tags": TAGS}


def test_a_stopped_instance_keeps_its_elastic_address() -> None:
    stopped = instance(State={"Name": "stopped"}, PublicIpAddress=None)
    assert describe("web", found(stopped, None, address()))["public_ip"] == "192.0.2.9"
    assert describe("web", found(stopped))["public_ip"] == ""
    assert describe("web", None)["instance_id"] == ""


@pytest.mark.parametrize(
    ("lacking", "elastic", "released"),
    [(0, True, ["192.0.2.2"]), (1, True, []), (0, False, ["192.0.2.2", "192.0.2.9"])],
)
def test_surplus(lacking: int, elastic: bool, released: list[str]) -> None:
    free = {"PublicIp": "192.0.2.2"}
    elsewhere = address(PublicIp="192.0.2.3", InstanceId="i-9")
    answer = surplus([free, elsewhere, address()], ["i-1"], lacking, elastic)
    assert [one["public_ip"] for one in answer] == released


@pytest.mark.parametrize(
    ("disk", "left"),
    [
        ({"VolumeId": "vol-1", "Attachments": [{"InstanceId": "i-1"}]}, []),
        ({"VolumeId": "vol-2", "Attachments": [{"InstanceId": "i-1"}]}, ["vol-2"]),
        ({"VolumeId": "vol-2", "Attachments": []}, ["vol-2"]),
        pytest.param({"VolumeId": "vol-2", "Attachments": [{"InstanceId": "i-9"}]}, [], id="used by somebody else"),
    ],
)
def test_leftover(disk: dict[str, Any], left: list[str]) -> None:
    assert leftover([disk], [instance()]) == left


def test_protection_is_told() -> None:
    assert settings(Found(instance(), True, {}, []))["termination_protection"] is True


@pytest.mark.parametrize(
    ("one", "disk", "addresses", "sentence"),
    [
        ({"SubnetId": "subnet-9"}, {}, [], "stands in subnet-9, not in subnet-1, and does not move."),
        ({"KeyName": "x"}, {}, [], "was made with the key pair x, not with acme."),
        ({}, {"Size": 32}, [], "has a volume of 32 GiB, and volumes do not shrink."),
        ({}, {"Encrypted": False}, [], "has a volume that is not encrypted, and stays so."),
        ({"NetworkInterfaces": [{}, {}]}, {}, [], "has several network interfaces"),
        ({}, {}, [address(Tags=[])], "has the elastic address 192.0.2.9, which is somebody else's by its tags"),
    ],
)
def test_what_cannot_be_repaired_is_said(
    one: dict[str, Any], disk: dict[str, Any], addresses: list[dict[str, Any]], sentence: str
) -> None:
    there = found(instance(**one), volume(**disk), *addresses)
    (warning,) = warnings("web", there, WANTED | {"elastic_ip": True}, TAGS)
    assert f"The instance web (i-1) {sentence}" in warning


def test_nothing_is_said_of_what_is_right() -> None:
    assert warnings("web", found(instance()), WANTED, TAGS) == []
    assert warnings("web", found(instance()), WANTED | {"subnet_id": ""}, TAGS) == []
    assert beyond([]) is None


def test_instances_beyond_the_count_are_named() -> None:
    assert "than instance_count wants: web (i-1), (no name) (i-2)." in str(
        beyond([instance(), instance(InstanceId="i-2", Tags=[])])
    )
