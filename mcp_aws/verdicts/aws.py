"""What the playbooks that work on AWS find out: preflight, provision, rotate_secrets, teardown."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_aws.text import count
from mcp_aws.verdicts.reading import AnyVerdict, listed


@dataclass(frozen=True)
class Preflight(AnyVerdict, schema="mcp.aws/preflight/1"):
    """The errors that preflight found, and notes that stop nothing; `checked` names what was checked.

    `account_id` is empty when AWS could not be asked, `image_id` when every instance is there already.
    """

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()
    account_id: str = ""
    region: str = ""
    zones: tuple[str, ...] = ()
    image_id: str = ""

    @classmethod
    def judged(cls, known: Mapping[str, Any]) -> bool:
        """Whether there are no errors."""
        return not known.get("problems")

    @property
    def words(self) -> str:
        """How many problems there are, or where there are none."""
        if self.problems:
            return f"{count(len(self.problems), 'problem')}: {self.problems[0].strip().partition(chr(10))[0] or '?'}"
        return f"all checks passed in account {self.account_id or '?'}, {self.region}"


@dataclass(frozen=True)
class Instance:
    """One EC2 instance. `state` and `type` are in AWS's words, as `running` and `t2.micro`."""

    instance_id: str
    name: str = ""
    state: str = ""
    type: str = ""
    zone: str = ""
    public_ip: str = ""
    private_ip: str = ""
    image_id: str = ""


@dataclass(frozen=True)
class Provision(AnyVerdict, schema="mcp.aws/provision/1"):
    """What there is in AWS. What does not exist, as in check mode on an empty account, is empty.

    `repository` is the URI that images are pushed to; `bucket`, `log_group`, `alarms` and `key_name` are names.
    """

    account_id: str = ""
    region: str = ""
    vpc_id: str = ""
    subnet_ids: tuple[str, ...] = ()
    instances: tuple[Instance, ...] = ()
    load_balancer_arn: str = ""
    load_balancer_dns_name: str = ""
    target_group_arn: str = ""
    bucket: str = ""
    repository: str = ""
    log_group: str = ""
    role_arn: str = ""
    topic_arn: str = ""
    dashboard_arn: str = ""
    alarms: tuple[str, ...] = ()

    @property
    def instance_ids(self) -> tuple[str, ...]:
        """The ids of the instances."""
        return tuple(instance.instance_id for instance in self.instances)

    @property
    def words(self) -> str:
        """The servers and the door."""
        servers = listed([f"{one.instance_id} ({one.public_ip or 'no public address'})" for one in self.instances])
        door = self.load_balancer_dns_name or "no load balancer"
        return f"{servers or 'no instance'} behind {door}" + ("" if self.ok else ", but a task has failed")


@dataclass(frozen=True)
class Teardown(AnyVerdict, schema="mcp.aws/teardown/1"):
    """What was deleted, names by kind, and sentences on what stays. Check mode deletes nothing, and has none."""

    deleted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stays: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The kinds that were deleted, and what stays."""
        gone = f"deleted {listed(list(self.deleted))}" if self.deleted else "there was nothing to delete"
        return " ".join([gone + ("." if self.ok else ", but a task has failed."), *self.stays])


@dataclass(frozen=True)
class RotateSecrets(AnyVerdict, schema="mcp.aws/rotate_secrets/1"):
    """The names of the parameters that got a new value, or in check mode would get one. Values are told to nobody."""

    rotated: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The names."""
        return f"new values: {listed(list(self.rotated)) or 'none'}"
