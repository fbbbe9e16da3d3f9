"""What people change by hand in an account: how it is done, and how to see whether it is still so, both with boto3."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deployment import NAME
from resources import Clients

BUCKET, LOG_GROUP = f"{NAME}-123456789012", f"/mcp/{NAME}"
OURS = [{"Name": "tag:mcp:name", "Values": [NAME]}]
STRAY = {"Key": "Owner", "Value": "somebody"}


@dataclass(frozen=True)
class Drift:
    """One change by hand. `role` repairs it; `look` returns what must be as before then."""

    role: str
    what: str
    spoil: Callable[[Clients], Any]
    look: Callable[[Clients], Any]


def group(aws: Clients, name: str) -> Any:
    """Return the security group of that name."""
    (found,) = [
        g for g in aws("ec2").describe_security_groups(Filters=OURS)["SecurityGroups"] if g["GroupName"] == name
    ]
    return found


def arn(aws: Clients, kind: str) -> str:
    """Return the ARN of the load balancer or the target group."""
    elb = aws("elbv2")
    if kind == "balancer":
        return str(elb.describe_load_balancers(Names=[NAME])["LoadBalancers"][0]["LoadBalancerArn"])
    return str(elb.describe_target_groups(Names=[NAME])["TargetGroups"][0]["TargetGroupArn"])


def ec2_id(aws: Clients, kind: str) -> str:
    """Return the id of our VPC, our instance or our first subnet."""
    found = aws("ec2").describe_tags(Filters=[*OURS, {"Name": "resource-type", "Values": [kind]}])["Tags"]
    return str(min(tag["ResourceId"] for tag in found))


def tags(aws: Clients, kind: str) -> list[tuple[str, str]]:
    """Return the tags of one of our resources of EC2."""
    query = [{"Name": "resource-id", "Values": [ec2_id(aws, kind)]}]
    return sorted((tag["Key"], tag["Value"]) for tag in aws("ec2").describe_tags(Filters=query)["Tags"])


def open_ssh(aws: Clients) -> None:
    """Let everybody reach SSH."""
    everybody = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    found = group(aws, f"{NAME}-instance")
    aws("ec2").authorize_security_group_ingress(GroupId=found["GroupId"], IpPermissions=[everybody])


def close_door(aws: Clients) -> None:
    """Take the load balancer's group its rules."""
    found = group(aws, f"{NAME}-load-balancer")
    aws("ec2").revoke_security_group_ingress(GroupId=found["GroupId"], IpPermissions=found["IpPermissions"])


def rules(name: str) -> Callable[[Clients], Any]:
    """Return a look at the rules of a group."""
    return lambda aws: sorted(
        (
            rule["FromPort"],
            sorted(r["CidrIp"] for r in rule["IpRanges"]),
            [g["GroupId"] for g in rule["UserIdGroupPairs"]],
        )
        for rule in group(aws, name)["IpPermissions"]
    )


def attribute(kind: str, name: str) -> Callable[[Clients], Any]:
    """Return a look at an attribute of the load balancer or the target group."""

    def look(aws: Clients) -> Any:
        asked: dict[str, Any] = {("LoadBalancerArn" if kind == "balancer" else "TargetGroupArn"): arn(aws, kind)}
        elb = aws("elbv2")
        describe = elb.describe_load_balancer_attributes if kind == "balancer" else elb.describe_target_group_attributes
        return {a["Key"]: a["Value"] for a in describe(**asked)["Attributes"]}[name]

    return look


def delete_balancer(aws: Clients) -> None:
    """Delete the load balancer and the target group."""
    balancer, targets = arn(aws, "balancer"), arn(aws, "targets")
    aws("elbv2").delete_load_balancer(LoadBalancerArn=balancer)
    aws("elbv2").delete_target_group(TargetGroupArn=targets)


def metadata(aws: Clients) -> dict[str, Any]:
    """Return all settings of the metadata service, as moto forgets those that a call leaves out."""
    found = aws("ec2").describe_instances(Filters=OURS)["Reservations"][0]["Instances"][0]["MetadataOptions"]
    return {"InstanceId": ec2_id(aws, "instance"), **{key: found[key] for key in found if key != "State"}}


def alarm(aws: Clients, position: int) -> Any:
    """Return one of the alarms, counted by name."""
    found = aws("cloudwatch").describe_alarms(AlarmNamePrefix=NAME)["MetricAlarms"]
    return sorted(found, key=lambda one: str(one["AlarmName"]))[position]


def raise_threshold(aws: Clients) -> None:
    """Let the first alarm stay silent for longer."""
    keys = ("AlarmName", "MetricName", "Namespace", "Statistic", "Period", "EvaluationPeriods", "ComparisonOperator")
    found = alarm(aws, 0)
    settings = {key: found[key] for key in (*keys, "Dimensions", "AlarmActions") if key in found}
    aws("cloudwatch").put_metric_alarm(**settings, Threshold=found["Threshold"] + 7)


def alarms(aws: Clients) -> Any:
    """Look at names and thresholds of all alarms."""
    found = aws("cloudwatch").describe_alarms(AlarmNamePrefix=NAME)["MetricAlarms"]
    return sorted((one["AlarmName"], one["Threshold"]) for one in found)


CHANGED = [
    Drift("network", "SSH for everybody", open_ssh, rules(f"{NAME}-instance")),
    Drift("network", "no door", close_door, rules(f"{NAME}-load-balancer")),
    Drift(
        "network",
        "a tag of the VPC more",
        lambda aws: aws("ec2").create_tags(Resources=[ec2_id(aws, "vpc")], Tags=[STRAY]),
        lambda aws: tags(aws, "vpc"),
    ),
    Drift(
        "network",
        "a tag of a subnet less",
        lambda aws: aws("ec2").delete_tags(Resources=[ec2_id(aws, "subnet")], Tags=[{"Key": "mcp:collection"}]),
        lambda aws: tags(aws, "subnet"),
    ),
    Drift(
        "storage",
        "no versions",
        lambda aws: aws("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"}),
        lambda aws: aws("s3").get_bucket_versioning(Bucket=BUCKET)["Status"],
    ),
    Drift(
        "storage",
        "public objects",
        lambda aws: aws("s3").delete_public_access_block(Bucket=BUCKET),
        lambda aws: aws("s3").get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"],
    ),
    Drift(
        "registry",
        "no scan",
        lambda aws: aws("ecr").put_image_scanning_configuration(
            repositoryName=NAME, imageScanningConfiguration={"scanOnPush": False}
        ),
        lambda aws: aws("ecr").describe_repositories()["repositories"][0]["imageScanningConfiguration"],
    ),
    Drift(
        "logs",
        "another retention",
        lambda aws: aws("logs").put_retention_policy(logGroupName=LOG_GROUP, retentionInDays=3),
        lambda aws: aws("logs").describe_log_groups()["logGroups"][0]["retentionInDays"],
    ),
    Drift(
        "logs",
        "another tag",
        lambda aws: aws("logs").tag_log_group(logGroupName=LOG_GROUP, tags={"mcp:collection": "none"}),
        lambda aws: aws("logs").list_tags_log_group(logGroupName=LOG_GROUP)["tags"],
    ),
    Drift(
        "secrets",
        "a tag less",
        lambda aws: aws("ssm").remove_tags_from_resource(
            ResourceType="Parameter", ResourceId=f"/{NAME}/token", TagKeys=["mcp:collection"]
        ),
        lambda aws: aws("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId=f"/{NAME}/token")["TagList"],
    ),
    Drift(
        "identity",
        "no rights",
        lambda aws: aws("iam").delete_role_policy(RoleName=NAME, PolicyName=NAME),
        lambda aws: aws("iam").get_role_policy(RoleName=NAME, PolicyName=NAME)["PolicyDocument"],
    ),
    Drift(
        "instance",
        "IMDSv1",
        lambda aws: aws("ec2").modify_instance_metadata_options(**metadata(aws) | {"HttpTokens": "optional"}),
        metadata,
    ),
    Drift(
        "load_balancer",
        "a long drain",
        lambda aws: aws("elbv2").modify_target_group_attributes(
            TargetGroupArn=arn(aws, "targets"),
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "777"}],
        ),
        attribute("targets", "deregistration_delay.timeout_seconds"),
    ),
    Drift(
        "load_balancer",
        "a short idle timeout",
        lambda aws: aws("elbv2").modify_load_balancer_attributes(
            LoadBalancerArn=arn(aws, "balancer"), Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "7"}]
        ),
        attribute("balancer", "idle_timeout.timeout_seconds"),
    ),
    Drift("alarms", "another threshold", raise_threshold, alarms),
]

DELETED = [
    Drift(
        "logs",
        "no log group",
        lambda aws: aws("logs").delete_log_group(logGroupName=LOG_GROUP),
        lambda aws: aws("logs").describe_log_groups()["logGroups"][0]["retentionInDays"],
    ),
    Drift(
        "registry",
        "no repository",
        lambda aws: aws("ecr").delete_repository(repositoryName=NAME, force=True),
        lambda aws: aws("ecr").describe_repositories()["repositories"][0]["repositoryName"],
    ),
    Drift(
        "load_balancer",
        "no load balancer and no target group",
        delete_balancer,
        lambda aws: len(aws("elbv2").describe_listeners(LoadBalancerArn=arn(aws, "balancer"))["Listeners"]),
    ),
    Drift(
        "alarms",
        "an alarm less",
        lambda aws: aws("cloudwatch").delete_alarms(AlarmNames=[alarm(aws, -1)["AlarmName"]]),
        alarms,
    ),
]
