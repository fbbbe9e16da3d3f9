#!/usr/bin/python
"""Ansible module: read everything that AWS holds of one deployment, in one process."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: health_aws_info
short_description: Read what AWS holds of one deployment
version_added: 0.1.0
description:
  - Finds the resources that bear a tag and describes them, and looks for an entry in their log group.
  - Reads only. One module instead of a dozen C(*_info) modules, each of which would start Python and boto3 anew.
  - A part that cannot be read does not fail the module; it comes back as C(error) with the reason.
options:
  tag:
    description: Key of the tag by which the resources are found.
    type: str
    default: mcp:name
  name:
    description: Value of that tag.
    type: str
    required: true
  repository:
    description: Name of the ECR repository, which is looked up by name.
    type: str
    required: true
  log_pattern:
    description:
      - What an entry in the log group must contain. Empty takes any entry, and without one nothing is measured, as not
        every server logs.
    type: str
    default: ""
  log_since:
    description: Seconds since the epoch after which the entry must have been written. V(0) says that there can be none.
    type: float
    default: 0
  log_deadline:
    description: Seconds to wait for the entry.
    type: float
    default: 20
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author:
  - The mcp.aws maintainers
attributes:
  check_mode:
    description: Does the same in check mode.
    support: full
"""

EXAMPLES = r"""
- name: Read what AWS holds of the deployment
  mcp.aws.health_aws_info:
    name: mcp-example
    repository: mcp-example
    region: us-east-1
  register: __deployment
"""

RETURN = r"""
measured:
  description:
    - What AWS answered, a part for each kind of resource, in AWS's own keys.
    - The parts are C(identity), C(network), C(instances), C(groups), C(volumes), C(key_pairs), C(buckets),
      C(repositories), C(log_groups), C(balancers) and C(log_entry).
  returned: always
  type: dict
  sample: {identity: {Account: "123456789012"}, key_pairs: {error: "UnauthorizedOperation ..."}}
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

with suppress(ImportError):  # AnsibleAWSModule says so
    from botocore.exceptions import BotoCoreError, ClientError

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

LOG_POLL_SECONDS = 0.5
CLOCK_TOLERANCE_SECONDS = 120  # between the control node's clock and the host's


class Deployment:
    """The resources of one deployment, each part read by a method of its name."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        self.module = module
        self.params = module.params
        self.filters = [{"Name": f"tag:{self.params['tag']}", "Values": [self.params["name"]]}]
        self.ec2 = module.client("ec2")
        self.elb = module.client("elbv2")
        self._instances: list[dict[str, Any]] = []
        self._arns: dict[str, list[str]] = {}

    def identity(self) -> dict[str, Any]:
        answer = self.module.client("sts").get_caller_identity()
        return {"Account": answer["Account"], "Arn": answer["Arn"]}

    def network(self) -> dict[str, Any]:
        vpcs = self.ec2.describe_vpcs(Filters=self.filters)["Vpcs"]
        within = [{"Name": "vpc-id", "Values": [vpc["VpcId"] for vpc in vpcs] or ["none"]}]
        return {
            "vpcs": vpcs,
            "subnets": self.ec2.describe_subnets(Filters=within)["Subnets"],
            "route_tables": self.ec2.describe_route_tables(Filters=within)["RouteTables"],
        }

    def instances(self) -> list[dict[str, Any]]:
        alive = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
        pages = self.ec2.get_paginator("describe_instances").paginate(Filters=self.filters + alive)
        self._instances = [i for r in pages.build_full_result()["Reservations"] for i in r["Instances"]]
        return self._instances

    def volumes(self) -> list[dict[str, Any]]:
        mappings = [mapping for instance in self._instances for mapping in instance["BlockDeviceMappings"]]
        found = [mapping["Ebs"]["VolumeId"] for mapping in mappings if "Ebs" in mapping]
        return self.ec2.describe_volumes(VolumeIds=found)["Volumes"] if found else []

    def key_pairs(self) -> list[dict[str, Any]]:
        names = sorted({instance["KeyName"] for instance in self._instances if instance.get("KeyName")})
        return self.ec2.describe_key_pairs(KeyNames=names)["KeyPairs"] if names else []

    def balancers(self) -> list[dict[str, Any]]:
        arns = [arn for arn in self._tagged("elasticloadbalancing") if ":loadbalancer/" in arn]
        found = self.elb.describe_load_balancers(LoadBalancerArns=arns)["LoadBalancers"] if arns else []
        for balancer in found:
            of = {"LoadBalancerArn": balancer["LoadBalancerArn"]}
            balancer["Listeners"] = self.elb.describe_listeners(**of)["Listeners"]
            balancer["TargetGroups"] = self.elb.describe_target_groups(**of)["TargetGroups"]
            for group in balancer["TargetGroups"]:
                health = self.elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
                group["Targets"] = health["TargetHealthDescriptions"]
        return found

    def groups(self) -> list[dict[str, Any]]:
        """Describe the groups that the instances and load balancers really use, tagged or not."""
        used = {group["GroupId"] for instance in self._instances for group in instance["SecurityGroups"]}
        used |= {group for balancer in self.balancers() for group in balancer.get("SecurityGroups", [])}
        return self.ec2.describe_security_groups(GroupIds=sorted(used))["SecurityGroups"] if used else []

    def buckets(self) -> list[dict[str, Any]]:
        names = [arn.partition(":::")[2] for arn in self._tagged("s3")]
        s3 = self.module.client("s3") if names else None
        return [self._bucket(s3, name) for name in names]

    @staticmethod
    def _bucket(s3: Any, name: str) -> dict[str, Any]:
        bucket: dict[str, Any] = {"Name": name, "Encryption": [], "PublicAccessBlock": {}}
        try:
            rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
            bucket["Encryption"] = [rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] for rule in rules]
            block = s3.get_public_access_block(Bucket=name)
            bucket["PublicAccessBlock"] = block["PublicAccessBlockConfiguration"]
        except ClientError as error:
            if "NotFound" not in error.response["Error"]["Code"] and "NoSuch" not in error.response["Error"]["Code"]:
                raise
        return bucket

    def repositories(self) -> list[dict[str, Any]]:
        try:
            answer = self.module.client("ecr").describe_repositories(repositoryNames=[self.params["repository"]])
        except ClientError as error:
            if error.response["Error"]["Code"] == "RepositoryNotFoundException":
                return []
            raise
        return answer["repositories"]

    def log_groups(self) -> list[dict[str, Any]]:
        client = self.module.client("logs")
        found = []
        for name in self._log_group_names():
            groups = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
            found += [group for group in groups if group["logGroupName"] == name]
        return found

    def log_entry(self) -> dict[str, Any]:
        """Wait until the log groups hold an entry of this run."""
        if not self.params["log_since"]:
            return {"error": "the application answered nothing that it could have logged"}
        client, started = self.module.client("logs"), time.monotonic()
        pattern = {"filterPattern": f'"{self.params["log_pattern"]}"'} if self.params["log_pattern"] else {}
        since = int((self.params["log_since"] - CLOCK_TOLERANCE_SECONDS) * 1000)
        while True:
            for name in self._log_group_names():
                pages = client.get_paginator("filter_log_events").paginate(
                    logGroupName=name, startTime=since, **pattern, PaginationConfig={"MaxItems": 1}
                )
                for event in pages.build_full_result().get("events", []):
                    waited = time.monotonic() - started
                    return {"group": name, "stream": event.get("logStreamName"), "seconds": waited}
            if time.monotonic() - started > self.params["log_deadline"]:
                if not pattern:
                    return {"skipped": "the server has logged nothing in this run, and health_log_pattern is empty"}
                return {"group": None, "seconds": time.monotonic() - started}
            time.sleep(LOG_POLL_SECONDS)

    def _log_group_names(self) -> list[str]:
        return [arn.partition(":log-group:")[2].removesuffix(":*") for arn in self._tagged("logs")]

    def _tagged(self, service: str) -> list[str]:
        """Return the ARNs of a service's resources that bear the tag."""
        if not self._arns:
            pages = self.module.client("resourcegroupstaggingapi").get_paginator("get_resources")
            tag = {"Key": self.params["tag"], "Values": [self.params["name"]]}
            for resource in pages.paginate(TagFilters=[tag]).build_full_result()["ResourceTagMappingList"]:
                arn = resource["ResourceARN"]
                self._arns.setdefault(arn.split(":")[2], []).append(arn)
        return sorted(self._arns.get(service, []))


PARTS = (
    "identity",
    "network",
    "instances",
    "volumes",
    "key_pairs",
    "balancers",
    "groups",
    "buckets",
    "repositories",
    "log_groups",
    "log_entry",
)


def attempt(read: Callable[[], Any]) -> Any:
    """Return what was read, or the reason why it could not be."""
    try:
        return read()
    except (BotoCoreError, ClientError) as error:
        return {"error": str(error)}


def main() -> None:
    """Read part after part; without credentials that work there is no point in the others."""
    module = AnsibleAWSModule(
        argument_spec={
            "tag": {"type": "str", "default": "mcp:name"},
            "name": {"type": "str", "required": True},
            "repository": {"type": "str", "required": True},
            "log_pattern": {"type": "str", "default": ""},
            "log_since": {"type": "float", "default": 0},
            "log_deadline": {"type": "float", "default": 20},
        },
        supports_check_mode=True,
    )
    deployment = Deployment(module)
    measured = {"identity": attempt(deployment.identity)}
    for part in PARTS[1:]:
        no_access = "error" in measured["identity"]
        measured[part] = measured["identity"] if no_access else attempt(getattr(deployment, part))
    module.exit_json(changed=False, measured=measured)


if __name__ == "__main__":
    main()
