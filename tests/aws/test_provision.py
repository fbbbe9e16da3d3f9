"""The playbook provision, from an empty account to a second run that changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from deployment import NAME, TAGS, Account, Run
from resources import resources


@pytest.fixture(scope="module")
def check(account: Account) -> Run:
    """Return a run in check mode on the empty account."""
    return account.run("provision", "--check")


@pytest.fixture(scope="module")
def created(account: Account, check: Run) -> Run:
    """Return the run that makes everything, after the check has left the account as it was."""
    assert check.status == 0, check.output
    assert resources(account.client) == {}
    assert sorted(path.name for path in account.folder.iterdir()) == ["aws.json", "aws.log"]
    return account.run("provision")


@pytest.fixture(scope="module")
def ec2(account: Account, created: Run) -> Any:
    """Return a client of EC2, after everything was made."""
    assert created.status == 0, created.output
    return account.client("ec2")


def test_check_mode_on_an_empty_account_announces_what_is_missing(check: Run) -> None:
    assert check.status == 0, check.output
    for sentence in (
        "A real run also makes what belongs to resources that do not exist yet: internet gateway, subnets,",
        f"A real run creates the bucket {NAME}-123456789012.",
        f"A real run also makes the rights of the role {NAME} and its instance profile.",
        "A real run also pins the SSH host keys of the instance, which it makes when its subnet exists.",
        f"A real run creates the target group {NAME}, and the load balancer with it.",
    ):
        assert sentence in check.said


def test_everything_is_there_and_bears_the_tags(account: Account, ec2: Any) -> None:
    found = resources(account.client)
    assert [name for name, tags in found.items() if not tags.items() >= TAGS.items()] == [f"dashboard/{NAME}"]
    assert len(found) == 20


def test_the_parts_are_wired_to_each_other(account: Account, ec2: Any) -> None:
    (reservation,) = ec2.describe_instances()["Reservations"]
    (instance,) = reservation["Instances"]
    elb = account.client("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    (group,) = elb.describe_target_groups()["TargetGroups"]
    (health,) = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
    policy = account.client("iam").get_role_policy(RoleName=NAME, PolicyName=NAME)["PolicyDocument"]
    assert instance["VpcId"] == balancer["VpcId"] == group["VpcId"]
    assert instance["SubnetId"] in {zone["SubnetId"] for zone in balancer["AvailabilityZones"]}
    assert instance["KeyName"] == NAME
    assert instance["IamInstanceProfile"]["Arn"].endswith(f"/{NAME}")
    assert health["Target"]["Id"] == instance["InstanceId"]
    assert f"arn:aws:s3:::{NAME}-123456789012/*" in [right["Resource"] for right in policy["Statement"]]
    assert (account.folder / "hosts" / "known_hosts").read_text().startswith(instance["InstanceId"])


def test_a_second_run_changes_nothing_and_preflight_agrees(account: Account, ec2: Any) -> None:
    secret = {"Name": f"/{NAME}/token", "WithDecryption": True}
    before = account.client("ssm").get_parameter(**secret)["Parameter"]
    started = [account.begin("preflight"), account.begin("provision"), account.begin("provision", "--check")]
    for run in map(Account.end, started):
        assert (run.status, run.changed) == (0, 0), run.output
    after = account.client("ssm").get_parameter(**secret)["Parameter"]
    assert (after["Value"], after["Version"]) == (before["Value"], 1)


def test_no_secret_is_shown(account: Account, created: Run) -> None:
    answer = account.client("ssm").get_parameters_by_path(Path=f"/{NAME}", WithDecryption=True)
    values = [parameter["Value"] for parameter in answer["Parameters"]]
    assert len(values) == 3
    assert [value for value in values if value in created.output] == []


def test_another_key_than_the_key_pairs_is_named(account: Account, ec2: Any, tmp_path: Any) -> None:
    run = account.run("preflight", identity_key_file=str(tmp_path / "absent"))
    assert run.status != 0
    assert f"EC2 has the key pair `{NAME}`, but its private key is not in {tmp_path / 'absent'}." in run.said
