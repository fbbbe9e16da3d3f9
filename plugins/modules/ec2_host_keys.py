"""Ansible module: take an EC2 instance's SSH host keys from its console into a known_hosts file."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_host_keys
short_description: Pin the SSH host keys of an EC2 instance from its console
description:
  - cloud-init writes the SSH host keys of a new instance to its console, which EC2 hands out over its API.
    This module waits for them and writes them to a C(known_hosts) file, so that the first login is checked already.
  - Nothing is asked of AWS when the file has keys for the instance. In check mode it says that it would pin them.
version_added: 0.1.0
author: The mcp.aws maintainers
options:
  instance_id:
    description: Id of the instance, which is also the name of its entry. Log in with C(-o HostKeyAlias=<instance_id>).
    type: str
    required: true
  path:
    description: The C(known_hosts) file on the control node. It is made when absent, with its folder.
    type: path
    required: true
  timeout:
    description: Seconds until the keys must be there.
    type: int
    default: 600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Pin the host keys
  mcp.aws.ec2_host_keys:
    instance_id: i-0123456789abcdef0
    path: ~/.ssh/known_hosts
"""

RETURN = r"""
keys:
  description: The pinned keys, kind and data. Empty in check mode while they are not pinned.
  returned: success
  type: list
  elements: str
  sample: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI...]
"""

import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.mcp.aws.plugins.module_utils.host_keys import add, keys_in_console, keys_of, tail

with suppress(ImportError):  # AnsibleAWSModule says so
    import botocore.exceptions


def read_console(client: Any, instance_id: str) -> str:
    """Return the console's text: the newest where the instance type has it, else what EC2 kept of the boot."""
    try:
        return str(client.get_console_output(aws_retry=True, InstanceId=instance_id, Latest=True).get("Output", ""))
    except is_boto3_error_code("UnsupportedOperation"):
        return str(client.get_console_output(aws_retry=True, InstanceId=instance_id).get("Output", ""))


def wait_for_keys(module: AnsibleAWSModule) -> list[str]:
    """Poll the console until it has the keys; fail with its last lines at the deadline."""
    new_instance = AWSRetry.jittered_backoff(catch_extra_error_codes=["InvalidInstanceID.NotFound"])
    client = module.client("ec2", retry_decorator=new_instance)
    instance_id, timeout = module.params["instance_id"], module.params["timeout"]
    deadline, interval = time.monotonic() + timeout, 1.0
    while True:
        try:
            console = read_console(client, instance_id)
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            module.fail_json_aws(error, msg=f"Cannot read the console of {instance_id}")
        keys = keys_in_console(console)
        if keys:
            return keys
        if time.monotonic() + interval > deadline:
            module.fail_json(
                msg=f"The console of {instance_id} showed no SSH host keys within {timeout} s. Did cloud-init run? "
                f"Give a slow instance more time, or replace it. The console's last lines:\n{tail(console)}"
            )
        time.sleep(interval)
        interval = min(interval * 1.3, 10)


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "instance_id": {"type": "str", "required": True},
            "path": {"type": "path", "required": True},
            "timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    path, alias = Path(module.params["path"]), module.params["instance_id"]
    content = path.read_text() if path.exists() else ""
    keys = keys_of(content, alias)
    if keys or module.check_mode:
        module.exit_json(changed=not keys, keys=keys)

    keys = wait_for_keys(module)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(add(content, alias, keys))
    Path(draft).replace(path)
    module.exit_json(changed=True, keys=keys)


if __name__ == "__main__":
    main()
