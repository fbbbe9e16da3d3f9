"""Plain boto3: the clients and names of a deployment, and how its resources are found again."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
from typing import Any

import boto3

REGION = "us-east-1"
SECRETS = ("database_password", "redis_password", "token")
DEBIAN: dict[str, Any] = {"Owners": ["136693071363"], "Filters": [{"Name": "name", "Values": ["debian-12-amd64-*"]}]}
ALIVE = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}


class Deployment:
    """The resources under one name, and the clients that reach them."""

    def __init__(self, endpoint: str, name: str, instances: str, public_key: str) -> None:
        self.name, self.instances, self.public_key = name, int(instances), public_key.encode()
        services = ("ec2", "s3", "ecr", "logs", "ssm", "iam", "elbv2", "sns", "cloudwatch", "sts")
        session: Any = boto3.Session(region_name=REGION)
        self.aws = {service: session.client(service, endpoint_url=endpoint) for service in services}
        self.ec2, self.s3, self.elb, self.iam = (self.aws[service] for service in ("ec2", "s3", "elbv2", "iam"))
        self.account = self.aws["sts"].get_caller_identity()["Account"]
        self.bucket, self.group = f"{name}-{self.account}", f"/mcp/{name}"
        self.tags = {"mcp:name": name, "mcp:collection": "mcp.aws"}
        self.pairs = [{"Key": key, "Value": value} for key, value in self.tags.items()]

    def run(self) -> None:
        """Do what the script is called for."""
        raise NotImplementedError

    def spec(self, *kinds: str, name: str = "") -> list[dict[str, Any]]:
        """Return the tags as EC2 takes them with a new resource."""
        tags = [*self.pairs, {"Key": "Name", "Value": name or self.name}]
        return [{"ResourceType": kind, "Tags": tags} for kind in kinds]

    def ours(self, *more: dict[str, Any]) -> dict[str, Any]:
        """Return the filter that finds everything of EC2 again."""
        return {"Filters": [{"Name": "tag:mcp:name", "Values": [self.name]}, *more]}

    @staticmethod
    def require(what: str, found: int, wanted: int) -> None:
        """End with an error unless there are as many as there should be."""
        if found != wanted:
            sys.exit(f"There are {found} {what}, there should be {wanted}.")

    def living(self) -> list[str]:
        """Return our instances."""
        found = self.ec2.describe_instances(**self.ours(ALIVE))["Reservations"]
        return [instance["InstanceId"] for each in found for instance in each["Instances"]]

    def endpoints(self) -> list[str]:
        """Return our endpoints; deleted ones are shown for a while."""
        found = self.ec2.describe_vpc_endpoints(**self.ours())["VpcEndpoints"]
        return [endpoint["VpcEndpointId"] for endpoint in found if endpoint["State"] == "available"]

    def balancer(self) -> str:
        """Return the load balancer's ARN."""
        return str(self.elb.describe_load_balancers(Names=[self.name])["LoadBalancers"][0]["LoadBalancerArn"])

    def targets(self) -> str:
        """Return the target group's ARN."""
        return str(self.elb.describe_target_groups(Names=[self.name])["TargetGroups"][0]["TargetGroupArn"])

    def topics(self) -> list[str]:
        """Return the ARN of the topic."""
        found = self.aws["sns"].list_topics()["Topics"]
        return [topic["TopicArn"] for topic in found if topic["TopicArn"].endswith(f":{self.name}")]
