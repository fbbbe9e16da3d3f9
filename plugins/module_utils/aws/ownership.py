"""Whose an AWS resource is, by the tag that names its owner: pure functions over tags."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TAG = "mcp:name"
Tags = Mapping[str, str] | None  # None: they may not be read, as those of another account's bucket
# S3 makes a bucket and tags it by two requests: an empty one without any tag is what a run killed between them left.
UNTAGGED_ORPHAN: Tags = MappingProxyType({})

# Kind, in words, and the variable that names it.
KINDS = {
    "bucket": ("bucket", "storage_bucket_name"),
    "key_pair": ("EC2 key pair", "identity_key_name"),
    "role": ("IAM role", "identity_name"),
    "instance_profile": ("IAM instance profile", "identity_name"),
    "repository": ("ECR repository", "registry_name"),
    "log_group": ("log group", "logs_group_name"),
    "load_balancer": ("load balancer", "load_balancer_name"),
    "target_group": ("target group", "load_balancer_name"),
    "topic": ("SNS topic", "alarms_name"),
    "dashboard": ("CloudWatch dashboard", "alarms_name"),
    "parameters": ("SSM parameter", "secrets_path"),
    "alarms": ("CloudWatch alarm", "alarms_name"),
}
MANY = ("parameters", "alarms")  # kinds of which one question finds any number


def judge(tags: Tags, owner: str) -> str:
    """Return `ours` or `foreign`."""
    ours = tags is UNTAGGED_ORPHAN or (tags is not None and tags.get(TAG) == owner)
    return "ours" if ours else "foreign"


def ownership(found: Mapping[str, Mapping[str, Tags]], owner: str) -> dict[str, str | dict[str, str]]:
    """Return for each kind whose its resource is, for kinds of many by name.

    :param found: kind to the names that exist, each with its tags.
    """
    judged = {kind: {name: judge(tags, owner) for name, tags in names.items()} for kind, names in found.items()}
    return {kind: names if kind in MANY else next(iter(names.values()), "absent") for kind, names in judged.items()}


def foreign(found: Mapping[str, Mapping[str, Tags]], owner: str) -> list[str]:
    """Return a sentence for each resource that is somebody else's, with what to do about it."""
    return [
        explain(kind, name, tags, owner)
        for kind, names in found.items()
        for name, tags in names.items()
        if judge(tags, owner) == "foreign"
    ]


def explain(kind: str, name: str, tags: Tags, owner: str) -> str:
    """Say whose a resource is and how to be rid of the conflict."""
    word, variable = KINDS[kind]
    another = f"Choose another {variable}"
    if tags is None:
        return (
            f"The {word} `{name}` belongs to another account, or the credentials may not read its tags. "
            f"{another}, or have s3:GetBucketTagging allowed for them if it is yours."
        )
    whose = f"belongs to `{tags[TAG]}` by its tag {TAG}" if TAG in tags else f"bears no tag {TAG}: it is not of mcp.aws"
    return f"The {word} `{name}` {whose}. {another}, or tag it {TAG}={owner} if it is really yours."
