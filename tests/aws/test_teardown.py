"""The playbook teardown: it asks, announces, and takes away all that is ours and nothing else; nothing is fine too."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from deployment import NAME, TAGS, Account, Run
from resources import Found, resources

BUCKET = f"{NAME}-123456789012"
OTHERS = {"mcp:name": "another", "mcp:collection": "mcp.aws"}


def strangers(account: Account) -> None:
    """Make what looks like ours and is not: the same kinds of things, with another deployment's tags or with none."""
    tags = [{"Key": key, "Value": value} for key, value in OTHERS.items()]
    ec2, ssm = account.client("ec2"), account.client("ssm")
    ec2.create_vpc(CidrBlock="10.99.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])
    ec2.create_key_pair(KeyName=f"{NAME}-2", TagSpecifications=[{"ResourceType": "key-pair", "Tags": tags}])
    account.client("s3").create_bucket(Bucket=f"{BUCKET}-logs")
    ssm.put_parameter(Name=f"/{NAME}-2/token", Value="theirs", Type="SecureString", Tags=tags)
    account.client("logs").create_log_group(logGroupName=f"/mcp/{NAME}-2", tags=OTHERS)
    account.client("ecr").create_repository(repositoryName=f"{NAME}-2", tags=tags)
    account.client("sns").create_topic(Name=f"{NAME}-2", Tags=tags)
    account.client("cloudwatch").put_metric_alarm(
        AlarmName=f"{NAME}-2-cpu",
        MetricName="CPUUtilization",
        Namespace="AWS/EC2",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        Tags=tags,
    )


@pytest.fixture(scope="module")
def account(own_account: Account) -> Account:
    """Return an account that holds a whole deployment, an object in its bucket, and things of others."""
    strangers(own_account)
    created = own_account.run("provision")
    assert created.status == 0, created.output
    own_account.client("s3").put_object(Bucket=BUCKET, Key="backup/1", Body=b"data")
    return own_account


def ours(account: Account) -> Found:
    """Return what bears our name; the dashboard bears no tags."""
    found = resources(account.client)
    return {name: tags for name, tags in found.items() if tags.get("mcp:name") == NAME or name == f"dashboard/{NAME}"}


def theirs(account: Account) -> Found:
    """Return all the rest."""
    mine = ours(account)
    return {name: tags for name, tags in resources(account.client).items() if name not in mine}


def teardown(account: Account, *options: str, **variables: Any) -> Run:
    """Run the playbook with the answer given beforehand."""
    return account.run("teardown", *options, teardown_confirm=NAME, **variables)


@pytest.fixture(scope="module")
def before(account: Account) -> Found:
    """Return what others have."""
    found = theirs(account)
    assert len(found) == 8, found
    return found


def test_without_the_name_nothing_is_deleted(account: Account, before: Found) -> None:
    whole = ours(account)
    run = account.run("teardown", teardown_confirm="mcp")
    assert run.status != 0
    assert f"Nothing was deleted: the answer is `mcp`, the deployment is `{NAME}`." in run.said
    assert ours(account) == whole


def test_check_mode_deletes_nothing(account: Account, before: Found) -> None:
    whole = resources(account.client)
    run = teardown(account, "--check")
    assert run.status == 0, run.output
    assert resources(account.client) == whole


def test_all_goes_but_the_bucket_with_its_backups(account: Account, before: Found) -> None:
    run = teardown(account)
    assert run.status == 0, run.output
    assert ours(account) == {f"bucket/{BUCKET}": TAGS}
    assert BUCKET in run.said
    assert account.client("s3").get_object(Bucket=BUCKET, Key="backup/1")["Body"].read() == b"data"


def test_a_new_deployment_takes_the_kept_bucket_up_again(account: Account, before: Found) -> None:
    run = account.run("provision")
    assert run.status == 0, run.output
    assert account.client("s3").get_object(Bucket=BUCKET, Key="backup/1")["Body"].read() == b"data"


def test_all_goes_when_the_bucket_may_go_too(account: Account, before: Found) -> None:
    run = teardown(account, storage_delete_bucket=True)
    assert run.status == 0, run.output
    assert ours(account) == {}
    assert theirs(account) == before


def test_on_nothing_it_succeeds_and_changes_nothing(account: Account, before: Found) -> None:
    run = teardown(account, storage_delete_bucket=True)
    assert (run.status, run.changed) == (0, 0), run.output
    assert theirs(account) == before
