"""What role alarms makes, read back with boto3; each test goes on where the one before it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_account import Clients, Role, by_key

TOPIC, ALARMS, BOARD = "Create the topic", "Create the alarms", "Create the dashboard"
GONE = ["Delete the alarms", "Delete the dashboard", "Delete the topic"]
QUEUE = "arn:aws:sqs:us-east-1:123456789012:alarms"
INSTANCE, NEXT = "i-0123456789abcdef0", "i-0123456789abcdef1"


@pytest.fixture(scope="module")
def cloudwatch(aws: Clients) -> Any:
    """Return a client of CloudWatch."""
    return aws("cloudwatch")


@pytest.fixture(scope="module")
def sns(aws: Clients) -> Any:
    """Return a client of SNS."""
    return aws("sns")


@pytest.fixture(scope="module")
def topic(name: str) -> str:
    """Return the topic's ARN."""
    return f"arn:aws:sns:us-east-1:123456789012:{name}"


def alarms(cloudwatch: Any) -> dict[str, dict[str, Any]]:
    """Return all alarms of the account by name."""
    return {alarm["AlarmName"]: alarm for alarm in cloudwatch.describe_alarms()["MetricAlarms"]}


def tags_of(cloudwatch: Any, arn: str) -> dict[str, str]:
    """Return the tags of an alarm or a dashboard."""
    return by_key(cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"])


def agree(run: Callable[..., Any], **variables: Any) -> list[str]:
    """Check, then run, and return what both have named."""
    check, real = run(check=True, **variables), run(**variables)
    assert check.ok, check.message
    assert real.ok, real.message
    assert check.changes == real.changes
    return list(real.changes)


def test_every_alarm_is_tagged_and_tells_the_topic(cloudwatch: Any, name: str, tags: Any, topic: str) -> None:
    found = alarms(cloudwatch)
    of_instance = {f"{name}-{INSTANCE}-{what}" for what in ("machine", "system", "cpu", "credits")}
    assert found.keys() == of_instance | {f"{name}-{what}" for what in ("unhealthy-targets", "errors", "response-time")}
    for alarm in found.values():
        assert topic in alarm["AlarmActions"]
        assert alarm["OKActions"] == [topic]
        assert tags_of(cloudwatch, alarm["AlarmArn"]) == tags
    assert "arn:aws:automate:us-east-1:ec2:recover" in found[f"{name}-{INSTANCE}-machine"]["AlarmActions"]
    errors = found[f"{name}-errors"]
    assert (errors["Threshold"], len(errors["Metrics"])) == (1.0, 5)


def test_cloudwatch_may_publish_the_alarms_of_this_account_alone(sns: Any, name: str, tags: Any, topic: str) -> None:
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    (statement,) = json.loads(attributes["Policy"])["Statement"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
    source = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}-*"
    assert statement["Condition"]["ArnLike"] == {"aws:SourceArn": source}
    subscriptions = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    found = {(one["Protocol"], one["Endpoint"]): one["SubscriptionArn"] for one in subscriptions}
    assert found.keys() == {("email", "ops@example.com"), ("sqs", QUEUE)}
    assert found["email", "ops@example.com"] == "PendingConfirmation"
    assert by_key(sns.list_tags_for_resource(ResourceArn=topic)["Tags"]) == tags


def test_the_dashboard_shows_the_alarms_and_is_tagged(cloudwatch: Any, name: str, tags: Any) -> None:
    board = cloudwatch.get_dashboard(DashboardName=name)
    widgets = json.loads(board["DashboardBody"])["widgets"]
    shown = next(widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm")
    assert sorted(shown) == sorted(alarm["AlarmArn"] for alarm in alarms(cloudwatch).values())
    assert tags_of(cloudwatch, board["DashboardArn"]) == tags


def test_finished_they_are_left_alone(role: Role) -> None:
    check = role.converge(check=True)
    assert (check.ok, check.changes) == (True, [])


def test_limits_subscriptions_and_instances_follow_the_variables(
    role: Role, cloudwatch: Any, sns: Any, name: str, topic: str
) -> None:
    told = [{"protocol": "email", "endpoint": "ops@example.com"}, {"protocol": "sqs", "endpoint": f"{QUEUE}-2"}]
    changed = {"alarms_error_percent": 2, "alarms_subscriptions": told, "alarms_instance_ids": [NEXT]}
    assert agree(role.converge, **changed) == [ALARMS, BOARD, TOPIC]
    found = alarms(cloudwatch)
    assert found[f"{name}-errors"]["Threshold"] == 2
    assert f"{name}-{NEXT}-cpu" in found
    assert not [one for one in found if INSTANCE in one]
    subscriptions = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [one["Endpoint"] for one in subscriptions] == ["ops@example.com", f"{QUEUE}-2"]
    assert NEXT in cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]


def test_what_was_changed_by_hand_is_repaired(
    role: Role, cloudwatch: Any, sns: Any, name: str, tags: dict[str, str], topic: str
) -> None:
    before = alarms(cloudwatch)
    tagged = before[f"{name}-response-time"]["AlarmArn"]
    cloudwatch.disable_alarm_actions(AlarmNames=[f"{name}-errors"])
    cloudwatch.delete_alarms(AlarmNames=[f"{name}-unhealthy-targets"])
    cloudwatch.tag_resource(ResourceARN=tagged, Tags=[{"Key": "by", "Value": "hand"}])
    cloudwatch.put_dashboard(DashboardName=name, DashboardBody='{"widgets": []}')
    sns.untag_resource(ResourceArn=topic, TagKeys=["mcp:collection"])
    same = {"alarms_error_percent": 2, "alarms_instance_ids": [NEXT]}  # but again the first queue
    assert agree(role.converge, **same) == [ALARMS, BOARD, TOPIC]
    after = alarms(cloudwatch)
    assert after.keys() == before.keys()
    assert after[f"{name}-errors"]["ActionsEnabled"]
    assert tags_of(cloudwatch, tagged) == tags
    assert by_key(sns.list_tags_for_resource(ResourceArn=topic)["Tags"]) == tags


def test_an_alarm_of_somebody_else_is_named_before_anything_changes(role: Role, cloudwatch: Any, name: str) -> None:
    theirs = f"{name}-{INSTANCE}-cpu"
    limit = {"EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
    metric = {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Period": 300, "Statistic": "Average"}
    cloudwatch.put_metric_alarm(AlarmName=theirs, **metric, **limit)
    refused = role.converge()
    assert not refused.ok
    assert f"-{INSTANCE}-cpu` bears no tag mcp:name" in refused.message
    assert f"{name}-{NEXT}-cpu" in alarms(cloudwatch)


def test_deleted_they_are_gone_but_for_what_is_not_ours(role: Role, cloudwatch: Any, sns: Any, name: str) -> None:
    assert agree(role.delete) == GONE
    assert list(alarms(cloudwatch)) == [f"{name}-{INSTANCE}-cpu"]
    assert cloudwatch.list_dashboards()["DashboardEntries"] == []
    assert sns.list_topics()["Topics"] == []
    again = role.delete()
    assert (again.ok, again.changes) == (True, [])


def test_an_empty_account_is_announced_as_it_is_then_made(role: Role, cloudwatch: Any, name: str) -> None:
    cloudwatch.delete_alarms(AlarmNames=[f"{name}-{INSTANCE}-cpu"])
    unknown = {"alarms_load_balancer_arn": "", "alarms_target_group_arn": "", "alarms_instance_ids": [""]}
    check = role.converge(check=True, **unknown)
    assert check.ok, check.message
    assert alarms(cloudwatch) == {}
    real = role.converge()
    assert check.changes == real.changes == [ALARMS, BOARD, TOPIC]


def test_a_topic_and_a_dashboard_of_somebody_else_are_left_alone(
    role: Role, cloudwatch: Any, sns: Any, name: str, topic: str
) -> None:
    tags = [{"Key": "mcp:name", "Value": "another"}]
    cloudwatch.tag_resource(ResourceARN=cloudwatch.get_dashboard(DashboardName=name)["DashboardArn"], Tags=tags)
    sns.tag_resource(ResourceArn=topic, Tags=tags)
    assert agree(role.delete) == ["Delete the alarms"]
    assert cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
    assert sns.get_topic_attributes(TopicArn=topic)
