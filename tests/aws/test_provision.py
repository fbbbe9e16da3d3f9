"""The playbook provision: everything is there, wired and tagged, and a second run changes nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from deployment import NAME, TAGS, Account, Deployed
from resources import ours


@pytest.fixture(scope="module")
def account(deployed: Deployed) -> Account:
    """Return the account that holds a whole deployment."""
    assert deployed.created.status == 0, deployed.created.output
    return deployed.account


def test_everything_is_there_and_bears_the_tags(account: Account) -> None:
    found = ours(account)
    assert [name for name, tags in found.items() if not tags.items() >= TAGS.items()] == []
    kinds = Counter(name.partition("/")[0] for name in found)
    assert kinds == {
        **dict.fromkeys(("vpc", "gateway", "route_table", "endpoint", "instance", "volume", "key_pair", "role"), 1),
        **dict.fromkeys(
            ("profile", "balancer", "targets", "bucket", "repository", "log_group", "topic", "dashboard"), 1
        ),
        **{"subnet": 2, "group": 2, "parameter": 3, "alarm": 7},
    }


def test_the_parts_are_wired_to_each_other(account: Account) -> None:
    (reservation,) = account.client("ec2").describe_instances()["Reservations"]
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
    assert f"arn:aws:s3:::{NAME}-123456789012" in [right["Resource"] for right in policy["Statement"]]
    assert (account.folder / "hosts" / "known_hosts").read_text().startswith(instance["InstanceId"])


def test_a_second_run_changes_nothing_and_preflight_agrees(account: Account) -> None:
    secret = {"Name": f"/{NAME}/token", "WithDecryption": True}
    before = account.client("ssm").get_parameter(**secret)["Parameter"]
    for run in map(Account.end, [account.begin("preflight"), account.begin("provision")]):
        assert (run.status, run.changed) == (0, 0), run.output
    after = account.client("ssm").get_parameter(**secret)["Parameter"]
    assert (after["Value"], after["Version"]) == (before["Value"], 1)


def test_no_secret_is_shown(account: Account, deployed: Deployed) -> None:
    answer = account.client("ssm").get_parameters_by_path(Path=f"/{NAME}", WithDecryption=True)
    values = [parameter["Value"] for parameter in answer["Parameters"]]
    assert len(values) == 3
    assert [value for value in values if value in deployed.created.output] == []


def test_another_key_than_the_key_pairs_is_named(account: Account, tmp_path: Any) -> None:
    run = account.run("preflight", identity_key_file=str(tmp_path / "absent"))
    assert run.status != 0
    assert f"EC2 has the key pair `{NAME}`, but its private key is not in {tmp_path / 'absent'}." in run.said
