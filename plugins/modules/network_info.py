"""Ansible module: compare the network of a deployment with what it should be, all in one process."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: network_info
short_description: Compare a network with what it should be
description:
  - Finds the VPC of an owner by a tag, with its internet gateway, subnets, security groups, route tables and endpoints,
    and compares them with what is wanted.
  - The C(*_info) modules of C(amazon.aws) would ask one after another, and compare nothing. What differs is then
    repaired with modules of C(amazon.aws), which need not run where all is right.
  - Ours is what bears the tag C(mcp:name). A part that lost it is known by our VPC's gateway, a subnet's range, the
    route table's name and the endpoint's route table.
  - Changes nothing.
version_added: 0.2.0
author: The mcp.aws maintainers
options:
  tags:
    description:
      - Tags of the network and all that belongs to it. C(Name) is added to them.
      - The tag C(mcp:name) names their owner, who finds them by it.
    type: dict
    required: true
  wanted:
    description: What the network should be. Nothing is compared without it.
    type: dict
    suboptions:
      name:
        description: Name of the VPC, and the stem of every other name.
        type: str
        required: true
      cidr:
        description: Range of the VPC.
        type: str
        required: true
      subnets:
        description: Ranges of the subnets.
        type: list
        elements: str
        required: true
      zones:
        description: Availability zones of the subnets, in their order. Empty means the first of O(wanted.candidates).
        type: list
        elements: str
        required: true
      candidates:
        description: Zones to choose from. Empty means all that the region has.
        type: list
        elements: str
        required: true
      service:
        description: Service name of the S3 endpoint.
        type: str
        required: true
      policy:
        description: Policy of the S3 endpoint.
        type: dict
        required: true
      groups:
        description:
          - Security groups by the ends of their names.
          - Each has the rules C(in) and C(out), as M(amazon.aws.ec2_security_group) takes them.
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
- name: Look for what is ours, and what others put into our VPC
  mcp.aws.network_info:
    tags: {"mcp:name": mcp-example}
  register: __look

- name: Refuse to go on while something of others lies there
  ansible.builtin.assert:
    that: __look.plan.strangers | length == 0
"""

RETURN = r"""
plan:
  description:
    - C(ours) and C(strangers), by its kind what bears the tag, and ids of what others put into the VPC.
    - With O(wanted) also C(vpc), C(gateway), C(table) and C(endpoint) with C(id) (empty when there is none), C(right)
      and C(tags); C(subnets), a list of the same, C(zones), one for each of them, C(groups) by the keys of
      O(wanted.groups), and C(conflicts), sentences about what cannot be set right.
  returned: success
  type: dict
  sample: {vpc: {id: vpc-0123456789abcdef0, right: true, tags: {"mcp:name": mcp-example, Name: mcp-example}}}
right:
  description: Whether nothing differs from O(wanted).
  returned: when O(wanted) is given
  type: bool
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.mcp.aws.plugins.module_utils.aws.clients import THROTTLED
from ansible_collections.mcp.aws.plugins.module_utils.network_plan import is_right, network_plan

with suppress(ImportError):  # AnsibleAWSModule says so
    import botocore.exceptions

# EC2 tells a new VPC to all of its servers only after some seconds.
PATIENT = AWSRetry.jittered_backoff(delay=1, catch_extra_error_codes=["InvalidVpcID.NotFound", *THROTTLED])
# What lies in a VPC, by what the comparison calls it.
PARTS = {
    "subnets": "subnets",
    "groups": "security_groups",
    "tables": "route_tables",
    "endpoints": "vpc_endpoints",
}
Filters = Mapping[str, list[str]]


class Look:
    """One look at the owner's network."""

    def __init__(self, ec2: Any, params: Mapping[str, Any]) -> None:
        self.ec2, self.wanted = ec2, params["wanted"]
        self.owned = {"tag:mcp:name": [str(params["tags"]["mcp:name"])]}

    def found(self) -> dict[str, list[Any]]:
        """Ask EC2, side by side where no question needs the answer of another."""
        with ThreadPoolExecutor() as threads:
            gateways = threads.submit(self.ask, "internet_gateways", self.owned)
            vpcs = self.ask("vpcs", self.owned)
            inside = {"vpc-id": [vpc["vpc_id"] for vpc in vpcs]}
            asked = {name: threads.submit(self.ask, what, inside) for name, what in PARTS.items() if vpcs}
            dns = [vpc | attributes for vpc, attributes in zip(vpcs, threads.map(self.dns, vpcs), strict=True)]
            found = {name: answer.result() for name, answer in asked.items()}
        found |= {"vpcs": dns, "gateways": gateways.result()}
        return found | (self.beside(found) if self.wanted else {})

    @PATIENT
    def dns(self, vpc: Mapping[str, Any]) -> dict[str, Any]:
        """Return the attributes of a VPC that its description does not tell."""
        support, hostnames = (
            self.ec2.describe_vpc_attribute(VpcId=vpc["vpc_id"], Attribute=name)
            for name in ("enableDnsSupport", "enableDnsHostnames")
        )
        return {
            "enable_dns_support": support["EnableDnsSupport"]["Value"],
            "enable_dns_hostnames": hostnames["EnableDnsHostnames"]["Value"],
        }

    def beside(self, found: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
        """Return what only matters where something is missing: a VPC like ours, and the zones of the region."""
        more: dict[str, list[Any]] = {}
        if not found["vpcs"]:
            more["twins"] = self.ask("vpcs", {"tag:Name": [self.wanted["name"]], "cidr": [self.wanted["cidr"]]})
        if not (self.wanted["zones"] or self.wanted["candidates"]) and len(found.get("subnets", [])) < 2:
            more["zones"] = self.zones()
        return more

    @PATIENT
    def zones(self) -> list[str]:
        """Return the names of the region's zones."""
        filters = filter_list({"state": ["available"], "zone-type": ["availability-zone"]})
        return [zone["ZoneName"] for zone in self.ec2.describe_availability_zones(Filters=filters)["AvailabilityZones"]]

    @PATIENT
    def ask(self, what: str, filters: Filters) -> list[dict[str, Any]]:
        """Return descriptions with keys in snake case, and tags as a dictionary."""
        pages = self.ec2.get_paginator(f"describe_{what}").paginate(Filters=filter_list(filters))
        answer = pages.build_full_result()[what.title().replace("_", "")]
        return [
            camel_dict_to_snake_dict(one) | {"tags": {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])}}
            for one in answer
        ]


def filter_list(filters: Filters) -> list[dict[str, Any]]:
    """Return filters in the form of EC2."""
    return [{"Name": name, "Values": values} for name, values in filters.items()]


def main() -> None:
    """Run the module."""
    options: dict[str, Any] = {name: {"type": "str", "required": True} for name in ("name", "cidr", "service")}
    lists = ("subnets", "zones", "candidates")
    options |= {name: {"type": "list", "elements": "str", "required": True} for name in lists}
    options |= {name: {"type": "dict", "required": True} for name in ("policy", "groups")}
    module = AnsibleAWSModule(
        argument_spec={
            "tags": {"type": "dict", "required": True},
            "wanted": {"type": "dict", "options": options},
        },
        supports_check_mode=True,
    )
    if not module.params["tags"].get("mcp:name"):
        module.fail_json(msg="The tags have no mcp:name, which names the owner of the network.")
    try:
        found = Look(module.client("ec2"), module.params).found()
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        module.fail_json_aws(error, msg="Cannot look at the network")
    wanted = module.params["wanted"]
    plan = network_plan(found, module.params["tags"], wanted)
    module.exit_json(changed=False, plan=plan, **({"right": is_right(plan)} if wanted else {}))


if __name__ == "__main__":
    main()
