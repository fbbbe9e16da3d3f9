"""CloudWatch alarms that should be beside those that are: cases of found and wanted."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.aws import alarms

WANTED: dict[str, Any] = {
    "AlarmName": "mcp-cpu",
    "Namespace": "AWS/EC2",
    "MetricName": "CPUUtilization",
    "Dimensions": [{"Name": "InstanceId", "Value": "i-1"}],
    "Statistic": "Average",
    "Period": 300,
    "EvaluationPeriods": 3,
    "Threshold": 80,
    "ComparisonOperator": "GreaterThanThreshold",
    "AlarmActions": ["arn:b", "arn:a"],
}
# The same in the words of DescribeAlarms.
TOLD: dict[str, Any] = WANTED | {
    "AlarmArn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:mcp-cpu",
    "ActionsEnabled": True,
    "OKActions": [],
    "AlarmActions": ["arn:a", "arn:b"],
    "InsufficientDataActions": [],
    "Threshold": 80.0,
    "StateValue": "OK",
    "Metrics": [],
}
STAT = {"Namespace": "AWS/ApplicationELB", "MetricName": "RequestCount"}
DIMENSIONS = [{"Name": "LoadBalancer", "Value": "app/mcp/1"}, {"Name": "AvailabilityZone", "Value": "eu-central-1a"}]
MATH: dict[str, Any] = {
    "AlarmName": "mcp-errors",
    "EvaluationPeriods": 5,
    "DatapointsToAlarm": 3,
    "Metrics": [
        {"Id": "share", "Expression": "requests / 2"},
        {
            "Id": "requests",
            "MetricStat": {"Metric": STAT | {"Dimensions": DIMENSIONS}, "Period": 60, "Stat": "Sum"},
            "ReturnData": False,
        },
    ],
}
OWNER = "mcp:name"
TAGS = {OWNER: "mcp", "team": "platform"}


def test_what_cloudwatch_tells_beside_is_no_difference() -> None:
    assert alarms.settings(TOLD) == alarms.settings(WANTED)


@pytest.mark.parametrize(
    "change",
    [
        {"ActionsEnabled": False},
        {"Threshold": 81},
        {"TreatMissingData": "breaching"},
        {"DatapointsToAlarm": 2},
        {"AlarmActions": ["arn:a"]},
        {"OKActions": ["arn:a"]},
        {"Dimensions": [{"Name": "InstanceId", "Value": "i-2"}]},
        {"AlarmDescription": "Busy"},
        {"Unit": "Percent"},
    ],
)
def test_what_somebody_changed_is_a_difference(change: dict[str, Any]) -> None:
    assert alarms.settings(TOLD | change) != alarms.settings(WANTED)


def test_metric_math_is_compared_whatever_its_order() -> None:
    told = MATH | {"Metrics": [query | {"Label": ""} for query in reversed(MATH["Metrics"])]}
    told["Metrics"][1] |= {"ReturnData": True}
    stat = told["Metrics"][0]["MetricStat"]
    told["Metrics"][0]["MetricStat"] = stat | {"Metric": STAT | {"Dimensions": DIMENSIONS[::-1]}}
    assert alarms.settings(told) == alarms.settings(MATH)
    told["Metrics"][1]["Expression"] = "requests / 3"
    assert alarms.settings(told) != alarms.settings(MATH)


def found(settings: dict[str, Any], tags: dict[str, str]) -> alarms.Alarm:
    """Return an alarm that exists."""
    return alarms.Alarm(alarms.settings(settings), tags, "arn")


@pytest.mark.parametrize(
    ("exists", "expected"),
    [
        ({}, {"put": ["mcp-cpu"]}),
        ({"mcp-cpu": found(TOLD, TAGS)}, {}),
        ({"mcp-cpu": found(TOLD | {"Threshold": 1}, TAGS)}, {"put": ["mcp-cpu"]}),
        ({"mcp-cpu": found(TOLD, TAGS | {"by": "hand"})}, {"tag": ["mcp-cpu"]}),
        ({"mcp-cpu": found(TOLD, {OWNER: "mcp"})}, {"tag": ["mcp-cpu"]}),
        ({"mcp-cpu": found(TOLD, {})}, {"foreign": ["mcp-cpu"]}),
        ({"mcp-cpu": found(TOLD, TAGS | {OWNER: "another"})}, {"foreign": ["mcp-cpu"]}),
        ({"mcp-cpu": found(TOLD, TAGS), "mcp-old": found(TOLD, TAGS)}, {"delete": ["mcp-old"]}),
        ({"mcp-cpu": found(TOLD, TAGS), "mcp-lab-cpu": found(TOLD, {OWNER: "mcp-lab"})}, {}),
    ],
)
def test_plan(exists: dict[str, alarms.Alarm], expected: dict[str, list[str]]) -> None:
    plan = alarms.plan({"mcp-cpu": alarms.settings(WANTED)}, exists, TAGS)
    done = {what: getattr(plan, what) for what in ("put", "tag", "delete", "foreign")}
    assert {what: names for what, names in done.items() if names} == expected
    assert bool(plan.before or plan.after) == bool(expected.keys() - {"foreign"})


def test_a_diff_shows_what_changes_and_nothing_else() -> None:
    settings = alarms.settings(WANTED)
    plan = alarms.plan({"mcp-cpu": settings}, {"mcp-old": found(TOLD, TAGS)}, TAGS)
    assert plan.before == {"mcp-old": settings | {"Tags": TAGS}}
    assert plan.after == {"mcp-cpu": settings | {"Tags": TAGS}}


def test_words_that_cloudwatch_lacks_and_names_that_would_be_lost_are_refused() -> None:
    assert alarms.mistakes([WANTED], "mcp-") == []
    said = alarms.mistakes([WANTED | {"Treshold": 1}, WANTED | {"AlarmName": "cpu"}], "mcp-")
    assert said == [
        "The alarm `mcp-cpu` has `Treshold`, which PutMetricAlarm lacks.",
        "The alarm `cpu` must begin with `mcp-`, or it would not be found again.",
    ]
