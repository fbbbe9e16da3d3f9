"""Ansible module: a target group of Elastic Load Balancing, with its tags, its attributes and its targets."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: target_group
short_description: Make or delete a target group that bears tags, and say who serves
description:
  - M(community.aws.elb_target_group) tags a group only after it was made, so that a run which is cut off leaves one
    that nobody owns. It has no check mode, cannot switch sticky sessions off, and compares targets without their ports.
  - M(community.aws.elb_target) has no check mode either, registers one target a call, and takes one that drains for
    registered.
  - What is not given is not touched.
  - A group under this name without the owner's tag is somebody else's. It is neither changed nor deleted.
version_added: 0.2.0
author: The mcp.aws maintainers
options:
  name:
    description: Name of the target group.
    type: str
    required: true
  state:
    description: Whether the target group should be there. Where it is in use still, V(absent) waits for two minutes.
    type: str
    choices: [present, absent]
    default: present
  settings:
    description:
      - The settings in the words of CreateTargetGroup, without name and tags. Without them the group must exist.
      - C(Protocol), C(Port), C(VpcId) and C(TargetType) cannot be changed later, so that others than found are refused.
      - C(VpcId) may be empty in check mode, when the VPC does not exist yet.
    type: dict
  attributes:
    description: Attributes of the group under their names in ELB, such as C(stickiness.enabled).
    type: dict
  tags:
    description:
      - The tags, exactly these; C(mcp:name), which names the owner, among them.
      - Not needed where O(targets) alone are given.
    type: dict
  targets:
    description: All targets of the group. Others are deregistered, after the missing ones are registered.
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
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Tells what a real run would change.
    support: full
  diff_mode:
    description: Shows the group before and after.
    support: full
"""

EXAMPLES = r"""
- name: Make a group whose targets say whether they are ready
  mcp.aws.target_group:
    name: mcp-example
    settings: {Protocol: HTTP, Port: 8000, VpcId: vpc-0123456789abcdef0, HealthCheckPath: /ready}
    attributes: {deregistration_delay.timeout_seconds: 30, stickiness.enabled: false}
    tags: {"mcp:name": mcp-example}

- name: Let two instances serve
  mcp.aws.target_group:
    name: mcp-example
    targets:
      - {id: i-0123456789abcdef0, port: 8000}
      - {id: i-0123456789abcdef1, port: 8000}
"""

RETURN = r"""
arn:
  description: Its ARN. Empty while there is no group.
  returned: success
  type: str
  sample: arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/mcp-example/6d0ecf831eec9f09
load_balancer_arns:
  description: The load balancers that lead to it.
  returned: success
  type: list
  elements: str
diff:
  description: What differs before and after.
  returned: when something changes
  type: dict
"""

from contextlib import suppress
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)
from ansible_collections.mcp.aws.plugins.module_utils import target_group
from ansible_collections.mcp.aws.plugins.module_utils.aws import resource

with suppress(ImportError):  # AnsibleAWSModule says so
    import botocore.exceptions

ABSENT = "TargetGroupNotFound"  # said of a new group too, for some seconds
PATIENT = AWSRetry.jittered_backoff(delay=1, max_delay=20)
NEW = AWSRetry.jittered_backoff(retries=8, delay=1, max_delay=8, catch_extra_error_codes=[ABSENT])
USED = AWSRetry.jittered_backoff(retries=24, delay=1, max_delay=10, catch_extra_error_codes=["ResourceInUse"])


def read(client: Any, name: str, wanted: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a group as ELB describes it and in the form of what is wanted; both are empty when there is none."""
    try:
        group = PATIENT(client.describe_target_groups)(Names=[name])["TargetGroups"][0]
    except is_boto3_error_code(ABSENT):
        return {}, {}
    arn, found = group["TargetGroupArn"], {key: group.get(key) for key in wanted if key not in target_group.PARTS}
    if "attributes" in wanted:
        answer = client.describe_target_group_attributes(TargetGroupArn=arn, aws_retry=True)["Attributes"]
        attributes = boto3_tag_list_to_ansible_dict(answer)
        found["attributes"] = {key: attributes.get(key) for key in wanted["attributes"]}
    if "tags" in wanted:
        answer = client.describe_tags(ResourceArns=[arn], aws_retry=True)["TagDescriptions"][0]["Tags"]
        found["tags"] = boto3_tag_list_to_ansible_dict(answer)
    if "targets" in wanted:
        answer = client.describe_target_health(TargetGroupArn=arn, aws_retry=True)["TargetHealthDescriptions"]
        found["targets"] = target_group.registered(answer)
    return group, found


def create(client: Any, name: str, wanted: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make a group with its tags and return it as ELB describes it, and what of the wanted it has already."""
    settings = {key: value for key, value in wanted.items() if key not in target_group.PARTS}
    tags = ansible_dict_to_boto3_tag_list(wanted["tags"])
    group = client.create_target_group(Name=name, Tags=tags, **settings, aws_retry=True)["TargetGroups"][0]
    return group, settings | {"tags": wanted["tags"]}


def change(client: Any, arn: str, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Set whatever differs; who serves is registered before others leave, so that somebody always serves."""
    differs = resource.differing(found, wanted)
    if settings := {key: wanted[key] for key in differs if key not in target_group.PARTS}:
        client.modify_target_group(TargetGroupArn=arn, **settings, aws_retry=True)
    if "attributes" in differs:
        attributes = ansible_dict_to_boto3_tag_list(wanted["attributes"])
        client.modify_target_group_attributes(TargetGroupArn=arn, Attributes=attributes, aws_retry=True)
    if "tags" in differs:
        tags = ansible_dict_to_boto3_tag_list(wanted["tags"])
        client.add_tags(ResourceArns=[arn], Tags=tags, aws_retry=True)
        if extra := sorted(found["tags"].keys() - wanted["tags"].keys()):
            client.remove_tags(ResourceArns=[arn], TagKeys=extra, aws_retry=True)
    if "targets" in differs:
        before, after = set(found.get("targets", [])), set(wanted["targets"])
        for call, some in ((client.register_targets, after - before), (client.deregister_targets, before - after)):
            if some:
                call(TargetGroupArn=arn, Targets=[target_group.target(each) for each in sorted(some)], aws_retry=True)


def ensure(module: AnsibleAWSModule, client: Any) -> None:
    """Make the group, or bring it to what is wanted."""
    name, wanted = module.params["name"], target_group.wanted(module.params)
    group, found = read(client, name, wanted)
    refused = resource.unmanaged(module, "target_group", found) if "tags" in wanted else ""
    if refused := refused or "\n".join(target_group.immovable(name, found, wanted)):
        module.fail_json(msg=refused)
    if not (group or module.params["settings"] or module.check_mode):
        module.fail_json(msg=f"There is no target group `{name}`.")
    before, differs = found, resource.differing(found, wanted)
    if differs and not module.check_mode:
        if not group:
            group, found = create(client, name, wanted)
        change(client, group["TargetGroupArn"], found, wanted)
    before = {key: before[key] for key in differs if key in before}
    leave(module, group, bool(differs), before, {key: wanted[key] for key in differs})


def remove(module: AnsibleAWSModule, client: Any) -> None:
    """Delete the group if it is ours."""
    group, found = read(client, module.params["name"], target_group.wanted(module.params))
    if unmanaged := resource.unmanaged(module, "target_group", found):
        module.warn(f"{unmanaged} It is left alone.")
    mine = bool(group) and not unmanaged
    if mine and not module.check_mode:
        with suppress(client.exceptions.TargetGroupNotFoundException):
            USED(client.delete_target_group)(TargetGroupArn=group["TargetGroupArn"])
    leave(module, {}, mine, found, {})


def leave(
    module: AnsibleAWSModule, group: dict[str, Any], changed: bool, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """End the module with what there is now."""
    diff = resource.difference(f"target group {module.params['name']}", before, after) if changed else {}
    found = {"arn": group.get("TargetGroupArn", ""), "load_balancer_arns": group.get("LoadBalancerArns", [])}
    module.exit_json(changed=changed, **found, **diff)


def main() -> None:
    """Run the module."""
    target = {"id": {"type": "str", "required": True}, "port": {"type": "int", "required": True}}
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "settings": {"type": "dict"},
            "attributes": {"type": "dict"},
            "tags": {"type": "dict"},
            "targets": {"type": "list", "elements": "dict", "options": target},
        },
        required_by={"settings": ["tags"], "attributes": ["tags"]},
        required_if=[("state", "absent", ["tags"])],
        supports_check_mode=True,
    )
    client = module.client("elbv2", retry_decorator=NEW)
    try:
        {"present": ensure, "absent": remove}[module.params["state"]](module, client)
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        module.fail_json_aws(error, msg=f"Cannot make or delete the target group {module.params['name']}")


if __name__ == "__main__":
    main()
