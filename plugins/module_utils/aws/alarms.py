"""What of CloudWatch's metric alarms differs from what is wanted: pure functions over PutMetricAlarm's own words."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils.aws.ownership import TAG

ACTIONS = ("OKActions", "AlarmActions", "InsufficientDataActions")
INPUTS = {
    *("AlarmName", "AlarmDescription", "ActionsEnabled", *ACTIONS),
    *("Namespace", "MetricName", "Dimensions", "Statistic", "ExtendedStatistic", "Period", "Unit", "Metrics"),
    *("EvaluationPeriods", "DatapointsToAlarm", "Threshold", "ComparisonOperator"),
    *("TreatMissingData", "EvaluateLowSampleCountPercentile"),
}


@dataclass(frozen=True)
class Alarm:
    """An alarm as it is: its settings, its tags, and its ARN."""

    settings: dict[str, Any]
    tags: dict[str, str]
    arn: str


@dataclass(frozen=True)
class Plan:
    """What to do, by alarm name; `before` and `after` hold what changes."""

    put: list[str] = field(default_factory=list)
    tag: list[str] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


def settings(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """Return an alarm's settings in one form, whether they come from a playbook or from DescribeAlarms.

    Left out are what nobody set and what CloudWatch tells beside; defaults are written out.
    """
    kept = {key: value for key, value in alarm.items() if key in INPUTS and value not in (None, "", [], {})}
    kept.setdefault("ActionsEnabled", True)
    kept.setdefault("TreatMissingData", "missing")
    kept.setdefault("DatapointsToAlarm", kept.get("EvaluationPeriods"))
    kept.update({key: sorted(kept[key]) for key in ACTIONS if key in kept})
    if "Threshold" in kept:
        kept["Threshold"] = float(kept["Threshold"])
    if "Dimensions" in kept:
        kept["Dimensions"] = _by(kept["Dimensions"], "Name")
    if "Metrics" in kept:
        kept["Metrics"] = _by([_query(query) for query in kept["Metrics"]], "Id")
    return kept


def _by(items: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    return sorted(items, key=lambda item: str(item[key]))


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part of a metric math expression in one form."""
    kept = {"ReturnData": True} | {key: value for key, value in query.items() if value not in (None, "", [], {})}
    if "MetricStat" in kept:
        metric = kept["MetricStat"]["Metric"]
        kept["MetricStat"] = kept["MetricStat"] | {"Metric": metric | {"Dimensions": _by(metric["Dimensions"], "Name")}}
    return kept


def mistakes(alarms: list[dict[str, Any]], prefix: str) -> list[str]:
    """Return sentences about alarms that could not be kept: words that CloudWatch lacks, names without the prefix."""
    found = []
    for alarm in alarms:
        name = str(alarm.get("AlarmName", ""))
        if not name.startswith(prefix):
            found.append(f"The alarm `{name}` must begin with `{prefix}`, or it would not be found again.")
        found += [f"The alarm `{name}` has `{word}`, which PutMetricAlarm lacks." for word in sorted({*alarm} - INPUTS)]
    return found


def plan(wanted: Mapping[str, Mapping[str, Any]], found: Mapping[str, Alarm], tags: Mapping[str, str]) -> Plan:
    """Compare alarms that should be with those that are.

    :param wanted: settings by name.
    :param tags: the tags of all, the owner's among them.
    """
    done = Plan()
    for name in sorted({*wanted, *found}):
        alarm, after = found.get(name), wanted.get(name)
        if alarm and alarm.tags.get(TAG) != tags[TAG]:
            done.foreign.extend([name] if after else [])
            continue
        before = alarm.settings | {"Tags": alarm.tags} if alarm else None
        if after is None:
            done.delete.append(name)
        elif alarm is None or alarm.settings != after:
            done.put.append(name)
        if alarm and after is not None and alarm.tags != tags:
            done.tag.append(name)
        if before != (complete := after and {**after, "Tags": dict(tags)}):
            done.before.update({name: before} if before else {})
            done.after.update({name: complete} if complete else {})
    return done
