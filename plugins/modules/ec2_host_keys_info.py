"""Ansible module: read the SSH host keys of EC2 instances from their consoles."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_host_keys_info
short_description: Read the SSH host keys of EC2 instances from their consoles
description:
  - cloud-init writes the SSH host keys of a new instance to its console, which EC2 hands out over its API.
    This module waits for them, so that the first login is checked already.
  - No module of another collection reads consoles.
version_added: 0.2.0
author: The mcp.aws maintainers
options:
  instance_ids:
    description: Ids of the instances.
    type: list
    elements: str
    required: true
  timeout:
    description: Seconds until the keys of all instances must be there.
    type: int
    default: 600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Read the SSH host keys from the console
  mcp.aws.ec2_host_keys_info:
    instance_ids: [i-0123456789abcdef0]
"""

RETURN = r"""
known_hosts:
  description: A line for each key, under the id of its instance. Log in with C(-o HostKeyAlias=<instance id>).
  returned: success
  type: list
  elements: str
  sample: [i-0123456789abcdef0 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI...]
"""

import time
from contextlib import suppress
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.mcp.aws.plugins.module_utils.aws import host_keys

with suppress(ImportError):  # AnsibleAWSModule says so
    import botocore.exceptions

INTERVAL = 3.0


def read_console(client: Any, instance_id: str) -> str:
    """Return the console's text: the newest where the instance type has it, else what EC2 kept of the boot."""
    try:
        return str(client.get_console_output(aws_retry=True, InstanceId=instance_id, Latest=True).get("Output", ""))
    except is_boto3_error_code("UnsupportedOperation"):
        return str(client.get_console_output(aws_retry=True, InstanceId=instance_id).get("Output", ""))


def wait_for_keys(module: AnsibleAWSModule, client: Any) -> dict[str, list[str]]:
    """Poll the consoles until each has its keys; fail with the last lines of one that has none at the deadline."""
    instance_ids, timeout = module.params["instance_ids"], module.params["timeout"]
    deadline = time.monotonic() + timeout
    while True:
        consoles = {instance_id: read_console(client, instance_id) for instance_id in instance_ids}
        found = {instance_id: host_keys.keys_in_console(text) for instance_id, text in consoles.items()}
        silent = [instance_id for instance_id in instance_ids if not found[instance_id]]
        if not silent:
            return found
        if time.monotonic() + INTERVAL > deadline:
            module.fail_json(
                msg=f"The console of {' and of '.join(silent)} showed no SSH host keys within {timeout} s. "
                "Did cloud-init run? Give a slow instance more time, or replace it. "
                f"The last lines of {silent[0]}:\n{host_keys.tail(consoles[silent[0]])}"
            )
        time.sleep(INTERVAL)


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "instance_ids": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    new_instance = AWSRetry.jittered_backoff(catch_extra_error_codes=["InvalidInstanceID.NotFound"])
    try:
        found = wait_for_keys(module, module.client("ec2", retry_decorator=new_instance))
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        module.fail_json_aws(error, msg="Cannot read the consoles of the instances")
    module.exit_json(known_hosts=[f"{instance_id} {key}" for instance_id, keys in found.items() for key in keys])


if __name__ == "__main__":
    main()
