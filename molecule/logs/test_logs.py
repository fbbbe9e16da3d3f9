"""The log group of role logs, read back with boto3. The tests build on each other, from top to bottom."""

from __future__ import annotations

from typing import Any

import pytest
from aws_account import Clients, Role

CREATE, DELETE = ["Create the log group"], ["Delete the log group with its events"]


@pytest.fixture
def logs(aws: Clients) -> Any:
    """Return a client of CloudWatch Logs."""
    return aws("logs")


@pytest.fixture
def group(name: str) -> str:
    """Return the name of the log group."""
    return f"/mcp/{name}"


def read(logs: Any) -> tuple[str, int | None, dict[str, str]]:
    """Return name, retention and tags of the one log group."""
    (found,) = logs.describe_log_groups()["logGroups"]
    tags = logs.list_tags_log_group(logGroupName=found["logGroupName"])["tags"]
    return found["logGroupName"], found.get("retentionInDays"), tags


def test_the_group_keeps_events_as_long_as_wanted_and_is_tagged(logs: Any, group: str, tags: dict[str, str]) -> None:
    assert read(logs) == (group, 14, tags)


def test_a_second_run_changes_nothing(role: Role) -> None:
    assert role.converge().changes == role.converge(check=True).changes == []


def test_a_setting_changes_as_announced_and_not_before(role: Role, logs: Any) -> None:
    assert role.converge(check=True, logs_retention_days=90).changes == CREATE
    assert read(logs)[1] == 14
    assert role.converge(logs_retention_days=90).changes == CREATE
    assert read(logs)[1] == 90


def test_what_somebody_changed_by_hand_is_announced_and_repaired(
    role: Role, logs: Any, group: str, tags: dict[str, str]
) -> None:
    logs.delete_retention_policy(logGroupName=group)
    logs.tag_log_group(logGroupName=group, tags={"by": "hand", "mcp:collection": "other"})
    assert role.converge(check=True).changes == CREATE
    assert read(logs)[1] is None
    assert role.converge().changes == CREATE
    assert read(logs) == (group, 14, tags)


def test_a_retention_that_the_module_does_not_take_leaves_the_group(role: Role, logs: Any, group: str) -> None:
    """The module deletes a log group for which it is given another number than it knows."""
    outcome = role.converge(logs_retention_days=13)
    assert not outcome.ok
    assert "logs_retention_days" in outcome.output
    assert read(logs)[:2] == (group, 14)


def test_another_key_is_refused_with_the_command_that_gives_it(role: Role, group: str) -> None:
    arn = "arn:aws:kms:us-east-1:123456789012:key/0f1e2d3c"
    for outcome in (role.converge(logs_kms_key_arn=arn), role.converge(check=True, logs_kms_key_arn=arn)):
        assert not outcome.ok
        assert f"`aws logs associate-kms-key --kms-key-id {arn} --log-group-name {group}`" in outcome.message


def test_the_group_is_deleted_once_and_no_other(role: Role, logs: Any, group: str, tags: dict[str, str]) -> None:
    logs.create_log_group(logGroupName=f"{group}-other", tags=tags)
    assert role.delete(check=True).changes == DELETE
    assert len(logs.describe_log_groups()["logGroups"]) == 2
    assert role.delete().changes == DELETE
    assert read(logs)[0] == f"{group}-other"
    again = role.delete()
    assert (again.ok, again.changes) == (True, [])
    logs.delete_log_group(logGroupName=f"{group}-other")


def test_somebody_elses_group_is_refused_and_never_touched(role: Role, logs: Any, group: str) -> None:
    theirs = {"mcp:name": "rival", "mcp:collection": "mcp.aws"}
    logs.create_log_group(logGroupName=group, tags=theirs)
    refused, left = role.converge(), role.delete()
    assert f"The log group `{group}` belongs to `rival` by its tag mcp:name." in refused.message
    assert (left.ok, left.changes) == (True, [])
    assert read(logs) == (group, None, theirs)
    logs.delete_log_group(logGroupName=group)


def test_an_empty_account_gets_what_was_announced_with_a_key_too(role: Role, logs: Any) -> None:
    arn = "arn:aws:kms:us-east-1:123456789012:key/0f1e2d3c"
    assert role.converge(check=True, logs_kms_key_arn=arn).changes == CREATE
    assert logs.describe_log_groups()["logGroups"] == []
    assert role.converge(logs_kms_key_arn=arn).changes == CREATE
    assert logs.describe_log_groups()["logGroups"][0]["kmsKeyId"] == arn
