"""The SSM Parameter Store below a path, for secrets whose values are written and never read."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.mcp.aws.plugins.module_utils.aws import ownership
from ansible_collections.mcp.aws.plugins.module_utils.ssm_secrets import Parameter, new_value

NAMES_A_DELETION = 10
WITH_RETRIES = AWSRetry.jittered_backoff(delay=1, catch_extra_error_codes=["ThrottlingException", "TooManyUpdates"])


class ParameterStore:
    """What the module `ssm_secrets` asks of AWS."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        """Keep the module's options and make a client."""
        self.module, self.options = module, module.params
        self.client = module.client("ssm", retry_decorator=WITH_RETRIES)
        self.tags = {str(key): str(value) for key, value in self.options["tags"].items()}
        self.owner_tag = self.options["owner_tag"]
        if not self.tags.get(self.owner_tag):
            module.fail_json(msg=f"tags must hold {self.owner_tag}, which names the owner.")
        self.owner = self.tags[self.owner_tag]

    def listed(self) -> dict[str, dict[str, Any]]:
        """Return what SSM tells of every parameter below the path, by name."""
        below = [{"Key": "Path", "Option": "Recursive", "Values": [self.options["path"].rstrip("/") or "/"]}]
        pages = self.client.get_paginator("describe_parameters").paginate(ParameterFilters=below)
        return {told["Name"]: told for told in WITH_RETRIES(pages.build_full_result)()["Parameters"]}

    def read(self, names: list[str] | None = None) -> dict[str, Parameter]:
        """Return the parameters of these names, or all, with their tags."""
        return {name: self._read(told) for name, told in self.listed().items() if names is None or name in names}

    def _read(self, told: dict[str, Any]) -> Parameter:
        target = {"ResourceType": "Parameter", "ResourceId": told["Name"]}
        tags = self.client.list_tags_for_resource(aws_retry=True, **target)["TagList"]
        return Parameter(told["Type"], told.get("KeyId", ""), {tag["Key"]: tag["Value"] for tag in tags})

    def foreign(self, found: dict[str, Parameter]) -> list[str]:
        """Return a sentence for each parameter that is somebody else's."""
        tags = {name: parameter.tags for name, parameter in found.items()}
        return ownership.foreign({"parameters": tags}, self.owner_tag, self.owner)

    def ours(self, found: dict[str, Parameter]) -> list[str]:
        """Return the names of the parameters that bear the owner's tag."""
        return [name for name, each in found.items() if each.tags.get(self.owner_tag) == self.owner]

    def write(self, name: str, description: str, *, new: bool) -> int:
        """Write a new value and return its version; a secret that somebody made meanwhile stays, as version 0."""
        words: dict[str, Any] = {"Name": name, "Description": description, "Type": "SecureString"}
        words |= {"KeyId": self.options["kms_key_id"]} if self.options["kms_key_id"] else {}
        words |= {"Tags": tag_list(self.tags)} if new else {"Overwrite": True}
        try:
            answer = self.client.put_parameter(aws_retry=True, Value=new_value(self.options["length"]), **words)
        except is_boto3_error_code("ParameterAlreadyExists"):
            return 0
        return int(answer["Version"])

    def wait(self, versions: dict[str, int]) -> None:
        """Wait until SSM tells of the versions that were written."""
        deadline, timeout = time.monotonic() + self.options["timeout"], self.options["timeout"]
        while True:
            told = self.listed()
            late = [name for name, version in versions.items() if told.get(name, {}).get("Version", -1) < version]
            if not late:
                return
            if time.monotonic() > deadline:
                self.module.fail_json(msg=f"SSM took {', '.join(late)} but does not tell of it within {timeout} s.")
            time.sleep(0.5)

    def tag(self, name: str, found: Parameter) -> None:
        """Give a parameter exactly the tags."""
        target = {"ResourceType": "Parameter", "ResourceId": name}
        extra = [key for key in found.tags if key not in self.tags]
        self.client.add_tags_to_resource(aws_retry=True, Tags=tag_list(self.tags), **target)
        if extra:
            self.client.remove_tags_from_resource(aws_retry=True, TagKeys=extra, **target)

    def delete(self, names: list[str]) -> None:
        """Delete parameters, as many a request as SSM takes."""
        for start in range(0, len(names), NAMES_A_DELETION):
            self.client.delete_parameters(aws_retry=True, Names=names[start : start + NAMES_A_DELETION])


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return tags in the form of SSM."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
