"""The module ownership_info: what is ours, somebody else's and absent, of every kind that it knows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from deployment import ROOT, Account

OURS, THEIRS = {"mcp:name": "acme"}, {"mcp:name": "rival"}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
KINDS = {
    "bucket": "acme-bucket",
    "key_pair": "acme",
    "role": "acme",
    "instance_profile": "acme",
    "repository": "acme",
    "log_group": "/mcp/acme",
    "load_balancer": "acme",
    "target_group": "acme",
    "topic": "acme",
    "parameters": "/acme",
    "alarms": ["acme-cpu", "acme-status"],
}
ABSENT: dict[str, Any] = dict.fromkeys(KINDS, "absent") | {"parameters": {}, "alarms": {}}


def pairs(tags: dict[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Turn tags into the form that most services take."""
    return [{key: name, value: content} for name, content in tags.items()]


def make(client: Callable[[str], Any], tags: dict[str, str]) -> None:
    """Make one of each kind."""
    ec2, iam, elb = client("ec2"), client("iam"), client("elbv2")
    client("s3").create_bucket(Bucket="acme-bucket")
    client("s3").put_bucket_tagging(Bucket="acme-bucket", Tagging={"TagSet": pairs(tags)})
    ec2.create_key_pair(KeyName="acme", TagSpecifications=[{"ResourceType": "key-pair", "Tags": pairs(tags)}])
    iam.create_role(RoleName="acme", AssumeRolePolicyDocument=TRUST, Tags=pairs(tags))
    iam.create_instance_profile(InstanceProfileName="acme", Tags=pairs(tags))
    client("ecr").create_repository(repositoryName="acme", tags=pairs(tags))
    client("logs").create_log_group(logGroupName="/mcp/acme", tags=tags)
    client("logs").create_log_group(logGroupName="/mcp/acme-of-somebody", tags={})
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]]
    elb.create_load_balancer(Name="acme", Subnets=subnets, Tags=pairs(tags))
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    elb.create_target_group(Name="acme", Protocol="HTTP", Port=80, VpcId=vpc, Tags=pairs(tags))
    client("sns").create_topic(Name="acme", Tags=pairs(tags))
    for name in ("/acme/token", "/acme/deeper/password", "/acmes/other"):
        client("ssm").put_parameter(Name=name, Value="x", Type="SecureString", Tags=pairs(tags))
    alarm = {"MetricName": "CPU", "Namespace": "AWS/EC2", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0}
    client("cloudwatch").put_metric_alarm(
        AlarmName="acme-cpu", ComparisonOperator="GreaterThanThreshold", Statistic="Sum", Tags=pairs(tags), **alarm
    )


def unmake(client: Callable[[str], Any]) -> None:
    """Take everything away that other tests of the account would meet."""
    elb = client("elbv2")
    client("s3").delete_bucket(Bucket="acme-bucket")
    client("ec2").delete_key_pair(KeyName="acme")
    client("iam").delete_role(RoleName="acme")
    client("iam").delete_instance_profile(InstanceProfileName="acme")
    client("ecr").delete_repository(repositoryName="acme")
    for name in ("/mcp/acme", "/mcp/acme-of-somebody"):
        client("logs").delete_log_group(logGroupName=name)
    elb.delete_load_balancer(LoadBalancerArn=elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"])
    elb.delete_target_group(TargetGroupArn=elb.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"])
    client("sns").delete_topic(TopicArn=client("sns").list_topics()["Topics"][0]["TopicArn"])
    client("ssm").delete_parameters(Names=["/acme/token", "/acme/deeper/password", "/acmes/other"])
    client("cloudwatch").delete_alarms(AlarmNames=["acme-cpu"])


def ask(account: Account, *options: str) -> dict[str, Any]:
    """Run the module alone."""
    words = account.variables()["mcp_aws_connection"] | {"owner": "acme", "resources": KINDS}
    command = [str(Path(sys.executable).with_name("ansible")), "localhost", "-m", "mcp.aws.ownership_info"]
    interpreter = ["-e", f"ansible_python_interpreter={sys.executable}"]
    done = subprocess.run(
        [*command, *interpreter, *options, "-a", json.dumps(words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return yaml.safe_load(done.stdout.partition("=>")[2])


def test_an_empty_account_has_none_of_them_in_check_mode_too(account: Account) -> None:
    answer = ask(account, "--check")
    assert answer["ownership"] == ABSENT
    assert answer["foreign"] == []
    assert answer["changed"] is False


@pytest.mark.parametrize(("tags", "whose"), [(OURS, "ours"), (THEIRS, "foreign")], ids=["ours", "theirs"])
def test_the_tag_tells_whose_everything_is(account: Account, tags: dict[str, str], whose: str) -> None:
    make(account.client, tags)
    try:
        answer = ask(account)
    finally:
        unmake(account.client)
    many = {
        "parameters": {"/acme/token": whose, "/acme/deeper/password": whose},
        "alarms": {"acme-cpu": whose},
    }
    assert answer["ownership"] == dict.fromkeys(KINDS, whose) | many
    assert len(answer["foreign"]) == (0 if whose == "ours" else len(KINDS) + 1)
