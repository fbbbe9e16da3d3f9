"""Ansible module: check everything in AWS that a run depends on, and list all errors at once."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_preflight_info
short_description: Check everything in AWS that a run depends on
description:
  - Looks at region, endpoint, credentials, zones, image, instance type, key pair, address range, certificate,
    quotas (VPCs, Elastic IP addresses, vCPUs), and whether names are free or owned by this deployment.
  - A quota that cannot be asked is noted; what is there already wants none.
  - Asks several things at a time. Changes nothing, and does not fail for what it finds.
version_added: 0.1.0
author: The mcp.aws maintainers
options:
  settings:
    description:
      - Values of the roles' variables by name, as the playbook C(preflight) gives them.
      - What needs one that is not there is not looked at.
      - C(mcp_tags) holds the tag C(mcp:name), which names the owner of everything.
    type: dict
    required: true
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
- name: Query AWS
  mcp.aws.aws_preflight_info:
    settings:
      mcp_name: mcp
      mcp_tags: {"mcp:name": mcp}
      instance_type: t2.micro
      network_cidr: 10.20.0.0/16
"""

RETURN = r"""
problems:
  description: The errors, each with its remedy.
  returned: always
  type: list
  elements: str
notes:
  description: What should be known, but stops nothing.
  returned: always
  type: list
  elements: str
checked:
  description: What was looked at.
  returned: always
  type: list
  elements: str
  sample: [region, credentials, key pair, 11 names]
account_id:
  description: Number of the account, empty when it could not be asked.
  returned: always
  type: str
region:
  description: The region that was asked.
  returned: always
  type: str
zones:
  description: Zones of the region that offer the instance type, sorted.
  returned: always
  type: list
  elements: str
image:
  description: Newest image for instances that are yet to come, empty when there are none.
  returned: always
  type: dict
  sample: {image_id: ami-0123456789abcdef0, root_device_name: /dev/xvda}
"""

from contextlib import suppress
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.mcp.aws.plugins.module_utils.aws.clients import clients
from ansible_collections.mcp.aws.plugins.module_utils.preflight import errors as preflight
from ansible_collections.mcp.aws.plugins.module_utils.preflight.questions import Examination, Refused, perform

with suppress(ImportError):  # AnsibleAWSModule says so
    import boto3


def strange_region(region: str) -> str | None:
    """Say that AWS has no such region, None when it has."""
    session = boto3.session.Session()
    partitions = session.get_available_partitions()
    return preflight.unknown_region(
        region, {name for partition in partitions for name in session.get_available_regions("ec2", partition)}
    )


def examine(module: AnsibleAWSModule) -> dict[str, Any]:
    """Ask from the ground up: without region and credentials that work there is no point in the others."""
    found: dict[str, Any] = {"problems": [], "notes": [], "checked": [], "account_id": "", "zones": [], "image": {}}
    stranger = strange_region(module.region)
    if stranger:
        return found | {"problems": [stranger]}
    examination = Examination(clients(module), module.params["settings"], module.region, module.params["endpoint_url"])
    try:
        examination.caller()
    except Refused as refusal:
        return found | {"problems": [str(refusal)]}
    checks, names = examination.checks(), examination.name_checks()
    problems, notes = perform([*checks.values(), *names])
    return {
        "problems": problems,
        "notes": notes,
        "checked": ["region", "credentials", *checks, f"{len(names)} names"],
        "account_id": examination.account_id,
        "zones": examination.zones,
        "image": examination.image_found,
    }


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec={"settings": {"type": "dict", "required": True}}, supports_check_mode=True)
    module.exit_json(changed=False, region=module.region, **examine(module))


if __name__ == "__main__":
    main()
