"""Ansible module: take the SSH host keys of EC2 instances from their consoles into a known_hosts file."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_host_keys
short_description: Pin the SSH host keys of EC2 instances from their consoles
description:
  - cloud-init writes the SSH host keys of a new instance to its console, which EC2 hands out over its API.
    This module waits for them and writes them to a C(known_hosts) file, so that the first login is checked already.
  - Nothing is asked of AWS about instances that the file has keys for. In check mode it says that it would pin them.
version_added: 0.1.0
author: The mcp.aws maintainers
options:
  instance_ids:
    description:
      - Ids of the instances, which are also the names of their entries. Log in with C(-o HostKeyAlias=<instance id>).
      - One alone may be given as a string.
    type: list
    elements: str
    required: true
    aliases: [instance_id]
  path:
    description: The C(known_hosts) file on the control node. It is made when absent, with its folder.
    type: path
    required: true
  state:
    description: V(absent) forgets the keys without asking AWS, and removes a file that has no entry left.
    type: str
    choices: [present, absent]
    default: present
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
- name: Pin the host keys
  mcp.aws.ec2_host_keys:
    instance_ids: [i-0123456789abcdef0, i-0123456789abcdef1]
    path: ~/.ssh/known_hosts

- name: Forget the host keys
  mcp.aws.ec2_host_keys:
    instance_ids: [i-0123456789abcdef0]
    path: ~/.ssh/known_hosts
    state: absent
"""

RETURN = r"""
keys:
  description: The pinned keys, kind and data, by instance id. Empty in check mode while they are not pinned.
  returned: success
  type: dict
  sample: {i-0123456789abcdef0: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI...]}
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
from ansible_collections.mcp.aws.plugins.module_utils.aws import host_keys

with suppress(ImportError):  # AnsibleAWSModule says so
    import botocore.exceptions


def read_console(client: Any, instance_id: str) -> str:
    """Return the console's text: the newest where the instance type has it, else what EC2 kept of the boot."""
    try:
        return str(client.get_console_output(aws_retry=True, InstanceId=instance_id, Latest=True).get("Output", ""))
    except is_boto3_error_code("UnsupportedOperation"):
        return str(client.get_console_output(aws_retry=True, InstanceId=instance_id).get("Output", ""))


def read_consoles(module: AnsibleAWSModule, client: Any, instance_ids: list[str]) -> dict[str, str]:
    """Return the consoles' texts by instance id."""
    consoles = {}
    for instance_id in instance_ids:
        try:
            consoles[instance_id] = read_console(client, instance_id)
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            module.fail_json_aws(error, msg=f"Cannot read the console of {instance_id}")
    return consoles


def wait_for_keys(module: AnsibleAWSModule, instance_ids: list[str]) -> dict[str, list[str]]:
    """Poll the consoles until each has its keys; fail with the last lines of one that has none at the deadline."""
    new_instance = AWSRetry.jittered_backoff(catch_extra_error_codes=["InvalidInstanceID.NotFound"])
    client = module.client("ec2", retry_decorator=new_instance)
    timeout = module.params["timeout"]
    deadline, interval = time.monotonic() + timeout, 1.0
    found: dict[str, list[str]] = {}
    while True:
        consoles = read_consoles(module, client, [each for each in instance_ids if each not in found])
        found |= {each: keys for each, text in consoles.items() if (keys := host_keys.keys_in_console(text))}
        silent = [each for each in instance_ids if each not in found]
        if not silent:
            return found
        if time.monotonic() + interval > deadline:
            module.fail_json(
                msg=f"The console of {' and of '.join(silent)} showed no SSH host keys within {timeout} s. "
                "Did cloud-init run? Give a slow instance more time, or replace it. "
                f"The last lines of {silent[0]}:\n{host_keys.tail(consoles[silent[0]])}"
            )
        time.sleep(interval)
        interval = min(interval * 1.3, 10)


def write(path: Path, content: str) -> None:
    """Replace the file in one step, readable by its owner alone; remove it when nothing is left."""
    if not content.strip():
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    Path(draft).replace(path)


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "instance_ids": {"type": "list", "elements": "str", "required": True, "aliases": ["instance_id"]},
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    path, instance_ids = Path(module.params["path"]), module.params["instance_ids"]
    content = path.read_text() if path.exists() else ""
    keys = {instance_id: host_keys.keys_of(content, instance_id) for instance_id in instance_ids}
    known = [instance_id for instance_id in instance_ids if keys[instance_id]]
    if module.params["state"] == "absent":
        if known and not module.check_mode:
            write(path, host_keys.remove(content, known))
        module.exit_json(changed=bool(known), keys={})

    missing = [instance_id for instance_id in instance_ids if instance_id not in known]
    if missing and not module.check_mode:
        found = wait_for_keys(module, missing)
        for instance_id in missing:
            content = host_keys.add(content, instance_id, found[instance_id])
        write(path, content)
        keys |= found
    module.exit_json(changed=bool(missing), keys=keys)


if __name__ == "__main__":
    main()
