"""From the API's log to a policy, and whether a policy allows a right."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.aws.docs.least_privilege import patterns, policy
from ansible_collections.mcp.aws.lab.policies import allowed
from ansible_collections.mcp.aws.lab.rights import Right

HERE = "us-east-1:123456789012"
OURS = {"aws:ResourceTag/mcp:name": "mcp-example"}


def line(action: str, resource: str = "*", **context: str) -> dict[str, Any]:
    """Return a line of the log."""
    return {"action": action, "resource": resource, "context": context}


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:s3:::mcp-123456789012", ["arn:aws:s3:::mcp-${aws:PrincipalAccount}"]),
        ("arn:aws:s3:::mcp-123456789012/backups/1", ["arn:aws:s3:::mcp-${aws:PrincipalAccount}/*"]),
        ("arn:aws:iam::123456789012:role/mcp", ["arn:aws:iam::*:role/mcp"]),
        (f"arn:aws:ecr:{HERE}:repository/mcp", ["arn:aws:ecr:*:*:repository/mcp"]),
        (f"arn:aws:cloudwatch:{HERE}:alarm:mcp-i-0123456789abcdef0-cpu", ["arn:aws:cloudwatch:*:*:alarm:mcp-*"]),
        (
            f"arn:aws:logs:{HERE}:log-group:/mcp/mcp:log-stream:",
            ["arn:aws:logs:*:*:log-group:/mcp/mcp", "arn:aws:logs:*:*:log-group:/mcp/mcp:*"],
        ),
        (
            f"arn:aws:ssm:{HERE}:parameter/mcp/token",
            ["arn:aws:ssm:*:*:parameter/mcp", "arn:aws:ssm:*:*:parameter/mcp/*"],
        ),
        (
            f"arn:aws:elasticloadbalancing:{HERE}:listener/app/mcp/0123456789abcdef/fedcba9876543210",
            ["arn:aws:elasticloadbalancing:*:*:listener/app/mcp/*"],
        ),
    ],
)
def test_a_resource_is_freed_of_what_an_account_chooses(arn: str, expected: list[str]) -> None:
    assert patterns(arn, "mcp") == expected


def test_what_exists_in_ec2_may_be_changed_only_where_it_is_ours() -> None:
    instance = f"arn:aws:ec2:{HERE}:instance/i-1"
    document = policy([line("ec2:TerminateInstances", instance), line("ec2:DescribeVpcs")], "mcp-example")
    assert allowed([document], Right("ec2:TerminateInstances", instance, OURS))
    assert not allowed([document], Right("ec2:TerminateInstances", instance, {}))
    assert not allowed([document], Right("ec2:TerminateInstances", instance, {"aws:ResourceTag/mcp:name": "other"}))
    assert allowed([document], Right("ec2:DescribeVpcs", "*"))
    assert not allowed([document], Right("ec2:DescribeSubnets", "*"))


def test_a_role_is_passed_to_ec2_alone() -> None:
    role = "arn:aws:iam::123456789012:role/mcp-example"
    to_ec2 = {"iam:PassedToService": "ec2.amazonaws.com"}
    document = policy([{"action": "iam:PassRole", "resource": role, "context": to_ec2}], "mcp-example")
    assert allowed([document], Right("iam:PassRole", role, to_ec2))
    assert not allowed([document], Right("iam:PassRole", role, {"iam:PassedToService": "lambda.amazonaws.com"}))
    assert not allowed([document], Right("iam:PassRole", role + "-other", to_ec2))


def test_a_denial_outweighs_what_is_allowed() -> None:
    document = {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    denial = {"Statement": {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "arn:aws:s3:::kept"}}
    assert allowed([document, denial], Right("s3:DeleteBucket", "arn:aws:s3:::other"))
    assert not allowed([document, denial], Right("s3:DeleteBucket", "arn:aws:s3:::kept"))
