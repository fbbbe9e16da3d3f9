"""The settings of an ECR repository, as ECR answers and as the module's options say."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list
from ansible_collections.mcp.aws.plugins.module_utils.aws.ecr import settings, wanted
from ansible_collections.mcp.aws.plugins.module_utils.aws.resource import differing

POLICY: dict[str, Any] = {"rules": [{"rulePriority": 1}]}
TAGS = {"mcp:name": "acme"}
WANTED = {"imageTagMutability": "IMMUTABLE", "scanOnPush": True, "lifecyclePolicy": POLICY, "tags": TAGS}


def test_options_and_answers_have_one_form() -> None:
    options = {"immutable": True, "scan_on_push": True, "lifecycle_policy": POLICY, "tags": TAGS}
    repository = {"imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": True}}
    answer = settings(repository, '{"rules":[{"rulePriority":1}]}', ansible_dict_to_boto3_tag_list(TAGS))
    assert wanted(options) == answer == WANTED


def test_a_bare_repository_has_the_settings_that_ecr_gives() -> None:
    bare = {"imageTagMutability": "MUTABLE", "scanOnPush": False, "lifecyclePolicy": {}, "tags": {}}
    assert settings({}, "{}", []) == bare


@pytest.mark.parametrize(
    ("found", "names"),
    [
        (WANTED, []),
        ({}, list(WANTED)),
        (WANTED | {"tags": {**TAGS, "by": "hand"}}, ["tags"]),
        (WANTED | {"scanOnPush": False, "lifecyclePolicy": {}}, ["scanOnPush", "lifecyclePolicy"]),
    ],
)
def test_what_differs(found: dict[str, Any], names: list[str]) -> None:
    assert differing(found, WANTED) == names
