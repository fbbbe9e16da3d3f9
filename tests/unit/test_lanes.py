"""What stopped the lanes: each cause once, with its remedy."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils import lanes


def refused(code: str, text: str = "said AWS") -> dict[str, Any]:
    return {"failed": True, "msg": f"Failed: {text}", "error": {"code": code, "message": text}}


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        ({"msg": "There is no image."}, "There is no image."),
        (refused("Throttling"), "AWS answered `Throttling` until the retries were used up"),
        (refused("ExpiredToken"), "The credentials have expired (ExpiredToken). Replace them in mcp_aws_connection"),
        (
            refused("UnauthorizedOperation", "no"),
            "The credentials may not do this (UnauthorizedOperation: no). docs/iam/",
        ),
        ({"results": [{"msg": "fine"}, {"failed": True, "msg": "The second."}]}, "The second."),
        ({"msg": "secret", "_ansible_no_log": True}, "the output is hidden, as it may hold a secret"),
        ({}, "it gave no message"),
    ],
)
def test_cause(result: dict[str, Any], sentence: str) -> None:
    assert lanes.cause(result).startswith(sentence)


def test_one_cause_of_several_lanes_is_told_once() -> None:
    problems = [
        {"lane": "aws-network", "task": "Create the VPC", "result": refused("ExpiredToken")},
        {"lane": "aws-identity", "task": "Create the role", "result": refused("ExpiredToken")},
        {"lane": "aws-secrets", "task": "Make the secrets", "result": {"msg": "Another."}},
    ]
    message = lanes.explain(problems)
    assert message.count("have expired") == 1
    assert "(network: Create the VPC; identity: Create the role)" in message
    assert message.endswith("it goes on from there.")
