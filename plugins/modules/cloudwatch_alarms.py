"""Ansible module: all CloudWatch alarms of one owner, with their tags, in one call."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_alarms
short_description: Keep exactly these CloudWatch alarms
description:
  - Makes, changes and deletes metric alarms, so that an owner has those of the list and no others.
  - M(amazon.aws.cloudwatch_metric_alarm) knows no tags, so that nobody could tell whose an alarm is. It puts an alarm
    of metric math anew at each run, and does not see that somebody has disabled an alarm's actions.
  - An alarm under a wanted name without the owner's tag is somebody else's. Then the module fails and changes nothing.
version_added: 0.2.0
author: The mcp.aws maintainers
options:
  prefix:
    description: What the names of all these alarms begin with. Ours under this prefix that are not listed are deleted.
    type: str
    required: true
  alarms:
    description: The alarms in the words of PutMetricAlarm, without C(Tags). An empty list deletes all of the owner.
    type: list
    elements: dict
    default: []
  tags:
    description: The tags of each, exactly these; C(mcp:name), which names the owner, among them.
    type: dict
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
    description: Shows the alarms that change before and after.
    support: full
"""

EXAMPLES = r"""
- name: Keep one alarm
  mcp.aws.cloudwatch_alarms:
    prefix: mcp-example-
    tags: {"mcp:name": mcp-example}
    alarms:
      - AlarmName: mcp-example-cpu
        Namespace: AWS/EC2
        MetricName: CPUUtilization
        Dimensions: [{Name: InstanceId, Value: i-0123456789abcdef0}]
        Statistic: Average
        Period: 300
        EvaluationPeriods: 3
        Threshold: 80
        ComparisonOperator: GreaterThanThreshold

- name: Keep none
  mcp.aws.cloudwatch_alarms:
    prefix: mcp-example-
    tags: {"mcp:name": mcp-example}
"""

RETURN = r"""
changes:
  description: What happened to which alarms, or would in check mode. One whose tags alone changed counts as changed.
  returned: success
  type: dict
  contains:
    created: {description: Names of new alarms., type: list, elements: str}
    changed: {description: Names of alarms that were put or tagged anew., type: list, elements: str}
    deleted: {description: Names of alarms that are gone., type: list, elements: str}
  sample: {created: [mcp-example-cpu], changed: [], deleted: []}
names:
  description: Names of the alarms that there are now. In check mode those that a real run would delete are among them.
  returned: success
  type: list
  elements: str
diff:
  description: The alarms that change before and after.
  returned: when something changes
  type: dict
"""

from contextlib import suppress
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
    boto3_tag_list_to_ansible_dict,
)
from ansible_collections.mcp.aws.plugins.module_utils.aws import alarms, ownership, resource

with suppress(ImportError):  # AnsibleAWSModule says so
    import botocore.exceptions

PATIENT = AWSRetry.jittered_backoff(delay=1, max_delay=20, catch_extra_error_codes=["ThrottlingException"])
NAMES_A_REQUEST = 100


def read(client: Any, prefix: str) -> dict[str, alarms.Alarm]:
    """Return the alarms whose names begin so."""
    pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"])
    found = {}
    for alarm in PATIENT(pages.build_full_result)().get("MetricAlarms", []):
        tags = client.list_tags_for_resource(ResourceARN=alarm["AlarmArn"], aws_retry=True)["Tags"]
        mine = alarms.Alarm(alarms.settings(alarm), boto3_tag_list_to_ansible_dict(tags), alarm["AlarmArn"])
        found[alarm["AlarmName"]] = mine
    return found


def apply(
    client: Any, todo: alarms.Plan, wanted: dict[str, Any], found: dict[str, alarms.Alarm], tags: dict[str, str]
) -> None:
    """Do what was planned; CloudWatch takes the tags with an alarm only where it is new."""
    tag_list = ansible_dict_to_boto3_tag_list(tags)
    for name in todo.put:
        new = {} if name in found else {"Tags": tag_list}
        client.put_metric_alarm(**wanted[name], **new, aws_retry=True)
    for name in todo.tag:
        arn, extra = found[name].arn, sorted(found[name].tags.keys() - tags)
        client.tag_resource(ResourceARN=arn, Tags=tag_list, aws_retry=True)
        if extra:
            client.untag_resource(ResourceARN=arn, TagKeys=extra, aws_retry=True)
    for start in range(0, len(todo.delete), NAMES_A_REQUEST):
        client.delete_alarms(AlarmNames=todo.delete[start : start + NAMES_A_REQUEST], aws_retry=True)


def ensure(module: AnsibleAWSModule, client: Any) -> dict[str, Any]:
    """Bring the alarms to what is wanted and return the module's results."""
    prefix, owner, tags = module.params["prefix"], resource.owner_of(module), resource.texts(module.params["tags"])
    if wrong := alarms.mistakes(module.params["alarms"], prefix):
        module.fail_json(msg="\n".join(wrong))
    wanted = {alarm["AlarmName"]: alarms.settings(alarm) for alarm in module.params["alarms"]}
    found = read(client, prefix)
    todo = alarms.plan(wanted, found, tags)
    if todo.foreign:
        unmanaged = {"alarms": {name: found[name].tags for name in todo.foreign}}
        module.fail_json(msg="\n".join(ownership.foreign(unmanaged, owner)))
    changed = bool(todo.put or todo.tag or todo.delete)
    if changed and not module.check_mode:
        apply(client, todo, wanted, found, tags)
    touched = {*todo.put, *todo.tag}
    changes = {"created": sorted(touched - found.keys()), "changed": sorted(touched & found.keys())}
    there = found.keys() if module.check_mode else (found.keys() | wanted.keys()) - set(todo.delete)
    result = {"changed": changed, "changes": changes | {"deleted": todo.delete}, "names": sorted(there)}
    if changed:
        result |= resource.difference(f"alarms {prefix}*", todo.before, todo.after)
    return result


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "prefix": {"type": "str", "required": True},
            "alarms": {"type": "list", "elements": "dict", "default": []},
            "tags": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    client = module.client("cloudwatch", retry_decorator=PATIENT)
    try:
        result = ensure(module, client)
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        module.fail_json_aws(error, msg=f"Cannot keep the alarms {module.params['prefix']}*")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
