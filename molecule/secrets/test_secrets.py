"""The parameters of role secrets, read back with boto3. The tests build on each other, from top to bottom."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_account import Clients, Outcome, Role, by_key

NAMES = ["database_password", "redis_password", "token"]
CREATE, ROTATE = ["Create the missing secrets"], ["Give the secrets new values"]
TAGS = ["Set the tags of the secrets"]
FOREIGN = [{"Key": "mcp:name", "Value": "rival"}]


@pytest.fixture
def ssm(aws: Clients) -> Any:
    """Return a client of SSM."""
    return aws("ssm")


@pytest.fixture
def path(name: str) -> str:
    """Return the path of the secrets."""
    return f"/{name}"


def read(ssm: Any, path: str) -> dict[str, dict[str, Any]]:
    """Return the parameters below a path, by their short names."""
    found = ssm.get_parameters_by_path(Path=path, WithDecryption=True)["Parameters"]
    return {parameter["Name"].rpartition("/")[2]: parameter for parameter in found}


def values(ssm: Any, path: str) -> dict[str, str]:
    """Return the secrets' values."""
    return {name: parameter["Value"] for name, parameter in read(ssm, path).items()}


def tags_of(ssm: Any, parameter: str) -> dict[str, str]:
    """Return the tags of a parameter."""
    return by_key(ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=parameter)["TagList"])


def rotate(role: Role, *, check: bool = False, **variables: Any) -> Outcome:
    """Rotate and read."""
    return role._play("../secrets/rotate.yml", check, variables)


def read_verbosely(role: Role, variables: dict[str, Any]) -> str:
    """Read the secrets with all that Ansible can print, and return what it printed."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-vvvv", "-i", str(role.folder / "inventory")]
    command += ["-e", json.dumps(variables), str(role.scenario / "rotate.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    assert "invocation" in done.stdout, done.stdout
    return done.stdout + done.stderr


def test_secrets_are_encrypted_random_made_once_and_tagged(
    ssm: Any, path: str, folder: Path, tags: dict[str, str]
) -> None:
    found = read(ssm, path)
    assert sorted(found) == NAMES
    for name, parameter in found.items():
        assert (parameter["Type"], parameter["Version"]) == ("SecureString", 1)
        assert len(parameter["Value"]) == 32
        assert parameter["Value"].isalnum()
        assert tags_of(ssm, f"{path}/{name}") == tags
    assert len(set(values(ssm, path).values())) == len(NAMES)
    described = ssm.describe_parameters()["Parameters"]
    assert {each["Description"] for each in described} >= {"Bearer token of the MCP server"}


def test_a_second_run_changes_nothing_and_shows_no_value(role: Role, ssm: Any, path: str) -> None:
    before = read(ssm, path)
    outcomes = [role.converge(), role.converge(check=True)]
    assert [outcome.changes for outcome in outcomes] == [[], []]
    assert read(ssm, path) == before
    assert not [value for value in values(ssm, path).values() for outcome in outcomes if value in outcome.output]


def test_drift_of_tags_is_announced_and_repaired_and_a_lost_secret_made_again(
    role: Role, ssm: Any, path: str, tags: dict[str, str]
) -> None:
    before = values(ssm, path)
    target = {"ResourceType": "Parameter", "ResourceId": f"{path}/token"}
    ssm.add_tags_to_resource(
        Tags=[{"Key": "by", "Value": "hand"}, {"Key": "mcp:collection", "Value": "other"}], **target
    )
    ssm.delete_parameter(Name=f"{path}/redis_password")
    drift = [*CREATE, f"{TAGS[0]}: {path}/token"]
    assert role.converge(check=True).changes == drift
    assert sorted(read(ssm, path)) == ["database_password", "token"]
    assert role.converge().changes == drift
    assert tags_of(ssm, f"{path}/token") == tags | {"by": "hand"}
    ssm.remove_tags_from_resource(TagKeys=["by"], **target)
    after = values(ssm, path)
    assert {name for name in NAMES if after[name] != before[name]} == {"redis_password"}


def test_secrets_of_the_application_are_made_too(role: Role, ssm: Any, path: str) -> None:
    extra = {"secrets_extra": {"session_key": "Key that signs sessions"}, "secrets_length": 48}
    assert role.converge(check=True, **extra).changes == role.converge(**extra).changes == CREATE
    found = values(ssm, path)
    assert [len(found[name]) for name in (*NAMES, "session_key")] == [32, 32, 32, 48]
    digests = {name: hashlib.sha256(value.encode()).hexdigest() for name, value in found.items()}
    told = read_verbosely(role, extra | {"secrets_rotate": [], "expected": digests})
    assert not [value for value in found.values() if value in told]


def test_a_check_says_what_would_be_rotated_and_rotates_nothing(role: Role, ssm: Any, path: str) -> None:
    before = read(ssm, path)
    outcome = rotate(role, check=True, secrets_rotate="token,redis_password")
    assert outcome.changes == ROTATE * 2
    assert f"Would get a new value: {path}/redis_password, {path}/token." in outcome.output
    assert read(ssm, path) == before


def test_only_the_chosen_secrets_are_rotated(role: Role, ssm: Any, path: str, tags: dict[str, str]) -> None:
    before = read(ssm, path)
    outcome = rotate(role, secrets_rotate=["token"])
    after = read(ssm, path)
    assert (outcome.ok, outcome.changes) == (True, ROTATE), outcome.message
    assert [name for name in after if after[name]["Value"] != before[name]["Value"]] == ["token"]
    assert after["token"]["Version"] == before["token"]["Version"] + 1
    assert (after["token"]["Type"], len(after["token"]["Value"])) == ("SecureString", 32)
    assert tags_of(ssm, f"{path}/token") == tags
    assert not [
        each["Value"] for found in (before, after) for each in found.values() if each["Value"] in outcome.output
    ]


def test_all_are_rotated_unless_some_are_named_and_unknown_ones_are_refused(role: Role, ssm: Any, path: str) -> None:
    before = values(ssm, path)
    unknown, misspelt = rotate(role, secrets_rotate=["token", "tokn"]), rotate(role, secrets_rotat=["token"])
    assert "did you mean `secrets_rotate`?" in misspelt.message
    assert not unknown.ok
    assert not misspelt.ok
    assert "No such secret to rotate: `tokn`. There are database_password, redis_password, token." in unknown.message
    assert values(ssm, path) == before
    assert rotate(role).changes == ROTATE * 3
    after = values(ssm, path)
    assert {name for name in NAMES if after[name] == before[name]} == set()


def test_another_key_is_used_from_the_next_rotation_on(role: Role, aws: Clients, ssm: Any, path: str) -> None:
    key = aws("kms").create_key()["KeyMetadata"]["KeyId"]
    asked = role.converge(secrets_kms_key_id=key)
    assert (asked.ok, asked.changes) == (True, [])
    assert "encrypted with another key than secrets_kms_key_id says" in asked.output
    assert rotate(role, secrets_kms_key_id=key).changes == ROTATE * 3
    names = {"Key": "Name", "Values": [f"{path}/{name}" for name in NAMES]}
    assert {each["KeyId"] for each in ssm.describe_parameters(ParameterFilters=[names])["Parameters"]} == {key}


def test_all_secrets_are_deleted_once_but_somebody_elses(role: Role, ssm: Any, path: str) -> None:
    ssm.put_parameter(Name=f"{path}/theirs", Value="x", Type="String", Tags=FOREIGN)
    deleted = [f"Delete the secrets: {path}/{name}" for name in sorted([*NAMES, "session_key"])]
    assert role.delete(check=True).changes == deleted
    assert len(read(ssm, path)) == 5
    assert role.delete().changes == deleted
    assert sorted(read(ssm, path)) == ["theirs"]
    again = role.delete()
    assert (again.ok, again.changes) == (True, [])
    ssm.delete_parameter(Name=f"{path}/theirs")


def test_somebody_elses_and_plain_parameters_are_refused(role: Role, ssm: Any, path: str, tags: dict[str, str]) -> None:
    ssm.put_parameter(Name=f"{path}/token", Value="theirs", Type="SecureString", Tags=FOREIGN)
    for outcome in (role.converge(), role.converge(check=True), rotate(role)):
        assert not outcome.ok
        assert f"The SSM parameter `{path}/token` belongs to `rival` by its tag mcp:name." in outcome.message
    assert values(ssm, path) == {"token": "theirs"}
    ssm.delete_parameter(Name=f"{path}/token")
    ours = [{"Key": key, "Value": value} for key, value in tags.items()]
    ssm.put_parameter(Name=f"{path}/token", Value="plain", Type="String", Tags=ours)
    plain = role.converge()
    assert f"The SSM parameter `{path}/token` is a String, so that its value lies there unencrypted." in plain.message
    ssm.delete_parameter(Name=f"{path}/token")


def test_an_empty_account_gets_what_was_announced(role: Role, ssm: Any, path: str) -> None:
    assert role.converge(check=True).changes == CREATE * 3
    assert read(ssm, path) == {}
    assert role.converge().changes == CREATE * 3
    assert sorted(read(ssm, path)) == NAMES


def test_bad_settings_are_refused_at_once(role: Role) -> None:
    outcome = role.converge(secrets_path="mcp", secrets_length=8, secrets_extra={"api/key": "x"})
    assert not outcome.ok
    for sentence in ("secrets_path is `mcp`", "secrets_length is 8", "secrets_extra has api/key"):
        assert sentence in outcome.message
