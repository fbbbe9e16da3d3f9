"""Unit tests of the alarms and the dashboard that the role alarms writes."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.mcp.aws.plugins.module_utils.aws import alarms

from tests.unit.role_values import trust

ROLE = Path(__file__).parents[2] / "roles" / "alarms"
REGION, ACCOUNT = "eu-central-1", "123456789012"
BALANCER, GROUP = "app/mcp/50dc6c495c0c9188", "targetgroup/mcp/6d0ecf831eec9f09"
GIVEN = {
    "mcp_name": "mcp",
    "mcp_region": REGION,
    "mcp_tags": {"mcp:name": "mcp"},
    "alarms_account_id": ACCOUNT,
    "alarms_instance_ids": ["i-1", "i-2"],
    "alarms_instance_type": "t2.micro",
    "alarms_load_balancer_arn": f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/{BALANCER}",
    "alarms_target_group_arn": f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:{GROUP}",
}
ITSELF = ("__alarms_list", "__alarms_dashboard")  # what is rendered here


def render(template: str, **given: Any) -> Any:
    """Render an expression or a template from the role's variables."""
    own: dict[str, Any] = {}
    for path in ("defaults/main.yml", "vars/main.yml"):
        own |= trust(yaml.safe_load((ROLE / path).read_text()))
    own = {name: value for name, value in own.items() if name not in ITSELF}
    templar = Templar(loader=DataLoader(), variables=own | GIVEN | given)
    return templar.template(trust_as_template(template), escape_backslashes=False)


def written(template: str, **given: Any) -> Any:
    """Return what a template of the role writes, read as YAML."""
    return yaml.safe_load(str(render((ROLE / "templates" / template).read_text(), **given)))


def every(**given: Any) -> dict[str, dict[str, Any]]:
    """Return the alarms by name."""
    return {alarm["AlarmName"]: alarm for alarm in written("alarms.yml.j2", **given)}


def widgets(**given: Any) -> list[dict[str, Any]]:
    """Return the dashboard's widgets."""
    return list(written("dashboard.yml.j2", __alarms_list=list(every(**given).values()), **given)["widgets"])


OF_INSTANCE = ("machine", "system", "cpu", "credits")
OF_BALANCER = {"mcp-unhealthy-targets", "mcp-errors", "mcp-response-time"}


@pytest.mark.parametrize(
    ("instances", "kind", "expected"),
    [
        (["i-1", "i-2"], "t2.micro", {f"mcp-{i}-{what}" for i in ("i-1", "i-2") for what in OF_INSTANCE} | OF_BALANCER),
        (["i-1"], "t3.large", {f"mcp-i-1-{what}" for what in OF_INSTANCE} | OF_BALANCER),
        (["i-1"], "m5.large", {f"mcp-i-1-{what}" for what in OF_INSTANCE[:3]} | OF_BALANCER),
        ([""], "m5.large", {f"mcp-new-instance-{what}" for what in OF_INSTANCE[:3]} | OF_BALANCER),
        ([], "t2.micro", OF_BALANCER),
    ],
)
def test_each_instance_and_the_balancer_are_watched(instances: list[str], kind: str, expected: set[str]) -> None:
    assert every(alarms_instance_ids=instances, alarms_instance_type=kind).keys() == expected


def test_cloudwatch_knows_every_word() -> None:
    assert alarms.mistakes(list(every().values()), "mcp-") == []


def test_everybody_is_told_of_every_alarm_and_of_its_end() -> None:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:mcp"
    found = {name: alarm["AlarmActions"] for name, alarm in every(alarms_instance_ids=["i-1"]).items()}
    assert {name: actions[1:] for name, actions in found.items() if actions[1:]} == {
        "mcp-i-1-machine": [f"arn:aws:automate:{REGION}:ec2:recover"],
        "mcp-i-1-system": [f"arn:aws:automate:{REGION}:ec2:reboot"],
    }
    assert {actions[0] for actions in found.values()} == {topic}
    assert all(alarm["OKActions"] == [topic] for alarm in every().values())


def test_a_reboot_is_an_option_and_comes_later_than_the_recovery() -> None:
    found = every(alarms_instance_reboot=False)
    assert len(found["mcp-i-1-system"]["AlarmActions"]) == 1
    assert found["mcp-i-1-machine"]["EvaluationPeriods"] < found["mcp-i-1-system"]["EvaluationPeriods"]


def test_dimensions_are_cut_from_the_arns() -> None:
    found = every()
    assert found["mcp-i-2-cpu"]["Dimensions"] == [{"Name": "InstanceId", "Value": "i-2"}]
    assert found["mcp-response-time"]["Dimensions"] == [{"Name": "LoadBalancer", "Value": BALANCER}]
    expected = [{"Name": "LoadBalancer", "Value": BALANCER}, {"Name": "TargetGroup", "Value": GROUP}]
    assert found["mcp-unhealthy-targets"]["Dimensions"] == expected


@pytest.mark.parametrize(
    ("variables", "name", "expected"),
    [
        ({"alarms_cpu_percent": 90, "alarms_cpu_minutes": 30}, "mcp-i-1-cpu", (90, 6)),
        ({"alarms_cpu_minutes": 1}, "mcp-i-1-cpu", (80, 1)),
        ({"alarms_cpu_credits": 5}, "mcp-i-1-credits", (5, 3)),
        ({"alarms_unhealthy_minutes": 7}, "mcp-unhealthy-targets", (0, 7)),
        ({"alarms_error_percent": 2.5}, "mcp-errors", (2.5, 5)),
        ({"alarms_response_seconds": 0.5, "alarms_response_minutes": 9}, "mcp-response-time", (0.5, 9)),
    ],
)
def test_limits_are_variables(variables: dict[str, Any], name: str, expected: tuple[float, int]) -> None:
    alarm = every(**variables)[name]
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == expected


def test_no_traffic_is_no_error_and_no_target_is_an_alarm() -> None:
    missing = {name: alarm.get("TreatMissingData", "missing") for name, alarm in every().items() if "-i-" not in name}
    expected = {"mcp-unhealthy-targets": "breaching", "mcp-errors": "notBreaching", "mcp-response-time": "notBreaching"}
    assert missing == expected


def test_the_share_of_errors_uses_what_it_asks_for() -> None:
    queries = {query["Id"]: query for query in every()["mcp-errors"]["Metrics"]}
    assert [name for name, query in queries.items() if query["ReturnData"]] == ["share"]
    used = {word for query in queries.values() for word in re.findall(r"\b[a-z]+\b", query.get("Expression", ""))}
    assert used == queries.keys() - {"share"}


def test_the_dashboard_shows_every_alarm_and_every_metric_of_one() -> None:
    shown = widgets()
    states = next(widget["properties"]["alarms"] for widget in shown if widget["type"] == "alarm")
    assert states == [f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}" for name in every()]
    series = [one for widget in shown for one in widget["properties"].get("metrics", [])]
    metrics = {one[1] for one in series if len(one) > 1}
    asked = {alarm["MetricName"] for alarm in every().values() if "MetricName" in alarm}
    asked |= {query["MetricStat"]["Metric"]["MetricName"] for query in every()["mcp-errors"]["Metrics"][:3]}
    assert metrics == asked | {"HealthyHostCount"}
    assert {"i-1", "i-2", BALANCER, GROUP} <= {word for one in series for word in one if isinstance(word, str)}


@pytest.mark.parametrize("given", [{}, {"alarms_instance_ids": []}, {"alarms_instance_type": "m5.large"}])
def test_widgets_lie_beside_each_other(given: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for widget in widgets(**given):
        assert widget["x"] + widget["width"] <= 24
        cells = {
            (widget["x"] + column, widget["y"] + row)
            for column in range(widget["width"])
            for row in range(widget["height"])
        }
        assert not cells & taken
        assert widget["type"] != "metric" or widget["properties"]["metrics"]
        taken |= cells


def test_more_alarms_than_a_widget_takes_are_no_mistake() -> None:
    many = widgets(alarms_instance_ids=[f"i-{number}" for number in range(30)])
    assert len(next(widget["properties"]["alarms"] for widget in many if widget["type"] == "alarm")) == 100


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({}, ""),
        ({"alarms_name": "my alarms"}, "alarms_name is `my alarms`: SNS and CloudWatch take 1 to 200 letters"),
        ({"alarms_tags": {"team": "platform"}}, "alarms_tags has no `mcp:name`"),
        ({"alarms_response_minutes": 0}, "alarms_cpu_minutes, alarms_unhealthy_minutes and alarms_response_minutes"),
        ({"alarms_cpu_minutes": 1441}, "alarms_cpu_minutes, alarms_unhealthy_minutes and alarms_response_minutes"),
    ],
)
def test_settings_that_cloudwatch_does_not_take_are_told(variables: dict[str, Any], problem: str) -> None:
    said = render("{{ __alarms_problems }}", **variables)
    assert len(said) == bool(problem)
    assert "".join(said).startswith(problem)
