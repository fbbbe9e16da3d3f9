"""Ansible module: a CloudWatch dashboard, for which no collection has a module."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_dashboard
short_description: Make or delete a CloudWatch dashboard that bears tags
description:
  - Compares the dashboard's body as data, so that neither the order of keys nor white space makes a change.
  - A dashboard under this name without the owner's tag is somebody else's. It is neither changed nor deleted.
  - Dashboards belong to the account, not to a region.
version_added: 0.2.0
author: The mcp.aws maintainers
options:
  name:
    description: Name of the dashboard, out of letters, digits, dashes and underscores.
    type: str
    required: true
  state:
    description: Whether the dashboard should be there.
    type: str
    choices: [present, absent]
    default: present
  body:
    description:
      - The dashboard's content in the form of CloudWatch. Required where the dashboard should be there.
      - The form is U(https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html).
    type: dict
  tags:
    description: The tags, exactly these; C(mcp:name), which names the owner, among them.
    type: dict
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Tells what a real run would change, except what CloudWatch finds wrong with a body.
    support: full
  diff_mode:
    description: Shows body and tags before and after.
    support: full
"""

EXAMPLES = r"""
- name: Show the load of an instance
  mcp.aws.cloudwatch_dashboard:
    name: mcp-example
    tags: {"mcp:name": mcp-example}
    body:
      widgets:
        - type: metric
          x: 0
          y: 0
          width: 12
          height: 6
          properties:
            title: CPU
            region: eu-central-1
            period: 300
            stat: Average
            metrics: [[AWS/EC2, CPUUtilization, InstanceId, i-0123456789abcdef0]]

- name: Delete it
  mcp.aws.cloudwatch_dashboard:
    name: mcp-example
    tags: {"mcp:name": mcp-example}
    state: absent
"""

RETURN = r"""
arn:
  description: Its ARN. Empty while there is no dashboard.
  returned: success
  type: str
  sample: arn:aws:cloudwatch::123456789012:dashboard/mcp-example
messages:
  description: What CloudWatch remarks on a body that it takes all the same; each is a warning too.
  returned: success
  type: list
  elements: str
diff:
  description: Body and tags before and after.
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
from ansible_collections.mcp.aws.plugins.module_utils.aws import dashboard, resource
from ansible_collections.mcp.aws.plugins.module_utils.aws.clients import THROTTLED

with suppress(ImportError):  # AnsibleAWSModule says so
    import botocore.exceptions

ABSENT = ["ResourceNotFound", "DashboardNotFoundError"]


def read(client: Any, name: str) -> tuple[str, dict[str, Any]]:
    """Return a dashboard's ARN, body and tags; all are empty when there is none."""
    try:
        answer = client.get_dashboard(DashboardName=name, aws_retry=True)
    except is_boto3_error_code(ABSENT):
        return "", {}
    arn = answer["DashboardArn"]
    tags = client.list_tags_for_resource(ResourceARN=arn, aws_retry=True)["Tags"]
    return arn, {"body": dashboard.parse(answer["DashboardBody"]), "tags": boto3_tag_list_to_ansible_dict(tags)}


def write(client: Any, name: str, arn: str, found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Set what differs and return CloudWatch's remarks; it takes the tags with a body only where that is new."""
    differs, tags = resource.differing(found, wanted), ansible_dict_to_boto3_tag_list(wanted["tags"])
    remarks = []
    if "body" in differs:
        new = {} if found else {"Tags": tags}
        body = dashboard.render(wanted["body"])
        remarks = client.put_dashboard(DashboardName=name, DashboardBody=body, **new, aws_retry=True)
        remarks = [each["Message"] for each in remarks.get("DashboardValidationMessages", [])]
    if found and "tags" in differs:
        client.tag_resource(ResourceARN=arn, Tags=tags, aws_retry=True)
        if extra := sorted(found["tags"].keys() - wanted["tags"].keys()):
            client.untag_resource(ResourceARN=arn, TagKeys=extra, aws_retry=True)
    return remarks


def remove(client: Any, name: str) -> None:
    """Delete a dashboard that may have gone meanwhile."""
    try:
        client.delete_dashboards(DashboardNames=[name], aws_retry=True)
    except is_boto3_error_code(ABSENT):
        return


def ensure(module: AnsibleAWSModule, client: Any) -> dict[str, Any]:
    """Bring the dashboard to what is wanted and return the module's results."""
    name, absent, tags = (
        module.params["name"],
        module.params["state"] == "absent",
        resource.texts(module.params["tags"]),
    )
    arn, found = read(client, name)
    wanted = {} if absent else {"body": module.params["body"], "tags": tags}
    if unmanaged := resource.unmanaged(module, "dashboard", found):
        if not absent:
            module.fail_json(msg=unmanaged)
        module.warn(f"{unmanaged} It is left alone.")
        return {"changed": False, "arn": arn, "messages": []}
    changed, remarks = bool(found if absent else resource.differing(found, wanted)), []
    if changed and not module.check_mode:
        if absent:
            remove(client, name)
        else:
            remarks = write(client, name, arn, found, wanted)
            arn = arn or read(client, name)[0]
    result = {"changed": changed, "arn": "" if absent else arn, "messages": remarks}
    if changed:
        result |= resource.difference(f"dashboard {name}", found, wanted)
    return result


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "body": {"type": "dict"},
            "tags": {"type": "dict", "required": True},
        },
        required_if=[("state", "present", ["body"])],
        supports_check_mode=True,
    )
    patient = AWSRetry.jittered_backoff(delay=1, max_delay=20, catch_extra_error_codes=THROTTLED)
    client = module.client("cloudwatch", retry_decorator=patient)
    try:
        result = ensure(module, client)
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        module.fail_json_aws(error, msg=f"Cannot make or delete the dashboard {module.params['name']}")
    for remark in result["messages"]:
        module.warn(f"CloudWatch on dashboard {module.params['name']}: {remark}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
