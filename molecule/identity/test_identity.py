"""Role, instance profile and key pair of role identity, read back with boto3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aws_account import Clients, by_key

ACCOUNT = "123456789012"
SCOPE = f"us-east-1:{ACCOUNT}"


@pytest.fixture(scope="module")
def rights(aws: Clients, name: str) -> dict[str, dict[str, Any]]:
    """Return the statements of the role's one policy by their names."""
    iam = aws("iam")
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    return {statement["Sid"]: statement for statement in document["Statement"]}


def test_only_ec2_may_take_the_role(aws: Clients, name: str, tags: dict[str, str]) -> None:
    role = aws("iam").get_role(RoleName=name)["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert by_key(role["Tags"]) == tags


def test_the_role_reaches_what_belongs_to_this_server_alone(rights: dict[str, dict[str, Any]], name: str) -> None:
    assert {sid: right["Resource"] for sid, right in rights.items()} == {
        "WriteLogs": f"arn:aws:logs:{SCOPE}:log-group:/mcp/{name}:*",
        "ListBucket": "arn:aws:s3:::mcp-test-bucket",
        "UseObjects": "arn:aws:s3:::mcp-test-bucket/*",
        "LogInToRegistry": "*",
        "UseImages": f"arn:aws:ecr:{SCOPE}:repository/{name}",
        "ReadParameters": [
            f"arn:aws:ssm:{SCOPE}:parameter/{name}",
            f"arn:aws:ssm:{SCOPE}:parameter/{name}/*",
        ],
    }


def test_no_right_has_a_wildcard_action(rights: dict[str, dict[str, Any]]) -> None:
    assert [action for right in rights.values() for action in right["Action"] if "*" in action] == []
    assert rights["LogInToRegistry"]["Action"] == ["ecr:GetAuthorizationToken"]


def test_the_instance_profile_carries_the_role(aws: Clients, name: str, tags: dict[str, str]) -> None:
    profile = aws("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == [name]
    assert by_key(profile["Tags"]) == tags


def test_the_key_pair_is_the_local_key(aws: Clients, name: str, tags: dict[str, str], folder: Path) -> None:
    (pair,) = aws("ec2").describe_key_pairs(KeyNames=[name], IncludePublicKey=True)["KeyPairs"]
    public = (folder / "id_ed25519.pub").read_text()
    assert public.startswith("ssh-ed25519 ")
    assert pair["PublicKey"].split()[:2] == public.split()[:2]
    assert (folder / "id_ed25519").stat().st_mode & 0o777 == 0o600
    assert by_key(pair["Tags"]) == tags
