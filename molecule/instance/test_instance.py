"""The instances of role instance, read back with boto3, and their pinned host keys."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws_account import Clients, Role, by_key

LIVING = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]


@pytest.fixture(scope="module")
def ec2(aws: Clients) -> Any:
    """Return a client of EC2."""
    return aws("ec2")


@pytest.fixture(scope="module")
def instance(ec2: Any) -> dict[str, Any]:
    """Return the one instance that the scenario made."""
    (found,) = living(ec2)
    return found


@pytest.fixture(scope="module")
def given(instance: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what the role gets from others, so that they need not run again."""
    return {
        "before": [],
        "instance_key_name": name,
        "instance_profile": instance["IamInstanceProfile"]["Arn"],
        "instance_subnet_id": instance["SubnetId"],
        "instance_group_ids": [group["GroupId"] for group in instance["SecurityGroups"]],
    }


def living(ec2: Any) -> list[dict[str, Any]]:
    """Describe the instances that are not terminated, by name."""
    found = [one for answer in ec2.describe_instances(Filters=LIVING)["Reservations"] for one in answer["Instances"]]
    return sorted(found, key=lambda one: by_key(one.get("Tags", [])).get("Name", ""))


def volume_of(ec2: Any, instance: dict[str, Any]) -> dict[str, Any]:
    """Describe the one volume of an instance."""
    (mapping,) = instance["BlockDeviceMappings"]
    return dict(ec2.describe_volumes(VolumeIds=[mapping["Ebs"]["VolumeId"]])["Volumes"][0])


def protected(ec2: Any, instance: dict[str, Any]) -> bool:
    """Tell whether an instance is protected from termination."""
    question = {"InstanceId": instance["InstanceId"], "Attribute": "disableApiTermination"}
    return bool(ec2.describe_instance_attribute(**question)["DisableApiTermination"]["Value"])


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    """Turn tags into the form that EC2 takes."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


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


def test_the_root_volume_is_encrypted_gp3_and_goes_with_it(
    ec2: Any, instance: dict[str, Any], name: str, tags: dict[str, str]
) -> None:
    (mapping,) = instance["BlockDeviceMappings"]
    assert mapping["DeviceName"] == "/dev/xvda"
    assert mapping["Ebs"]["DeleteOnTermination"]
    volume = volume_of(ec2, instance)
    assert (volume["VolumeType"], volume["Size"], volume["Encrypted"]) == ("gp3", 16, True)
    assert by_key(volume["Tags"]) == tags | {"Name": name}


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


def test_a_changed_setting_and_what_was_changed_by_hand_come_right(
    aws: Clients, ec2: Any, role: Role, instance: dict[str, Any], given: dict[str, Any], name: str, tags: dict[str, str]
) -> None:
    aws("iam").create_instance_profile(InstanceProfileName="other")
    which, volume = {"InstanceId": instance["InstanceId"]}, volume_of(ec2, instance)["VolumeId"]
    (group,) = ec2.describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [instance["VpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"]
    (association,) = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    ec2.replace_iam_instance_profile_association(
        AssociationId=association["AssociationId"], IamInstanceProfile={"Name": "other"}
    )
    ec2.modify_instance_attribute(**which, Groups=[group["GroupId"]])
    options = {"HttpEndpoint": "enabled", "HttpProtocolIpv6": "enabled", "InstanceMetadataTags": "enabled"}
    ec2.modify_instance_metadata_options(**which, **options, HttpTokens="optional", HttpPutResponseHopLimit=2)
    ec2.modify_instance_attribute(**which, DisableApiTermination={"Value": True})
    ec2.create_tags(Resources=[instance["InstanceId"]], Tags=pairs({"Name": "renamed", "team": "x"}))
    ec2.delete_tags(Resources=[volume], Tags=[{"Key": "mcp:collection"}])
    ec2.modify_volume(VolumeId=volume, VolumeType="gp2")
    ec2.stop_instances(InstanceIds=[instance["InstanceId"]])

    wanted = given | {"instance_type": "t3.small", "instance_volume_size": 20}
    announced, applied = role.converge(check=True, **wanted), role.converge(**wanted)
    assert applied.ok, applied.message
    assert announced.changes == applied.changes == [f"Modify the volumes: {name}", f"Start the instances: {name}"]
    assert "stopped and started for another type" in announced.output
    (now,) = living(ec2)
    assert (now["InstanceId"], now["State"]["Name"], now["InstanceType"]) == (
        instance["InstanceId"],
        "running",
        "t3.small",
    )
    assert now["IamInstanceProfile"]["Arn"] == instance["IamInstanceProfile"]["Arn"]
    assert [one["GroupId"] for one in now["SecurityGroups"]] == given["instance_group_ids"]
    assert now["MetadataOptions"] == instance["MetadataOptions"]
    assert not protected(ec2, now)
    assert by_key(now["Tags"]) == by_key(volume_of(ec2, now)["Tags"]) == tags | {"Name": name}
    assert (volume_of(ec2, now)["Size"], volume_of(ec2, now)["VolumeType"]) == (20, "gp3")


def test_a_second_instance_gets_its_name_address_and_pinned_keys(
    ec2: Any, role: Role, instance: dict[str, Any], given: dict[str, Any], name: str, tags: dict[str, str], folder: Path
) -> None:
    """The first one's volume has grown for good, and its key pair cannot change: both are said."""
    names = [name, f"{name}-2"]
    ours = [{"ResourceType": "elastic-ip", "Tags": pairs(tags)}]
    left = ec2.allocate_address(Domain="vpc", TagSpecifications=ours)["PublicIp"]
    wanted = given | {"instance_count": 2, "instance_elastic_ip": True, "instance_termination_protection": True}
    wanted |= {"instance_key_name": "other"}
    announced, applied = role.converge(check=True, **wanted), role.converge(**wanted)
    assert applied.ok, applied.message
    assert announced.changes == applied.changes
    assert applied.changes == [
        *(f"Associate elastic addresses: {one}" for one in names),
        "Pin the SSH host keys of the instances",
        *(f"Start the instances: {one}" for one in names),
    ]
    assert f"was made with the key pair {name}, not with other." in applied.output
    assert "has a volume of 20 GiB, and volumes do not shrink." in applied.output
    found = living(ec2)
    assert [by_key(one["Tags"]) for one in found] == [tags | {"Name": one} for one in names]
    assert all(protected(ec2, one) for one in found)
    addresses = {one["InstanceId"]: one for one in ec2.describe_addresses()["Addresses"]}
    assert [by_key(addresses[one["InstanceId"]]["Tags"])["Name"] for one in found] == names
    assert left in {one["PublicIp"] for one in addresses.values()}
    lines = (folder / "known_hosts").read_text().splitlines()
    assert {line.split()[0] for line in lines} == {one["InstanceId"] for one in found}


def test_what_is_turned_off_goes_and_what_is_too_many_runs_on(
    ec2: Any, role: Role, given: dict[str, Any], name: str
) -> None:
    addresses = [one["PublicIp"] for one in ec2.describe_addresses()["Addresses"]]
    announced, applied = role.converge(check=True, **given), role.converge(**given)
    assert applied.ok, applied.message
    assert announced.changes == applied.changes
    assert applied.changes == [
        *sorted(f"Release surplus elastic addresses: {one}" for one in addresses),
        f"Start the instances: {name}",
    ]
    assert f"More instances bear the deployment's tag than instance_count wants: {name}-2 (i-" in applied.output
    assert ec2.describe_addresses()["Addresses"] == []
    first, second = living(ec2)
    assert (protected(ec2, first), protected(ec2, second)) == (False, True)


def test_a_protected_instance_keeps_everything(ec2: Any, role: Role, name: str, folder: Path) -> None:
    keys = (folder / "known_hosts").read_text()
    refused = role.delete()
    assert (refused.ok, refused.changes) == (False, [])
    assert f"Protected from termination: {name}-2 (i-" in refused.message
    assert "Set instance_termination_protection to false and run provision, then teardown." in refused.message
    assert (folder / "known_hosts").read_text() == keys
    second = living(ec2)[1]["InstanceId"]
    ec2.modify_instance_attribute(InstanceId=second, DisableApiTermination={"Value": False})


def test_all_goes_but_what_bears_other_tags(
    ec2: Any, role: Role, instance: dict[str, Any], name: str, tags: dict[str, str], folder: Path
) -> None:
    image = {"ImageId": instance["ImageId"], "MinCount": 1, "MaxCount": 1, "SubnetId": instance["SubnetId"]}
    theirs = pairs({"mcp:name": "rival", "Name": name})
    specification = [{"ResourceType": "instance", "Tags": theirs}]
    (rival,) = ec2.run_instances(**image, TagSpecifications=specification)["Instances"]
    foreign = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(InstanceId=instance["InstanceId"], AllocationId=foreign["AllocationId"])
    ours = ec2.allocate_address(Domain="vpc", TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": pairs(tags)}])
    place = {"AvailabilityZone": instance["Placement"]["AvailabilityZone"], "Size": 8}
    data = ec2.create_volume(**place, TagSpecifications=[{"ResourceType": "volume", "Tags": pairs(tags)}])["VolumeId"]
    ec2.attach_volume(InstanceId=instance["InstanceId"], VolumeId=data, Device="/dev/sdf")
    ec2.create_volume(**place)

    announced, deleted, again = role.delete(check=True), role.delete(), role.delete()
    assert deleted.ok, deleted.message
    assert announced.changes == deleted.changes
    assert deleted.changes == [
        f"Delete the volumes that stayed: {data}",
        "Forget the SSH host keys of the instances",
        f"Release surplus elastic addresses: {ours['PublicIp']}",
        "Terminate the instances",
    ]
    assert (again.ok, again.changes) == (True, []), again.message
    assert [one["InstanceId"] for one in living(ec2)] == [rival["InstanceId"]]
    assert [one["PublicIp"] for one in ec2.describe_addresses()["Addresses"]] == [foreign["PublicIp"]]
    assert [one for one in ec2.describe_volumes()["Volumes"] if by_key(one.get("Tags", [])).get("mcp:name")] == []
    assert not (folder / "known_hosts").exists()


def test_check_mode_announces_on_nothing_what_a_run_makes(role: Role, given: dict[str, Any], name: str) -> None:
    announced, made = role.converge(check=True, **given), role.converge(**given)
    assert made.ok, made.message
    assert (
        announced.changes == made.changes == ["Pin the SSH host keys of the instances", f"Start the instances: {name}"]
    )
