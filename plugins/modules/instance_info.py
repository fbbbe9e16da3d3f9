"""Ansible module: compare the EC2 instances of a deployment with what they should be, all in one process."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_info
short_description: Compare EC2 instances with what they should be
description:
  - Finds the instances of an owner by a tag, with their volumes and elastic addresses, and compares them with what is
    wanted.
  - M(amazon.aws.ec2_instance) asks for each instance anew what this module asks once for all, and compares neither
    volumes nor addresses. What differs is then repaired with M(amazon.aws.ec2_instance), M(amazon.aws.ec2_vol) and
    M(amazon.aws.ec2_eip).
  - Changes nothing. Warns of what differs and cannot be repaired.
version_added: 0.2.0
author: The mcp.aws maintainers
options:
  tags:
    description:
      - Tags of the instances, their volumes and addresses.
      - The tag C(mcp:name) names their owner, who finds them by it.
    type: dict
    required: true
  names:
    description: Names that instances should bear. None of them is compared when it is empty.
    type: list
    elements: str
    default: []
  wanted:
    description: What each of the instances should be.
    type: dict
    suboptions:
      instance_type:
        description: Size of the machine.
        type: str
        required: true
      profile:
        description: Name or ARN of the instance profile. An empty one is not known yet.
        type: str
        required: true
      group_ids:
        description: Ids of the security groups. An empty one is not known yet.
        type: list
        elements: str
        required: true
      subnet_id:
        description: Id of the subnet. Empty when it is not known yet.
        type: str
        required: true
      key_name:
        description: Name of the key pair.
        type: str
        required: true
      termination_protection:
        description: Whether the instance is protected from termination.
        type: bool
        required: true
      metadata_options:
        description: Options of the metadata service, as M(amazon.aws.ec2_instance) names them.
        type: dict
        required: true
      volume_size:
        description: Size of the root volume in GiB.
        type: int
        required: true
      elastic_ip:
        description: Whether the instance has an elastic address.
        type: bool
        required: true
  timeout:
    description: Seconds to wait until all instances of O(names) run and have a public address. V(0) looks once.
    type: int
    default: 0
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
- name: Find every instance of the deployment
  mcp.aws.instance_info:
    tags: {"mcp:name": mcp-example}
  register: __found

- name: Wait until the instances run
  mcp.aws.instance_info:
    tags: {"mcp:name": mcp-example}
    names: [mcp-example, mcp-example-2]
    timeout: 600
"""

RETURN = r"""
instances:
  description:
    - An entry for each of O(names), in their order. Its C(instance_id) is empty when there is none.
  returned: success
  type: list
  elements: dict
  sample: [{name: mcp-example, instance_id: i-0123456789abcdef0, state: running, public_ip: 192.0.2.1}]
changes:
  description:
    - What differs from O(wanted), as lists C(instances), C(volumes) and C(addresses).
    - Each entry tells its instance as RV(instances) does, and the settings that are C(found) and C(wanted).
      Nothing is found where there is none.
  returned: success
  type: dict
  sample: {instances: [{name: mcp-example, found: {instance_type: t2.nano}, wanted: {instance_type: t2.micro}}]}
others:
  description: The owner's other instances, those too that are shutting down.
  returned: success
  type: list
  elements: dict
surplus_addresses:
  description: The owner's elastic addresses that nothing needs, with C(public_ip) and the C(instance_id) that has it.
  returned: success
  type: list
  elements: dict
leftover_volumes:
  description: Ids of the owner's volumes that stay when all instances are terminated. Asked for without O(names).
  returned: success
  type: list
  elements: str
"""

import time
from contextlib import suppress
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.mcp.aws.plugins.module_utils import instance_warnings
from ansible_collections.mcp.aws.plugins.module_utils import instances as logic

with suppress(ImportError):  # AnsibleAWSModule says so
    import botocore.exceptions

LIVING = ["pending", "running", "stopping", "stopped"]
# EC2 tells a new instance to all of its servers only after some seconds.
NOT_YET_KNOWN = ["InvalidInstanceID.NotFound", "InvalidVolume.NotFound"]


class Look:
    """One look at the owner's instances, volumes and addresses."""

    def __init__(self, ec2: Any, params: dict[str, Any]) -> None:
        """Ask EC2."""
        self.ec2, self.params = ec2, params
        self.tags = {str(key): str(value) for key, value in params["tags"].items()}
        self.owned = [{"Name": "tag:mcp:name", "Values": [self.tags["mcp:name"]]}]
        states = LIVING if params["names"] else [*LIVING, "shutting-down"]
        filters = [*self.owned, {"Name": "instance-state-name", "Values": states}]
        pages = ec2.get_paginator("describe_instances").paginate(Filters=filters).build_full_result()
        self.instances = [one for reservation in pages["Reservations"] for one in reservation["Instances"]]
        self.volumes = self._volumes()
        self.addresses = self._addresses()

    def _volumes(self) -> list[dict[str, Any]]:
        """Describe the volumes of the instances, or all of the owner's when nothing is compared."""
        if not self.params["names"]:
            return list(self.ec2.describe_volumes(Filters=self.owned)["Volumes"])
        mappings = [one for instance in self.instances for one in instance.get("BlockDeviceMappings", [])]
        ids = [one["Ebs"]["VolumeId"] for one in mappings if "Ebs" in one]
        return list(self.ec2.describe_volumes(VolumeIds=ids)["Volumes"]) if ids else []

    def _addresses(self) -> dict[str, dict[str, Any]]:
        """Describe the owner's elastic addresses, and those that somebody else gave the instances."""
        filters = [self.owned]
        if self.instances:
            filters.append([{"Name": "instance-id", "Values": [one["InstanceId"] for one in self.instances]}])
        answers = [self.ec2.describe_addresses(Filters=one)["Addresses"] for one in filters]
        return {address["AllocationId"]: address for answer in answers for address in answer}

    def found(self, instance: dict[str, Any]) -> logic.Found:
        """Return an instance with what belongs to it."""
        question = {"InstanceId": instance["InstanceId"], "Attribute": "disableApiTermination"}
        answer = self.ec2.describe_instance_attribute(**question)
        volumes = {volume["VolumeId"]: volume for volume in self.volumes}
        return logic.Found(instance, answer["DisableApiTermination"]["Value"], volumes, self.addresses.values())

    def answer(self) -> tuple[dict[str, Any], list[str]]:
        """Return the module's results and warnings."""
        given, others = logic.assign(self.params["names"], self.instances)
        found = {name: self.found(instance) if instance else None for name, instance in given.items()}
        changes, warnings = self.compare(found) if self.params["wanted"] else ({}, [])
        if given and (more := instance_warnings.beyond(others)):
            warnings.append(more)
        owned = [one for one in self.addresses.values() if logic.ours(logic.tags_of(one), self.tags)]
        elastic = bool(self.params["wanted"] and self.params["wanted"]["elastic_ip"])
        lacking = sum(1 for change in changes.get("addresses", []) if not change["found"])
        ids = [one["InstanceId"] for one in self.instances]
        return {
            "instances": [logic.describe(name, one) for name, one in found.items()],
            "changes": changes,
            "others": [logic.describe(logic.tags_of(one).get("Name", ""), self.found(one)) for one in others],
            "surplus_addresses": logic.surplus(owned, ids, lacking, elastic),
            "leftover_volumes": [] if given else logic.leftover(self.volumes, self.instances),
        }, warnings

    def compare(self, found: dict[str, logic.Found | None]) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
        """Return what differs, by kind, and what cannot be repaired."""
        wanted, warnings = self.params["wanted"], list[str]()
        changes: dict[str, list[dict[str, Any]]] = {"instances": [], "volumes": [], "addresses": []}
        for name, one in found.items():
            for kind, change in logic.changes(wanted, self.tags, name, one).items():
                changes[kind].append(change)
            warnings += instance_warnings.warnings(name, one, wanted, self.tags) if one else []
        return changes, warnings


def look(module: AnsibleAWSModule) -> tuple[dict[str, Any], list[str]]:
    """Look once, or until the instances run; fail at the deadline with what they are."""
    timeout, client = module.params["timeout"], module.client("ec2")
    once = AWSRetry.jittered_backoff(delay=1, catch_extra_error_codes=NOT_YET_KNOWN)(
        lambda: Look(client, module.params).answer()
    )
    deadline, interval = time.monotonic() + timeout, 1.0
    while True:
        results, warnings = once()
        late = [one for one in results["instances"] if one["state"] != "running" or not one["public_ip"]]
        if not late or not timeout:
            return results, warnings
        if time.monotonic() + interval > deadline:
            states = ", ".join(f"{one['name']} ({one['instance_id']}) is {one['state'] or 'absent'}" for one in late)
            module.fail_json(
                msg=f"Within {timeout} s not every instance ran and had a public address: {states}. "
                "Look at the instance's state in EC2, or give it more time with instance_boot_timeout."
            )
        time.sleep(interval)
        interval = min(interval * 1.3, 10)


def main() -> None:
    """Run the module."""
    texts = ("instance_type", "profile", "subnet_id", "key_name")
    wanted: dict[str, Any] = {name: {"type": "str", "required": True} for name in texts}
    wanted["key_name"]["no_log"] = False
    wanted |= {
        "group_ids": {"type": "list", "elements": "str", "required": True},
        "termination_protection": {"type": "bool", "required": True},
        "metadata_options": {"type": "dict", "required": True},
        "volume_size": {"type": "int", "required": True},
        "elastic_ip": {"type": "bool", "required": True},
    }
    module = AnsibleAWSModule(
        argument_spec={
            "tags": {"type": "dict", "required": True},
            "names": {"type": "list", "elements": "str", "default": []},
            "wanted": {"type": "dict", "options": wanted},
            "timeout": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    if not module.params["tags"].get("mcp:name"):
        module.fail_json(msg="The tags have no mcp:name, which names the owner of the instances.")
    try:
        results, warnings = look(module)
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        module.fail_json_aws(error, msg="Cannot look at the instances")
    for warning in warnings if not module.params["timeout"] else []:
        module.warn(warning)
    module.exit_json(changed=False, **results)


if __name__ == "__main__":
    main()
