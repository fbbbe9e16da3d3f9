"""What people change by hand in an account: how it is done, and how to see whether it is still so, both with boto3."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from by_hand import (
    alarm,
    alarms,
    arn,
    attribute,
    close_door,
    delete_balancer,
    ec2_id,
    endpoint,
    metadata,
    open_ssh,
    raise_threshold,
    role_policies,
    route_table,
    rules,
    tags,
    targets,
    topic,
)
from deployment import NAME
from resources import Clients

BUCKET, LOG_GROUP = f"{NAME}-123456789012", f"/mcp/{NAME}"
EVERYTHING = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
STRAY = {"Key": "Owner", "Value": "somebody"}


@dataclass(frozen=True)
class Drift:
    """One change by hand. `role` repairs it; `look` returns what must be as before then."""

    role: str
    what: str
    spoil: Callable[[Clients], Any]
    look: Callable[[Clients], Any]


CHANGED = [
    Drift("network", "SSH for everybody", open_ssh, rules(f"{NAME}-instance")),
    Drift("network", "no door", close_door, rules(f"{NAME}-load-balancer")),
    Drift(
        "network",
        "another value of a tag of the VPC",
        lambda aws: aws("ec2").create_tags(
            Resources=[ec2_id(aws, "vpc")], Tags=[{"Key": "mcp:collection", "Value": "somebody's"}]
        ),
        lambda aws: tags(aws, "vpc"),
    ),
    Drift(
        "network",
        "a tag of a subnet less",
        lambda aws: aws("ec2").delete_tags(Resources=[ec2_id(aws, "subnet")], Tags=[{"Key": "mcp:collection"}]),
        lambda aws: tags(aws, "subnet"),
    ),
    Drift(
        "network",
        "no way out",
        lambda aws: aws("ec2").delete_route(
            RouteTableId=route_table(aws)["RouteTableId"], DestinationCidrBlock="0.0.0.0/0"
        ),
        lambda aws: sorted(route.get("GatewayId", "") for route in route_table(aws)["Routes"]),
    ),
    Drift(
        "storage",
        "no policy",
        lambda aws: aws("s3").delete_bucket_policy(Bucket=BUCKET),
        lambda aws: aws("s3").get_bucket_policy(Bucket=BUCKET)["Policy"],
    ),
    Drift(
        "storage",
        "no lifecycle",
        lambda aws: aws("s3").delete_bucket_lifecycle(Bucket=BUCKET),
        lambda aws: len(aws("s3").get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]),
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
        "identity",
        "more rights",
        lambda aws: aws("iam").put_role_policy(RoleName=NAME, PolicyName="more", PolicyDocument=EVERYTHING),
        role_policies,
    ),
    Drift(
        "instance",
        "a tag more",
        lambda aws: aws("ec2").create_tags(Resources=[ec2_id(aws, "instance")], Tags=[STRAY]),
        lambda aws: tags(aws, "instance"),
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
    Drift(
        "load_balancer",
        "no target",
        lambda aws: aws("elbv2").deregister_targets(TargetGroupArn=arn(aws, "targets"), Targets=targets(aws)),
        targets,
    ),
    Drift("alarms", "another threshold", raise_threshold, alarms),
    Drift(
        "alarms",
        "another tag of the topic",
        lambda aws: aws("sns").tag_resource(ResourceArn=topic(aws), Tags=[STRAY]),
        lambda aws: aws("sns").list_tags_for_resource(ResourceArn=topic(aws))["Tags"],
    ),
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
    Drift(
        "alarms",
        "no dashboard",
        lambda aws: aws("cloudwatch").delete_dashboards(DashboardNames=[NAME]),
        lambda aws: len(aws("cloudwatch").get_dashboard(DashboardName=NAME)["DashboardBody"]) > 100,
    ),
    Drift(
        "network",
        "no endpoint",
        lambda aws: aws("ec2").delete_vpc_endpoints(VpcEndpointIds=[endpoint(aws)["VpcEndpointId"]]),
        lambda aws: endpoint(aws)["ServiceName"],
    ),
    Drift(
        "secrets",
        "a secret less",
        lambda aws: aws("ssm").delete_parameter(Name=f"/{NAME}/redis_password"),
        lambda aws: len(aws("ssm").get_parameters_by_path(Path=f"/{NAME}")["Parameters"]),
    ),
    Drift(
        "identity",
        "no key pair",
        lambda aws: aws("ec2").delete_key_pair(KeyName=NAME),
        lambda aws: [pair["KeyName"] for pair in aws("ec2").describe_key_pairs()["KeyPairs"]],
    ),
]
