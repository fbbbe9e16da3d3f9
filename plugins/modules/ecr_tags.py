"""Ansible module: the tags of an ECR repository, which community.aws.ecs_ecr does not know."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_tags
short_description: Tag an ECR repository
description:
  - Gives a repository exactly these tags. In check mode an absent repository counts as one without tags.
version_added: 0.1.0
author: The mcp.aws maintainers
options:
  repository:
    description: Name of the repository.
    type: str
    required: true
  tags:
    description: The tags.
    type: dict
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Tag the repository
  mcp.aws.ecr_tags:
    repository: mcp
    tags: {team: platform}
"""

RETURN = r"""
tags:
  description: The repository's tags after the run, or before it in check mode.
  returned: success
  type: dict
  sample: {team: platform}
"""

from contextlib import suppress
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
    compare_aws_tags,
)

with suppress(ImportError):  # AnsibleAWSModule says so
    import botocore.exceptions


def apply(client: Any, name: str, wanted: dict[str, str], check_mode: bool) -> tuple[bool, dict[str, str]]:
    """Return whether the tags change, and what they then are (were, in check mode)."""
    try:
        arn = client.describe_repositories(aws_retry=True, repositoryNames=[name])["repositories"][0]["repositoryArn"]
    except is_boto3_error_code("RepositoryNotFoundException"):
        if check_mode:
            return bool(wanted), {}
        raise
    present = boto3_tag_list_to_ansible_dict(client.list_tags_for_resource(aws_retry=True, resourceArn=arn)["tags"])
    to_set, to_remove = compare_aws_tags(present, wanted, purge_tags=True)
    if check_mode or not (to_set or to_remove):
        return bool(to_set or to_remove), present
    if to_remove:
        client.untag_resource(aws_retry=True, resourceArn=arn, tagKeys=to_remove)
    if to_set:
        client.tag_resource(aws_retry=True, resourceArn=arn, tags=ansible_dict_to_boto3_tag_list(to_set))
    return True, wanted


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={"repository": {"type": "str", "required": True}, "tags": {"type": "dict", "required": True}},
        supports_check_mode=True,
    )
    name = module.params["repository"]
    wanted = {str(key): str(value) for key, value in module.params["tags"].items()}
    client = module.client("ecr", retry_decorator=AWSRetry.jittered_backoff())
    try:
        changed, tags = apply(client, name, wanted, module.check_mode)
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        module.fail_json_aws(error, msg=f"Cannot tag the repository {name}")
    module.exit_json(changed=changed, tags=tags)


if __name__ == "__main__":
    main()
