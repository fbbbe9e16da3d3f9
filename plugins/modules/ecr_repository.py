"""Ansible module: an ECR repository with its settings, its lifecycle policy and its tags."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_repository
short_description: Make or delete an ECR repository that bears tags
description:
  - M(community.aws.ecs_ecr) knows no tags, so that a run which is cut off leaves a repository that nobody owns, and it
    passes over in check mode what it would do. This module tags a repository in the request that makes it, and tells in
    check mode what it would change.
  - A repository under this name without the owner's tag is somebody else's. It is neither changed nor deleted.
version_added: 0.2.0
author: The mcp.aws maintainers
options:
  name:
    description: Name of the repository.
    type: str
    required: true
  state:
    description: Whether the repository should be there. V(absent) deletes its images with it.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: The tags, exactly these; C(mcp:name), which names the owner, among them.
    type: dict
    required: true
  immutable:
    description: Whether a tag that was pushed stays with its image.
    type: bool
    default: true
  scan_on_push:
    description: Whether images are scanned when they are pushed.
    type: bool
    default: true
  lifecycle_policy:
    description: Which images expire, in the form of ECR; empty for no policy.
    type: dict
    default: {}
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Tells what a real run would change.
    support: full
  diff_mode:
    description: Shows the settings before and after.
    support: full
"""

EXAMPLES = r"""
- name: Make a repository that keeps its last ten images
  mcp.aws.ecr_repository:
    name: mcp-example
    tags: {"mcp:name": mcp-example}
    lifecycle_policy:
      rules:
        - rulePriority: 1
          selection: {tagStatus: any, countType: imageCountMoreThan, countNumber: 10}
          action: {type: expire}

- name: Delete it with its images
  mcp.aws.ecr_repository:
    name: mcp-example
    tags: {"mcp:name": mcp-example}
    state: absent
"""

RETURN = r"""
uri:
  description: Where images are pushed to. Empty while there is no repository.
  returned: success
  type: str
  sample: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/mcp-example
arn:
  description: Its ARN. Empty while there is no repository.
  returned: success
  type: str
  sample: arn:aws:ecr:eu-central-1:123456789012:repository/mcp-example
diff:
  description: The settings before and after.
  returned: when something changes
  type: dict
"""

import json
from contextlib import suppress
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list as tag_list
from ansible_collections.mcp.aws.plugins.module_utils.aws import ecr, resource
from ansible_collections.mcp.aws.plugins.module_utils.aws.clients import THROTTLED

with suppress(ImportError):  # AnsibleAWSModule says so
    import botocore.exceptions

PATIENT = AWSRetry.jittered_backoff(delay=1, max_delay=20, catch_extra_error_codes=THROTTLED)
NEW = AWSRetry.jittered_backoff(catch_extra_error_codes=["RepositoryNotFoundException", *THROTTLED])


def read(client: Any, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a repository as ECR describes it and its settings; both are empty when there is none."""
    try:
        repository = client.describe_repositories(aws_retry=True, repositoryNames=[name])["repositories"][0]
        tags = client.list_tags_for_resource(aws_retry=True, resourceArn=repository["repositoryArn"])["tags"]
    except is_boto3_error_code("RepositoryNotFoundException"):
        return {}, {}
    try:
        policy = client.get_lifecycle_policy(aws_retry=True, repositoryName=name)["lifecyclePolicyText"]
    except is_boto3_error_code(["LifecyclePolicyNotFoundException", "RepositoryNotFoundException"]):
        policy = "{}"
    return repository, ecr.settings(repository, policy, tags)


def create(client: Any, name: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Make a repository and return how ECR describes it; its policy comes next, as no request takes both."""
    repository: dict[str, Any] = client.create_repository(
        aws_retry=True,
        repositoryName=name,
        tags=tag_list(wanted["tags"]),
        imageTagMutability=wanted["imageTagMutability"],
        imageScanningConfiguration={"scanOnPush": wanted["scanOnPush"]},
    )["repository"]
    return repository


def change(client: Any, repository: dict[str, Any], found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Set whatever differs."""
    name, arn, differs = repository["repositoryName"], repository["repositoryArn"], resource.differing(found, wanted)
    if "imageTagMutability" in differs:
        client.put_image_tag_mutability(
            aws_retry=True, repositoryName=name, imageTagMutability=wanted["imageTagMutability"]
        )
    if "scanOnPush" in differs:
        scanning = {"scanOnPush": wanted["scanOnPush"]}
        client.put_image_scanning_configuration(
            aws_retry=True, repositoryName=name, imageScanningConfiguration=scanning
        )
    if "lifecyclePolicy" in differs and wanted["lifecyclePolicy"]:
        NEW(client.put_lifecycle_policy)(repositoryName=name, lifecyclePolicyText=json.dumps(wanted["lifecyclePolicy"]))
    elif "lifecyclePolicy" in differs:
        client.delete_lifecycle_policy(aws_retry=True, repositoryName=name)
    if "tags" in differs:
        extra = [key for key in found["tags"] if key not in wanted["tags"]]
        client.tag_resource(aws_retry=True, resourceArn=arn, tags=tag_list(wanted["tags"]))
        if extra:
            client.untag_resource(aws_retry=True, resourceArn=arn, tagKeys=extra)


def ensure(module: AnsibleAWSModule, client: Any) -> None:
    """Make the repository, or bring its settings to what is wanted."""
    name, wanted = module.params["name"], ecr.wanted(module.params)
    repository, found = read(client, name)
    if unmanaged := resource.unmanaged(module, "repository", found):
        module.fail_json(msg=unmanaged)
    before, changed = found, bool(resource.differing(found, wanted))
    if changed and not module.check_mode:
        if not repository:
            repository = create(client, name, wanted)
            found = wanted | {"lifecyclePolicy": {}}
        change(client, repository, found, wanted)
    leave(module, repository, changed, before, wanted)


def remove(module: AnsibleAWSModule, client: Any) -> None:
    """Delete the repository with its images, if it is ours."""
    repository, found = read(client, module.params["name"])
    if unmanaged := resource.unmanaged(module, "repository", found):
        module.warn(f"{unmanaged} It is left alone.")
    mine = bool(repository) and not unmanaged
    if mine and not module.check_mode:
        with suppress(client.exceptions.RepositoryNotFoundException):
            client.delete_repository(aws_retry=True, repositoryName=module.params["name"], force=True)
    leave(module, {}, mine, found, {})


def leave(
    module: AnsibleAWSModule, repository: dict[str, Any], changed: bool, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """End the module with what there is now."""
    diff = resource.difference(f"repository {module.params['name']}", before, after) if changed else {}
    uri, arn = repository.get("repositoryUri", ""), repository.get("repositoryArn", "")
    module.exit_json(changed=changed, uri=uri, arn=arn, **diff)


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "tags": {"type": "dict", "required": True},
            "immutable": {"type": "bool", "default": True},
            "scan_on_push": {"type": "bool", "default": True},
            "lifecycle_policy": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    client = module.client("ecr", retry_decorator=PATIENT)
    try:
        {"present": ensure, "absent": remove}[module.params["state"]](module, client)
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        module.fail_json_aws(error, msg=f"Cannot make or delete the repository {module.params['name']}")


if __name__ == "__main__":
    main()
