"""What an account holds, counted by kind with boto3, so that no tool is fast by doing less."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from tests.aws.resources import resources

Clients = Callable[[str], Any]
BUCKET_SETTINGS = ("versioning", "encryption", "ownership_controls", "policy", "lifecycle_configuration")


def count(client: Clients, name: str) -> Counter[str]:
    """Return how many of each kind there are: resources, what bears the tag `mcp:name`, and settings that are set."""
    found = resources(client)
    kinds = Counter(resource.partition("/")[0] for resource in found)
    kinds["with tag mcp:name"] = sum(tags.get("mcp:name") == name for tags in found.values())
    for part in (_networks, _stores, _servers, _identities, _balancers, _alarms):
        kinds.update(part(client))
    return kinds


def differences(counts: dict[str, Counter[str]]) -> dict[str, dict[str, int]]:
    """Return the kinds of which the tools have not the same number, with the number of each tool."""
    kinds = sorted(set().union(*counts.values()))
    table = {kind: {tool: count[kind] for tool, count in counts.items()} for kind in kinds}
    return {kind: row for kind, row in table.items() if len(set(row.values())) > 1}


def _networks(client: Clients) -> Iterator[str]:
    ec2 = client("ec2")
    own = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
    for vpc in own:
        inside = [{"Name": "vpc-id", "Values": [vpc]}]
        for group in ec2.describe_security_groups(Filters=inside)["SecurityGroups"]:
            if group["GroupName"] != "default":
                yield from ("rule in" for _ in group["IpPermissions"])
                yield from ("rule out" for _ in group["IpPermissionsEgress"])
        for table in ec2.describe_route_tables(Filters=inside)["RouteTables"]:
            yield from ("association" for link in table["Associations"] if not link["Main"])
            yield from (
                "default route" for route in table["Routes"] if route.get("DestinationCidrBlock") == "0.0.0.0/0"
            )


def _stores(client: Clients) -> Iterator[str]:
    s3, ecr, logs = client("s3"), client("ecr"), client("logs")
    for bucket in s3.list_buckets()["Buckets"]:
        for setting in BUCKET_SETTINGS:
            with suppress(ClientError):
                answer = getattr(s3, f"get_bucket_{setting}")(Bucket=bucket["Name"])
                yield from [f"bucket {setting}"] if set(answer) - {"ResponseMetadata"} else []
        with suppress(ClientError):
            yield from s3.get_public_access_block(Bucket=bucket["Name"])["PublicAccessBlockConfiguration"]
    for repository in ecr.describe_repositories()["repositories"]:
        yield f"repository {repository['imageTagMutability']}"
        yield f"scan on push {repository['imageScanningConfiguration']['scanOnPush']}"
        with suppress(ClientError):
            ecr.get_lifecycle_policy(repositoryName=repository["repositoryName"])
            yield "repository lifecycle"
    yield from (f"log retention {group.get('retentionInDays')}" for group in logs.describe_log_groups()["logGroups"])


def _servers(client: Clients) -> Iterator[str]:
    for reservation in client("ec2").describe_instances()["Reservations"]:
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] == "running":
                yield f"instance {instance['InstanceType']}"
                yield from ["public address"] if instance.get("PublicIpAddress") else []
                yield from ["instance with profile"] if instance.get("IamInstanceProfile") else []
    for volume in client("ec2").describe_volumes()["Volumes"]:
        yield f"volume {volume['VolumeType']} {volume['Size']} GiB {'encrypted' if volume['Encrypted'] else 'plain'}"


def _identities(client: Clients) -> Iterator[str]:
    iam = client("iam")
    for role in iam.list_roles()["Roles"]:
        yield from ("role policy" for _ in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"])
    yield from (
        "profile's role" for profile in iam.list_instance_profiles()["InstanceProfiles"] for _ in profile["Roles"]
    )


def _balancers(client: Clients) -> Iterator[str]:
    elb = client("elbv2")
    for balancer in elb.describe_load_balancers()["LoadBalancers"]:
        listeners = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
        yield from (f"listener {listener['Protocol']} {listener['Port']}" for listener in listeners)
    for group in elb.describe_target_groups()["TargetGroups"]:
        yield f"health check {group['HealthCheckPath']}"
        health = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        yield from ("registered target" for _ in health)


def _alarms(client: Clients) -> Iterator[str]:
    sns = client("sns")
    for topic in sns.list_topics()["Topics"]:
        document = sns.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"].get("Policy", "")
        yield from ["topic policy"] if "cloudwatch.amazonaws.com" in document else []
    for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]:
        yield f"alarm on {alarm.get('MetricName', 'metric math')}"
        yield from ["alarm with recover action"] if any("recover" in action for action in alarm["AlarmActions"]) else []
        yield from ["alarm with topic"] if any(":sns:" in action for action in alarm["AlarmActions"]) else []
