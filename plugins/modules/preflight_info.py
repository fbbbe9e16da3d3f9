"""Ansible module: ask AWS everything that a run depends on, and list all problems at once."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_info
short_description: Find what stands in the way of a run on AWS
description:
  - Looks at region, endpoint, credentials, image, instance type and key pair.
  - Changes nothing, and does not fail for what it finds.
version_added: 0.1.0
author: The mcp.aws maintainers
options:
  image_id:
    description: Id of the image. Empty means the newest by O(image_owner) and O(image_name).
    type: str
    default: ""
  image_owner:
    description: Account that the image is taken from.
    type: str
    required: true
  image_name:
    description: Name of the image, with wildcards.
    type: str
    required: true
  instance_type:
    description: Size of the machine.
    type: str
    required: true
  key_name:
    description: Name of the EC2 key pair.
    type: str
    required: true
  key_file:
    description: Private key of the administrator on the control node.
    type: path
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ask AWS what stands in the way
  mcp.aws.preflight_info:
    image_owner: "136693071363"
    image_name: debian-12-amd64-*
    instance_type: t2.micro
    key_name: mcp
    key_file: ~/.ssh/mcp
"""

RETURN = r"""
problems:
  description: What stands in the way, with its remedy; nothing when empty.
  returned: always
  type: list
  elements: str
account_id:
  description: Number of the account, empty when it could not be asked.
  returned: always
  type: str
zones:
  description: Zones of the region that offer the instance type, sorted.
  returned: always
  type: list
  elements: str
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.mcp.aws.plugins.module_utils import preflight

with suppress(ImportError):  # AnsibleAWSModule says so
    import boto3
    import botocore.exceptions


class Examination:
    """The questions, and the problems that their answers reveal."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        self.clients: dict[str, Any] = {}  # making one costs a quarter of a second
        self.problems: list[str] = []
        self.account_id = ""
        self.zones: list[str] = []

    def ask(self, action: str, service: str, question: Callable[[Any], Any]) -> Any:
        """Return the answer of a service, or None and a problem more."""
        try:
            if service not in self.clients:
                self.clients[service] = self.module.client(service)
            return question(self.clients[service])
        except botocore.exceptions.ClientError as error:
            details = error.response.get("Error", {})
            self.problems.append(preflight.refusal(details.get("Code", ""), details.get("Message", ""), action))
        except botocore.exceptions.BotoCoreError as error:
            self.problems.append(preflight.no_answer(type(error).__name__, str(error), self.params["endpoint_url"]))
        return None

    def examine(self) -> None:
        """Ask from the ground up; what cannot be asked without the ground is left out."""
        session = boto3.session.Session()
        partitions = session.get_available_partitions()
        regions = [region for partition in partitions for region in session.get_available_regions("ec2", partition)]
        stranger = preflight.unknown_region(self.module.region, regions)
        if stranger:
            self.problems.append(stranger)
            return
        caller = self.ask("tell who is asking", "sts", lambda sts: sts.get_caller_identity())
        if caller:
            self.account_id = caller["Account"]
            self.image()
            self.instance_type()
            self.key_pair()

    def image(self) -> None:
        """Look for the image."""
        name, owner, image_id = self.params["image_name"], self.params["image_owner"], self.params["image_id"]
        filters = [{"Name": "image-id", "Values": [image_id]}] if image_id else [{"Name": "name", "Values": [name]}]
        owners = {} if image_id else {"Owners": [owner]}
        answer = self.ask("describe images", "ec2", lambda ec2: ec2.describe_images(Filters=filters, **owners))
        if answer and not answer["Images"]:
            wanted = f"`{image_id}`" if image_id else f"`{name}` of the account {owner}"
            self.problems.append(preflight.no_image(wanted, self.module.region))

    def instance_type(self) -> None:
        """Look for zones that offer the instance type."""
        filters = [{"Name": "instance-type", "Values": [self.params["instance_type"]]}]
        answer = self.ask(
            "describe instance types",
            "ec2",
            lambda ec2: ec2.describe_instance_type_offerings(LocationType="availability-zone", Filters=filters),
        )
        if answer:
            self.zones = sorted(offer["Location"] for offer in answer["InstanceTypeOfferings"])
            if not self.zones:
                self.problems.append(preflight.no_type(self.params["instance_type"], self.module.region))

    def key_pair(self) -> None:
        """Compare the key pair with the key on the control node."""
        name, file = self.params["key_name"], Path(self.params["key_file"])
        query = {"Filters": [{"Name": "key-name", "Values": [name]}], "IncludePublicKey": True}
        answer = self.ask("describe key pairs", "ec2", lambda ec2: ec2.describe_key_pairs(**query))
        public = Path(f"{file}.pub")
        local = public.read_text() if file.exists() and public.exists() else None
        remote = answer["KeyPairs"][0].get("PublicKey") if answer and answer["KeyPairs"] else None
        problem = preflight.key_pair(name, str(file), local, remote)
        if problem:
            self.problems.append(problem)


def main() -> None:
    """Run the module."""
    required = ("image_owner", "image_name", "instance_type", "key_name")
    spec: dict[str, Any] = {name: {"type": "str", "required": True} for name in required}
    spec["key_name"]["no_log"] = False
    spec["image_id"] = {"type": "str", "default": ""}
    spec["key_file"] = {"type": "path", "required": True, "no_log": False}
    module = AnsibleAWSModule(argument_spec=spec, supports_check_mode=True)
    examination = Examination(module)
    examination.examine()
    module.exit_json(
        changed=False, problems=examination.problems, account_id=examination.account_id, zones=examination.zones
    )


if __name__ == "__main__":
    main()
