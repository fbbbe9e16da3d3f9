"""Things in an account that look like ours and are not: the same kinds, with another deployment's tags or with none."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from deployment import NAME, Account

OTHERS = {"mcp:name": "another", "mcp:collection": "mcp.aws"}
COUNT = 8


def make(account: Account) -> None:
    """Make one of each kind."""
    tags = [{"Key": key, "Value": value} for key, value in OTHERS.items()]
    ec2, ssm = account.client("ec2"), account.client("ssm")
    ec2.create_vpc(CidrBlock="10.99.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])
    ec2.create_key_pair(KeyName=f"{NAME}-2", TagSpecifications=[{"ResourceType": "key-pair", "Tags": tags}])
    account.client("s3").create_bucket(Bucket=f"{NAME}-123456789012-logs")
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
