"""One resource of each kind that aws_ownership_info knows, under the names of `acme`: ours or somebody else's."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

Clients = Callable[[str], Any]
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
NAMES: dict[str, Any] = {
    "bucket": "acme-bucket",
    "key_pair": "acme",
    "role": "acme",
    "instance_profile": "acme",
    "repository": "acme",
    "log_group": "/mcp/acme",
    "load_balancer": "acme",
    "target_group": "acme",
    "topic": "acme",
    "dashboard": "acme",
    "parameters": "/acme",
    "alarms": ["acme-errors", "acme-response-time"],
}
LOG_GROUPS = ("/mcp/acme", "/mcp/acme-of-another")
PARAMETERS = ["/acme/token", "/acme/deeper/password", "/acmes/other"]


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    """Turn tags into the form that most services take."""
    return [{"Key": name, "Value": content} for name, content in tags.items()]


@contextmanager
def present(client: Clients, tags: dict[str, str]) -> Iterator[None]:
    """Make everything, and take it away at the end."""
    client = cache(client)  # a new session for each costs a fifth of a second
    make(client, tags)
    try:
        yield
    finally:
        take(client)


def make(client: Clients, tags: dict[str, str]) -> None:
    """Make one of each kind, and beside some of them what only begins like it."""
    ec2, iam, elb, ssm = client("ec2"), client("iam"), client("elbv2"), client("ssm")
    client("s3").create_bucket(Bucket="acme-bucket")
    client("s3").put_bucket_tagging(Bucket="acme-bucket", Tagging={"TagSet": pairs(tags)})
    ec2.create_key_pair(KeyName="acme", TagSpecifications=[{"ResourceType": "key-pair", "Tags": pairs(tags)}])
    iam.create_role(RoleName="acme", AssumeRolePolicyDocument=TRUST, Tags=pairs(tags))
    iam.create_instance_profile(InstanceProfileName="acme", Tags=pairs(tags))
    client("ecr").create_repository(repositoryName="acme", tags=pairs(tags))
    for name in LOG_GROUPS:
        client("logs").create_log_group(logGroupName=name, tags=tags)
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]]
    elb.create_load_balancer(Name="acme", Subnets=subnets, Tags=pairs(tags))
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    elb.create_target_group(Name="acme", Protocol="HTTP", Port=80, VpcId=vpc, Tags=pairs(tags))
    client("sns").create_topic(Name="acme", Tags=pairs(tags))
    for name in PARAMETERS:
        ssm.put_parameter(Name=name, Value="x", Type="SecureString", Tags=pairs(tags))
    client("cloudwatch").put_dashboard(DashboardName="acme", DashboardBody='{"widgets": []}', Tags=pairs(tags))
    alarm = {"MetricName": "CPU", "Namespace": "AWS/EC2", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0}
    alarm |= {"ComparisonOperator": "GreaterThanThreshold", "Statistic": "Sum", "Tags": pairs(tags)}
    client("cloudwatch").put_metric_alarm(AlarmName="acme-errors", **alarm)


def take(client: Clients) -> None:
    """Take away everything that other tests of the account would meet."""
    elb, sns = client("elbv2"), client("sns")
    client("s3").delete_bucket(Bucket="acme-bucket")
    client("ec2").delete_key_pair(KeyName="acme")
    client("iam").delete_role(RoleName="acme")
    client("iam").delete_instance_profile(InstanceProfileName="acme")
    client("ecr").delete_repository(repositoryName="acme")
    for name in LOG_GROUPS:
        client("logs").delete_log_group(logGroupName=name)
    for balancer in elb.describe_load_balancers(Names=["acme"])["LoadBalancers"]:
        elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    for group in elb.describe_target_groups(Names=["acme"])["TargetGroups"]:
        elb.delete_target_group(TargetGroupArn=group["TargetGroupArn"])
    for topic in sns.list_topics()["Topics"]:
        if topic["TopicArn"].endswith(":acme"):
            sns.delete_topic(TopicArn=topic["TopicArn"])
    client("ssm").delete_parameters(Names=PARAMETERS)
    client("cloudwatch").delete_dashboards(DashboardNames=["acme"])
    client("cloudwatch").delete_alarms(AlarmNames=["acme-errors"])
