"""Role, instance profile and key pair of role identity, read back with boto3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_account import Clients, Role, by_key

ACCOUNT = "123456789012"
SCOPE = f"us-east-1:{ACCOUNT}"
ANYBODY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
THEIRS = [{"Key": "mcp:name", "Value": "rival"}]


def statements(iam: Any, name: str) -> dict[str, dict[str, Any]]:
    """Return the statements of the role's one policy by their names."""
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    return {statement["Sid"]: statement for statement in document["Statement"]}


@pytest.fixture(scope="module")
def iam(aws: Clients) -> Any:
    """Return a client of IAM."""
    return aws("iam")


@pytest.fixture(scope="module")
def rights(iam: Any, name: str) -> dict[str, dict[str, Any]]:
    """Return the role's rights as the first run made them."""
    return statements(iam, name)


def test_only_ec2_may_take_the_role(iam: Any, name: str, tags: dict[str, str]) -> None:
    role = iam.get_role(RoleName=name)["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert by_key(role["Tags"]) == tags


def test_the_role_reaches_what_belongs_to_this_server_alone(rights: dict[str, dict[str, Any]], name: str) -> None:
    assert {sid: right["Resource"] for sid, right in rights.items()} == {
        "WriteLogs": f"arn:aws:logs:{SCOPE}:log-group:/mcp/{name}:*",
        "ListObjects": "arn:aws:s3:::mcp-test-bucket",
        "UseObjects": f"arn:aws:s3:::mcp-test-bucket/{name}/*",
        "LogInToRegistry": "*",
        "UseImages": f"arn:aws:ecr:{SCOPE}:repository/{name}",
        "ReadParameters": [
            f"arn:aws:ssm:{SCOPE}:parameter/{name}",
            f"arn:aws:ssm:{SCOPE}:parameter/{name}/*",
        ],
    }
    assert rights["ListObjects"]["Condition"] == {"StringLike": {"s3:prefix": f"{name}/*"}}


def test_no_right_has_a_wildcard_action(rights: dict[str, dict[str, Any]]) -> None:
    assert [action for right in rights.values() for action in right["Action"] if "*" in action] == []
    assert rights["LogInToRegistry"]["Action"] == ["ecr:GetAuthorizationToken"]


def test_the_instance_profile_carries_the_role(iam: Any, name: str, tags: dict[str, str]) -> None:
    profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == [name]
    assert by_key(profile["Tags"]) == tags


def test_the_key_pair_is_the_local_key(aws: Clients, name: str, tags: dict[str, str], folder: Path) -> None:
    (pair,) = aws("ec2").describe_key_pairs(KeyNames=[name], IncludePublicKey=True)["KeyPairs"]
    public = (folder / "id_ed25519.pub").read_text()
    assert public.startswith("ssh-ed25519 ")
    assert pair["PublicKey"].split()[:2] == public.split()[:2]
    assert (folder / "id_ed25519").stat().st_mode & 0o777 == 0o600
    assert by_key(pair["Tags"]) == tags


def test_a_changed_setting_and_what_was_changed_by_hand_come_right(
    aws: Clients, iam: Any, role: Role, name: str, tags: dict[str, str]
) -> None:
    ec2 = aws("ec2")
    policy = iam.create_policy(PolicyName="wide", PolicyDocument=json.dumps(ANYBODY))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    iam.put_role_policy(RoleName=name, PolicyName="by-hand", PolicyDocument=json.dumps(ANYBODY))
    iam.tag_role(RoleName=name, Tags=[{"Key": "team", "Value": "x"}, {"Key": "mcp:collection", "Value": "y"}])
    iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=name)
    ec2.delete_tags(Resources=[ec2.describe_key_pairs()["KeyPairs"][0]["KeyPairId"]], Tags=[{"Key": "mcp:collection"}])

    key = f"arn:aws:kms:{SCOPE}:key/1"
    wanted: dict[str, Any] = {"identity_repository": "", "identity_parameter_key_arn": key}
    announced, applied = role.converge(check=True, **wanted), role.converge(**wanted)
    assert applied.ok, applied.message
    assert (
        announced.changes
        == applied.changes
        == [
            "Create the IAM role",
            "Create the instance profile",
            "Create the key pair",
            "Delete other inline policies: by-hand",
            "Set the policy of the role",
        ]
    )
    found = statements(iam, name)
    assert sorted(found) == ["DecryptParameters", "ListObjects", "ReadParameters", "UseObjects", "WriteLogs"]
    assert found["DecryptParameters"]["Resource"] == key
    assert by_key(iam.get_role(RoleName=name)["Role"]["Tags"]) == tags
    assert by_key(ec2.describe_key_pairs()["KeyPairs"][0]["Tags"]) == tags
    assert iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"][0]["RoleName"] == name
    iam.delete_policy(PolicyArn=policy)


def test_all_goes_but_the_private_key(aws: Clients, iam: Any, role: Role, name: str, folder: Path) -> None:
    iam.put_role_policy(RoleName=name, PolicyName="by-hand", PolicyDocument=json.dumps(ANYBODY))
    announced, deleted = role.delete(check=True), role.delete()
    assert deleted.ok, deleted.message
    assert (
        announced.changes
        == deleted.changes
        == ["Delete the IAM role", "Delete the instance profile", "Delete the key pair"]
    )
    assert iam.list_roles()["Roles"] == iam.list_instance_profiles()["InstanceProfiles"] == []
    assert aws("ec2").describe_key_pairs()["KeyPairs"] == []
    assert f"The private key stays in {folder / 'id_ed25519'}" in deleted.output
    assert (folder / "id_ed25519").exists()


def test_what_bears_other_tags_stays(aws: Clients, iam: Any, role: Role, name: str, tags: dict[str, str]) -> None:
    """Of a half-made identity, the profile alone is ours: nothing is made, and that alone goes."""
    ours = [{"Key": key, "Value": value} for key, value in tags.items()]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}", Tags=THEIRS)
    iam.create_instance_profile(InstanceProfileName=name, Tags=ours)
    aws("ec2").create_key_pair(KeyName=name)
    refused, deleted = role.converge(), role.delete()
    assert (refused.ok, refused.changes) == (False, [])
    assert f"The IAM role `{name}` belongs to `rival` by its tag mcp:name." in refused.message
    assert f"The EC2 key pair `{name}` bears no tag mcp:name" in refused.message
    assert (deleted.ok, deleted.changes) == (True, ["Delete the instance profile"]), deleted.message
    iam.delete_role(RoleName=name)
    aws("ec2").delete_key_pair(KeyName=name)


def test_check_mode_announces_on_nothing_what_a_run_makes(role: Role, tmp_path: Path) -> None:
    key = {"identity_key_file": str(tmp_path / "keys" / "id_ed25519")}
    announced, made = role.converge(check=True, **key), role.converge(**key)
    assert made.ok, made.message
    assert (
        announced.changes
        == made.changes
        == [
            "Create the IAM role",
            "Create the folder of the private key",
            "Create the instance profile",
            "Create the key pair",
            "Create the private key",
            "Set the policy of the role",
        ]
    )
