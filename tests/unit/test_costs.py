"""What a deployment costs: each line by what the price depends on, and the table that is in docs/."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from ansible_collections.mcp.aws.docs.costs import DOCS, Deployment, Price, bill, deployment, metrics, total

KNOWN: dict[str, Any] = yaml.safe_load((DOCS / "prices.yml").read_text())
ONE = Deployment(
    instance_type="t2.micro",
    instances=1,
    volume_gb=16,
    zones=2,
    images=10,
    log_days=30,
    secrets=3,
    alarms=7,
    alarm_metrics=9,
)


def costs(**changes: Any) -> dict[str, float]:
    """Return the dollars of each line."""
    return {line.resource: line.usd for line in bill(replace(ONE, **changes), KNOWN)}


@pytest.mark.parametrize(
    ("changes", "resource", "usd"),
    [
        ({}, "EC2 instance t2.micro", 730 * 0.0116),
        ({"instances": 4}, "EC2 instance t2.micro", 4 * 730 * 0.0116),
        ({"instance_type": "t3.small"}, "EC2 instance t3.small", 730 * 0.0208),
        ({"volume_gb": 100}, "Volume gp3, encrypted", 8),
        ({"instances": 4, "volume_gb": 100}, "Volume gp3, encrypted", 32),
        ({}, "Public IPv4 address", 3 * 730 * 0.005),
        ({"instances": 16}, "Public IPv4 address", 18 * 730 * 0.005),
        ({"instances": 16}, "Application load balancer", 730 * 0.0225),
        ({"images": 100}, "ECR repository", 3),
        ({"log_days": 365}, "Log group, kept", 5 * 365 / 30 * 0.03),
        ({"alarm_metrics": 21}, "CloudWatch alarm", 2.10),
        ({"secrets": 100}, "SSM parameter, SecureString", 0),
    ],
)
def test_a_line(changes: dict[str, Any], resource: str, usd: float) -> None:
    assert costs(**changes)[resource] == pytest.approx(usd)


@pytest.mark.parametrize(
    ("alarm", "number"),
    [
        ({"MetricName": "CPUUtilization"}, 1),
        ({"Metrics": [{"MetricStat": {}}, {"Expression": "m1"}]}, 1),
        ({"Metrics": [{"MetricStat": {}}, {"MetricStat": {}}, {"Expression": "m1 / m2"}]}, 2),
    ],
)
def test_metric_math_is_paid_by_what_it_reads(alarm: dict[str, Any], number: int) -> None:
    assert metrics(alarm) == number


@pytest.mark.parametrize(
    ("usd", "text"),
    [(0, "0.00 / h"), (3, "3.00 / h"), (0.1, "0.10 / h"), (0.0116, "0.0116 / h"), (0.00002, "0.00002 / h")],
)
def test_a_price_has_two_decimals_and_as_many_as_it_needs(usd: float, text: str) -> None:
    assert str(Price(usd, "h", "")) == text


@pytest.mark.parametrize("instances", [1, 4])
def test_a_deployment_by_the_defaults_has_the_alarms_of_its_role(instances: int) -> None:
    assert deployment(instances).alarms == 4 * instances + 3


def test_every_price_is_used_but_those_of_other_instance_types() -> None:
    used = {line.price for line in bill(ONE, KNOWN)}
    assert {Price(**price) for name, price in KNOWN["prices"].items() if "." not in name} <= used


def test_an_instance_type_without_a_price_is_named() -> None:
    with pytest.raises(SystemExit, match=r"docs/prices\.yml has no price of the instance type p5\.48xlarge"):
        costs(instance_type="p5.48xlarge")


def test_the_total_is_that_of_the_rounded_lines_and_below_the_anchor() -> None:
    lines = list(bill(ONE, KNOWN))
    assert total(lines) == pytest.approx(sum(float(f"{line.usd:.2f}") for line in lines))
    assert total(lines) < KNOWN["anchor"]["usd"] / 3
