"""Ansible module: the targets and attributes of a target group, where community.aws cannot set them."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: target_group
short_description: Set the targets and attributes of a target group exactly
description:
  - Complements M(community.aws.elb_target_group), which makes the group. That module compares targets without their
    ports, takes one that drains for registered, and cannot switch sticky sessions off.
  - M(community.aws.elb_target) registers one target a call. Neither has a check mode.
  - What is not given is not touched.
version_added: 0.2.0
author: The mcp.aws maintainers
options:
  name:
    description: Name of the target group. In check mode it may be yet to be made.
    type: str
    required: true
  targets:
    description:
      - All targets of the group. Others are deregistered, after the missing ones are registered.
    type: list
    elements: dict
    suboptions:
      id:
        description: Id of the instance. Empty only in check mode, for an instance that does not exist yet.
        type: str
        required: true
      port:
        description: Port that the instance serves on.
        type: int
        required: true
  attributes:
    description: Attributes of the group under their names in ELB, such as C(stickiness.enabled).
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
    description: Shows targets and attributes before and after.
    support: full
"""

EXAMPLES = r"""
- name: Let two instances serve
  mcp.aws.target_group:
    name: mcp-example
    targets:
      - {id: i-0123456789abcdef0, port: 8000}
      - {id: i-0123456789abcdef1, port: 8000}

- name: Switch sticky sessions off
  mcp.aws.target_group:
    name: mcp-example
    attributes: {stickiness.enabled: false}
"""

RETURN = r"""
registered:
  description: Targets that were registered, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: ["i-0123456789abcdef0:8000"]
deregistered:
  description: Targets that were deregistered, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: []
attributes:
  description: Attributes that were set, or would be in check mode.
  returned: success
  type: dict
  sample: {stickiness.enabled: "false"}
diff:
  description: Targets and differing attributes before and after.
  returned: when something changes
  type: dict
"""

from contextlib import suppress
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.mcp.aws.plugins.module_utils.target_group import Target, differing, registered, shown

with suppress(ImportError):  # AnsibleAWSModule says so
    import botocore.exceptions

MISSING = "TargetGroupNotFound"  # said of a new group too, for some seconds


def find(module: AnsibleAWSModule, client: Any, name: str) -> str:
    """Return the group's ARN; in check mode an empty one when there is no group."""
    try:
        return str(client.describe_target_groups(aws_retry=True, Names=[name])["TargetGroups"][0]["TargetGroupArn"])
    except is_boto3_error_code(MISSING):
        if module.check_mode:
            return ""
        raise


def read(client: Any, arn: str, attributes: bool) -> tuple[set[Target], dict[str, str]]:
    """Return who is registered, and the attributes where they are asked for."""
    if not arn:
        return set(), {}
    targets = registered(client.describe_target_health(aws_retry=True, TargetGroupArn=arn)["TargetHealthDescriptions"])
    if not attributes:
        return targets, {}
    answer = client.describe_target_group_attributes(aws_retry=True, TargetGroupArn=arn)["Attributes"]
    return targets, {attribute["Key"]: attribute["Value"] for attribute in answer}


def apply(client: Any, arn: str, more: set[Target], less: set[Target], attributes: dict[str, str]) -> None:
    """Register before deregistering, so that somebody always serves."""
    group = {"TargetGroupArn": arn, "aws_retry": True}
    if more:
        client.register_targets(Targets=[{"Id": name, "Port": port} for name, port in sorted(more)], **group)
    if less:
        client.deregister_targets(Targets=[{"Id": name, "Port": port} for name, port in sorted(less)], **group)
    if attributes:
        settings = [{"Key": key, "Value": value} for key, value in attributes.items()]
        client.modify_target_group_attributes(Attributes=settings, **group)


def ensure(module: AnsibleAWSModule, client: Any) -> dict[str, Any]:
    """Bring targets and attributes to what is wanted and return the module's results."""
    params = module.params
    arn = find(module, client, params["name"])
    targets, attributes = read(client, arn, bool(params["attributes"]))
    given = params["targets"]
    wanted = targets if given is None else {(target["id"], target["port"]) for target in given}
    changes = differing(attributes, params["attributes"])
    more, less = wanted - targets, targets - wanted
    changed = bool(more or less or changes)
    if changed and not module.check_mode:
        apply(client, arn, more, less, changes)
    result = {"changed": changed, "registered": shown(more), "deregistered": shown(less), "attributes": changes}
    if changed:
        before = {"targets": shown(targets)} | {key: attributes.get(key, "") for key in changes}
        header = f"target group {params['name']}"
        after = {"targets": shown(wanted)} | changes
        result["diff"] = {"before_header": header, "after_header": header, "before": before, "after": after}
    return result


def main() -> None:
    """Run the module."""
    target = {"id": {"type": "str", "required": True}, "port": {"type": "int", "required": True}}
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "targets": {"type": "list", "elements": "dict", "options": target},
            "attributes": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    late = [] if module.check_mode else [MISSING]
    patient = AWSRetry.jittered_backoff(retries=8, delay=1, max_delay=8, catch_extra_error_codes=late)
    client = module.client("elbv2", retry_decorator=patient)
    try:
        result = ensure(module, client)
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        module.fail_json_aws(error, msg=f"Cannot set the target group {module.params['name']}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
