"""The log group of role logs, read back with boto3."""

from aws_account import Clients


def test_the_group_keeps_events_as_long_as_wanted_and_is_tagged(aws: Clients, name: str, tags: dict[str, str]) -> None:
    logs = aws("logs")
    (group,) = logs.describe_log_groups()["logGroups"]
    assert group["logGroupName"] == f"/mcp/{name}"
    assert group["retentionInDays"] == 14
    assert logs.list_tags_log_group(logGroupName=group["logGroupName"])["tags"] == tags
