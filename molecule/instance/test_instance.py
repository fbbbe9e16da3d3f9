"""The instance of role instance, read back with boto3, and its pinned host keys."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws_account import Clients, by_key


@pytest.fixture(scope="module")
def ec2(aws: Clients) -> Any:
    """Return a client of EC2."""
    return aws("ec2")


@pytest.fixture(scope="module")
def instance(ec2: Any) -> dict[str, Any]:
    """Return the one instance of the account."""
    (reservation,) = ec2.describe_instances()["Reservations"]
    (instance,) = reservation["Instances"]
    return dict(instance)


def test_it_runs_the_newest_image_on_the_wanted_type(ec2: Any, instance: dict[str, Any]) -> None:
    assert instance["State"]["Name"] == "running"
    assert instance["InstanceType"] == "t2.micro"
    (image,) = ec2.describe_images(ImageIds=[instance["ImageId"]])["Images"]
    assert image["Name"] == "debian-12-amd64-20261101-2300"


def test_it_has_its_key_profile_name_and_tags(instance: dict[str, Any], name: str, tags: dict[str, str]) -> None:
    assert instance["KeyName"] == name
    assert instance["IamInstanceProfile"]["Arn"].endswith(f":instance-profile/{name}")
    assert by_key(instance["Tags"]) == tags | {"Name": name}


def test_it_stands_in_the_public_subnet_behind_its_group(instance: dict[str, Any], name: str) -> None:
    assert instance["PublicIpAddress"]
    assert instance["PrivateIpAddress"].startswith("10.20.1.")
    assert [group["GroupName"] for group in instance["SecurityGroups"]] == [f"{name}-instance"]


def test_metadata_wants_a_token_and_stays_on_the_host(instance: dict[str, Any]) -> None:
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert instance["MetadataOptions"]["HttpPutResponseHopLimit"] == 1


def test_the_root_volume_is_encrypted_gp3(ec2: Any, instance: dict[str, Any], tags: dict[str, str]) -> None:
    (mapping,) = instance["BlockDeviceMappings"]
    assert mapping["DeviceName"] == "/dev/xvda"
    (volume,) = ec2.describe_volumes(VolumeIds=[mapping["Ebs"]["VolumeId"]])["Volumes"]
    assert (volume["VolumeType"], volume["Size"], volume["Encrypted"]) == ("gp3", 16, True)
    assert by_key(volume["Tags"]).items() >= tags.items()


def test_user_data_makes_it_ready_for_ansible(ec2: Any, instance: dict[str, Any]) -> None:
    answer = ec2.describe_instance_attribute(InstanceId=instance["InstanceId"], Attribute="userData")
    text = base64.b64decode(answer["UserData"]["Value"]).decode()
    assert text.startswith("#cloud-config\n")
    config = yaml.safe_load(text)
    assert {"python3", "sudo"} <= set(config["packages"])
    assert config["ssh"]["emit_keys_to_console"] is True


def test_its_host_keys_are_pinned_under_its_id(instance: dict[str, Any], folder: Path) -> None:
    (line,) = (folder / "known_hosts").read_text().splitlines()
    assert line.startswith(f"{instance['InstanceId']} ssh-ed25519 AAAA")
    assert (folder / "known_hosts").stat().st_mode & 0o777 == 0o600
