"""Ansible module: tell whose the resources under our names are, before something is made or deleted."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_ownership_info
short_description: Tell whose AWS resources are
description:
  - Looks resources up by name and compares the tag that names their owner.
  - A resource without that tag, and a bucket whose tags may not be read, is somebody else's.
  - A bucket that is empty and bears no tag at all is ours, left by a run that was killed between creation and tagging.
  - Changes nothing, and does not fail for what it finds.
version_added: 0.2.0
author: The mcp.aws maintainers
options:
  owner:
    description: Value of the tag C(mcp:name) on what is managed.
    type: str
    required: true
  resources:
    description: What to look up. An empty name counts as absent.
    type: dict
    required: true
    suboptions:
      bucket:
        description: Name of an S3 bucket.
        type: str
      key_pair:
        description: Name of an EC2 key pair.
        type: str
      role:
        description: Name of an IAM role.
        type: str
      instance_profile:
        description: Name of an IAM instance profile.
        type: str
      repository:
        description: Name of an ECR repository.
        type: str
      log_group:
        description: Name of a CloudWatch log group.
        type: str
      load_balancer:
        description: Name of a load balancer.
        type: str
      target_group:
        description: Name of a target group.
        type: str
      topic:
        description: Name of an SNS topic.
        type: str
      dashboard:
        description: Name of a CloudWatch dashboard.
        type: str
      parameters:
        description: Path in the SSM Parameter Store; everything below it is looked at.
        type: str
      alarms:
        description: Names of CloudWatch alarms.
        type: list
        elements: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Does the same in check mode.
    support: full
"""

EXAMPLES = r"""
- name: Look whose the bucket and the secrets are
  mcp.aws.aws_ownership_info:
    owner: mcp-example
    resources: {bucket: mcp-example-123456789012, parameters: /mcp-example}
  register: __owner

- name: Refuse what is somebody else's
  ansible.builtin.assert:
    that: __owner.foreign | length == 0
    fail_msg: "{{ __owner.foreign | join('\n') }}"
"""

RETURN = r"""
ownership:
  description:
    - V(ours), V(foreign) or V(absent) for each kind that was asked for.
    - For O(resources.parameters) and O(resources.alarms) a dictionary with V(ours) or V(foreign) for each that exists.
  returned: success
  type: dict
  sample: {bucket: absent, parameters: {/mcp-example/token: ours}}
foreign:
  description: A sentence for each resource that is somebody else's, with the remedy.
  returned: success
  type: list
  elements: str
"""

from contextlib import suppress
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.mcp.aws.plugins.module_utils.aws import ownership
from ansible_collections.mcp.aws.plugins.module_utils.aws.clients import THROTTLED, clients
from ansible_collections.mcp.aws.plugins.module_utils.aws.tags import ResourceTags

with suppress(ImportError):  # AnsibleAWSModule says so
    import botocore.exceptions


def main() -> None:
    """Run the module."""
    kinds: dict[str, Any] = {kind: {"type": "str"} for kind in ownership.KINDS}
    kinds["key_pair"]["no_log"] = False
    kinds["alarms"] = {"type": "list", "elements": "str"}
    module = AnsibleAWSModule(
        argument_spec={
            "owner": {"type": "str", "required": True},
            "resources": {"type": "dict", "required": True, "options": kinds},
        },
        supports_check_mode=True,
    )
    read = AWSRetry.jittered_backoff(delay=1, catch_extra_error_codes=THROTTLED)(ResourceTags(clients(module)).read)
    found: dict[str, dict[str, ownership.Tags]] = {}
    for kind, names in module.params["resources"].items():
        if names is None:  # not asked for
            continue
        try:
            found[kind] = read(kind, names)
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            module.fail_json_aws(error, msg=f"Cannot tell whose the {ownership.KINDS[kind][0]} {names} is")
    owner = module.params["owner"]
    module.exit_json(ownership=ownership.ownership(found, owner), foreign=ownership.foreign(found, owner))


if __name__ == "__main__":
    main()
