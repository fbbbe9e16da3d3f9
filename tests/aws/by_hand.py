"""Hands for the tests of drift: to find what a deployment made, to change it and to look at it, all with boto3."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deployment import NAME
from resources import Clients

OURS = [{"Name": "tag:mcp:name", "Values": [NAME]}]


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


def route_table(aws: Clients) -> Any:
    """Return our route table."""
    return aws("ec2").describe_route_tables(Filters=OURS)["RouteTables"][0]


def endpoint(aws: Clients) -> Any:
    """Return our endpoint of S3, that is not being deleted."""
    found = aws("ec2").describe_vpc_endpoints(Filters=OURS)["VpcEndpoints"]
    return next((one for one in found if one["State"].lower() == "available"), {})


def topic(aws: Clients) -> str:
    """Return the ARN of our topic."""
    return next(one["TopicArn"] for one in aws("sns").list_topics()["Topics"] if one["TopicArn"].endswith(f":{NAME}"))


def targets(aws: Clients) -> Any:
    """Return the targets of the load balancer."""
    found = aws("elbv2").describe_target_health(TargetGroupArn=arn(aws, "targets"))["TargetHealthDescriptions"]
    return [one["Target"] for one in found]


def role_policies(aws: Clients) -> Any:
    """Return the names of the role's own policies."""
    return aws("iam").list_role_policies(RoleName=NAME)["PolicyNames"]
