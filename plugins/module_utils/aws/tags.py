"""The tags of AWS resources that are known by name, read with as few requests as AWS takes."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils.aws.ownership import UNTAGGED_ORPHAN, Tags

with suppress(ImportError):  # AnsibleAWSModule says so
    from botocore.exceptions import ClientError

ABSENT = {
    "DashboardNotFoundError",
    "LoadBalancerNotFound",
    "NoSuchBucket",
    "NoSuchEntity",
    "RepositoryNotFoundException",
    "ResourceNotFound",
    "ResourceNotFoundException",
    "TargetGroupNotFound",
}
NAMES_A_REQUEST = 100


def by_key(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Turn a list of Key and Value, however they are spelled, into a dictionary."""
    return {tag.get("Key", tag.get("key", "")): tag.get("Value", tag.get("value", "")) for tag in tags}


class ResourceTags:
    """What exists under a name, and its tags: a method a kind, each returning names with tags."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        """Keep what makes a client; the caller makes each only once."""
        self.client = client

    def read(self, kind: str, names: Any) -> dict[str, Tags]:
        """Return what exists of a kind; nothing is asked without a name."""
        try:
            return getattr(self, kind)(names) if names else {}
        except ClientError as error:
            if error.response["Error"]["Code"] in ABSENT:
                return {}
            raise

    def bucket(self, name: str) -> dict[str, Tags]:
        """Read a bucket; another account's answers AccessDenied."""
        try:
            return {name: by_key(self.client("s3").get_bucket_tagging(Bucket=name)["TagSet"])}
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "NoSuchTagSet":
                return {name: UNTAGGED_ORPHAN if self._is_empty(name) else {}}
            if code in {"AccessDenied", "403"}:
                return {name: None}
            raise

    def _is_empty(self, bucket: str) -> bool:
        """Tell whether a bucket is known to hold nothing, old versions included."""
        try:
            listed = self.client("s3").list_object_versions(Bucket=bucket, MaxKeys=1)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"AccessDenied", "403"}:
                return False
            raise
        return not (listed.get("Versions") or listed.get("DeleteMarkers"))

    def key_pair(self, name: str) -> dict[str, Tags]:
        """Read a key pair of EC2."""
        filters = [{"Name": "key-name", "Values": [name]}]
        return {
            pair["KeyName"]: by_key(pair.get("Tags", []))
            for pair in self.client("ec2").describe_key_pairs(Filters=filters)["KeyPairs"]
        }

    def role(self, name: str) -> dict[str, Tags]:
        """Read a role of IAM."""
        return {name: by_key(self.client("iam").get_role(RoleName=name)["Role"].get("Tags", []))}

    def instance_profile(self, name: str) -> dict[str, Tags]:
        """Read an instance profile of IAM."""
        answer = self.client("iam").get_instance_profile(InstanceProfileName=name)
        return {name: by_key(answer["InstanceProfile"].get("Tags", []))}

    def repository(self, name: str) -> dict[str, Tags]:
        """Read a repository of ECR."""
        ecr = self.client("ecr")
        arn = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryArn"]
        return {name: by_key(ecr.list_tags_for_resource(resourceArn=arn)["tags"])}

    def log_group(self, name: str) -> dict[str, Tags]:
        """Read a log group; groups come sorted, so that the name itself is the first that begins with it."""
        logs = self.client("logs")
        groups = logs.describe_log_groups(logGroupNamePrefix=name, limit=1)["logGroups"]
        if not groups or groups[0]["logGroupName"] != name:
            return {}
        return {name: logs.list_tags_for_resource(resourceArn=groups[0]["arn"].removesuffix(":*"))["tags"]}

    def load_balancer(self, name: str) -> dict[str, Tags]:
        """Read a load balancer."""
        answer = self.client("elbv2").describe_load_balancers(Names=[name])
        return {name: self._elb_tags(answer["LoadBalancers"][0]["LoadBalancerArn"])}

    def target_group(self, name: str) -> dict[str, Tags]:
        """Read a target group."""
        answer = self.client("elbv2").describe_target_groups(Names=[name])
        return {name: self._elb_tags(answer["TargetGroups"][0]["TargetGroupArn"])}

    def _elb_tags(self, arn: str) -> dict[str, str]:
        return by_key(self.client("elbv2").describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"])

    def topic(self, name: str) -> dict[str, Tags]:
        """Read a topic of SNS, which has no question by name."""
        sns = self.client("sns")
        topics = sns.get_paginator("list_topics").paginate().build_full_result().get("Topics", [])
        arns = [topic["TopicArn"] for topic in topics if topic["TopicArn"].endswith(f":{name}")]
        return {arn.rpartition(":")[2]: by_key(sns.list_tags_for_resource(ResourceArn=arn)["Tags"]) for arn in arns}

    def dashboard(self, name: str) -> dict[str, Tags]:
        """Read a dashboard of CloudWatch."""
        cloudwatch = self.client("cloudwatch")
        arn = cloudwatch.get_dashboard(DashboardName=name)["DashboardArn"]
        return {name: by_key(cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"])}

    def parameters(self, path: str) -> dict[str, Tags]:
        """Read the parameters of SSM below a path, at any depth."""
        ssm = self.client("ssm")
        below = [{"Key": "Path", "Option": "Recursive", "Values": [path]}]
        pages = ssm.get_paginator("describe_parameters").paginate(ParameterFilters=below)
        names = [parameter["Name"] for parameter in pages.build_full_result()["Parameters"]]
        tags = {
            name: ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"] for name in names
        }
        return {name: by_key(tag_list) for name, tag_list in tags.items()}

    def alarms(self, names: list[str]) -> dict[str, Tags]:
        """Read alarms of CloudWatch."""
        cloudwatch, found = self.client("cloudwatch"), []
        for start in range(0, len(names), NAMES_A_REQUEST):
            some = names[start : start + NAMES_A_REQUEST]
            found += cloudwatch.describe_alarms(AlarmNames=some, MaxRecords=NAMES_A_REQUEST)["MetricAlarms"]
        return {
            alarm["AlarmName"]: by_key(cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"])
            for alarm in found
        }
