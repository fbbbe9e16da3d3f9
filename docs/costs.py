"""Write docs/costs.md from docs/prices.yml and the roles' defaults, or with --check say whether it is current."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

DOCS = Path(__file__).resolve().parent
ROLES = DOCS.parent / "roles"
NUMBERS = (4, 16)  # of instances, beside the default
TEXT = """\
<!-- Written by docs/costs.py from docs/prices.yml and the roles' defaults: change these and call `make docs`. -->
# What a deployment costs

List prices of {region} as known in {known}, in USD, for a month of {hours} hours, with the roles' defaults.
Neither a free tier nor a free allowance is taken off, so that a real bill is lower: CloudWatch gives three dashboards,
ten alarm metrics and 5 GB of logs, SNS 1000 mails, EC2 100 GB of traffic. What has no price is left out: VPC, subnets,
routes, security groups, IAM role, instance profile, key pair.

| resource | how many | assumed use | price | monthly USD | AWS's page |
|---|---|---|---|---|---|
{rows}
| **total** | | | | **{total:.2f}** | |

{more}

The anchor is *{name}*:
{anchor:.2f} USD a month. Of these, {traffic:.2f} are traffic, 2 TB through CloudFront. Without traffic and the capacity
units for it, it is {anchor_rest:.2f} there and {rest:.2f} here.
"""


@dataclass(frozen=True)
class Price:
    """A list price, and the page of AWS that has it."""

    usd: float
    per: str
    page: str

    def __str__(self) -> str:
        whole, decimals = f"{self.usd:.5f}".split(".")
        return f"{whole}.{decimals.rstrip('0'):0<2} / {self.per}"


@dataclass(frozen=True)
class Line:
    """A line of the bill: how many of a resource, what they are taken to use, and that in the price's unit."""

    resource: str
    number: int
    use: str
    quantity: float
    price: Price
    traffic: bool = False

    @property
    def usd(self) -> float:
        """Return the cost of a month."""
        return self.quantity * self.price.usd


@dataclass(frozen=True)
class Deployment:
    """What of the roles' settings has a price."""

    instance_type: str
    instances: int
    volume_gb: int
    zones: int
    images: int
    log_days: int
    secrets: int
    alarms: int
    alarm_metrics: int


def defaults(role: str, *files: str) -> dict[str, Any]:
    """Return a role's defaults, or its other variables."""
    found: dict[str, Any] = {}
    for file in files or ("defaults",):
        found |= yaml.safe_load((ROLES / role / file / "main.yml").read_text())
    return found


def deployment(instances: int | None = None) -> Deployment:
    """Return a deployment by the roles' defaults, with as many instances."""
    instance = defaults("instance")
    number = instances or int(instance["instance_count"])
    alarms = alarm_list(number, instance["instance_type"])
    return Deployment(
        instance_type=instance["instance_type"],
        instances=number,
        volume_gb=instance["instance_volume_size"],
        zones=len(defaults("network")["network_subnet_cidrs"]),
        images=defaults("registry")["registry_keep_images"],
        log_days=defaults("logs")["logs_retention_days"],
        secrets=len(defaults("secrets", "vars")["__secrets_own"]),
        alarms=len(alarms),
        alarm_metrics=sum(metrics(alarm) for alarm in alarms),
    )


def alarm_list(instances: int, instance_type: str) -> list[dict[str, Any]]:
    """Return the alarms that the role alarms keeps, in the words of PutMetricAlarm."""
    given = {
        "mcp_name": "mcp",
        "mcp_region": "us-east-1",
        "alarms_account_id": "123456789012",
        "alarms_instance_ids": [f"i-{number}" for number in range(instances)],
        "alarms_instance_type": instance_type,
        "alarms_load_balancer_arn": "arn:loadbalancer/app/mcp/1",
        "alarms_target_group_arn": "arn:targetgroup/mcp/1",
    }
    own = {name: trust(value) for name, value in defaults("alarms", "defaults", "vars").items()}
    text = trust_as_template((ROLES / "alarms" / "templates" / "alarms.yml.j2").read_text())
    rendered = Templar(loader=DataLoader(), variables=own | given).template(text, escape_backslashes=False)
    return list(yaml.safe_load(str(rendered)))


def trust(value: Any) -> Any:
    """Let Ansible evaluate the expressions in a value, as it does with what a role's own files hold."""
    if isinstance(value, dict):
        return {key: trust(each) for key, each in value.items()}
    return trust_as_template(value) if isinstance(value, str) else value


def metrics(alarm: Mapping[str, Any]) -> int:
    """Return how many metrics of an alarm are paid for: with metric math, each that it reads."""
    return sum("MetricStat" in query for query in alarm["Metrics"]) if "Metrics" in alarm else 1


def bill(what: Deployment, known: Mapping[str, Any]) -> Iterator[Line]:
    """Yield the lines of a month's bill; `known` is the content of prices.yml."""
    prices = {name: Price(**price) for name, price in known["prices"].items()}
    if what.instance_type not in prices:
        sys.exit(f"docs/prices.yml has no price of the instance type {what.instance_type}: add it there.")
    hours, use, count = known["hours"], known["use"], what.instances
    always, kept = f"{hours} h", use["logs_gb"] * what.log_days / 30
    images, addresses = what.images * use["image_gb"], count + what.zones
    yield Line(f"EC2 instance {what.instance_type}", count, always, count * hours, prices[what.instance_type])
    yield Line("Volume gp3, encrypted", count, f"{what.volume_gb} GB", count * what.volume_gb, prices["gp3"])
    each = f"{always}; each instance has one, the load balancer one in each zone"
    yield Line("Public IPv4 address", addresses, each, addresses * hours, prices["address"])
    yield Line("Application load balancer", 1, always, hours, prices["load_balancer"])
    yield Line("Its capacity units", 1, f"{use['lcu']:g} LCU on average", use["lcu"] * hours, prices["lcu"], True)
    gigabytes = use["transfer_gb"]
    yield Line("Traffic to the internet", 1, f"{gigabytes:g} GB", gigabytes, prices["transfer"], True)
    yield Line("S3 bucket", 1, f"{use['bucket_gb']:g} GB", use["bucket_gb"], prices["bucket"])
    kept_images = f"{what.images} images of {use['image_gb']:g} GB"
    yield Line("ECR repository", 1, kept_images, images, prices["repository"])
    yield Line("Log group, taken in", 1, f"{use['logs_gb']:g} GB", use["logs_gb"], prices["logs_taken"])
    yield Line("Log group, kept", 1, f"{what.log_days} days: {kept:g} GB", kept, prices["logs_kept"])
    read = f"{what.alarm_metrics} metrics"
    yield Line("CloudWatch alarm", what.alarms, read, what.alarm_metrics, prices["alarm"])
    yield Line("CloudWatch dashboard", 1, "", 1, prices["dashboard"])
    yield Line("SNS topic", 1, f"{use['mails']} mails", use["mails"], prices["mail"])
    yield Line("SSM parameter, SecureString", what.secrets, "", what.secrets, prices["parameter"])
    yield Line("S3 gateway endpoint", 1, "", 1, prices["endpoint"])


def total(lines: list[Line]) -> float:
    """Return the cost of all, each line rounded to cents as a bill does."""
    return sum(round(line.usd, 2) for line in lines)


def render(known: Mapping[str, Any]) -> str:
    """Return the document."""
    lines, anchor = list(bill(deployment(), known)), known["anchor"]
    rest = total([line for line in lines if not line.traffic])
    many = [f"{number} instances cost {total(list(bill(deployment(number), known))):.2f}" for number in NUMBERS]
    return TEXT.format(
        **{key: known[key] for key in ("region", "known", "hours")},
        rows="\n".join(row(line) for line in lines),
        total=total(lines),
        more=", ".join(many) + ".",
        name=anchor["name"],
        anchor=anchor["usd"],
        traffic=anchor["traffic_usd"],
        anchor_rest=anchor["usd"] - anchor["traffic_usd"],
        rest=rest,
    )


def row(line: Line) -> str:
    """Return a line of the bill as a row of the table."""
    cells = [line.resource, str(line.number), line.use, str(line.price), f"{line.usd:.2f}", line.price.page]
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Write the file, or with --check print what would change; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, end with 1 when the file is not current")
    check = parser.parse_args().check
    path, new = DOCS / "costs.md", render(yaml.safe_load((DOCS / "prices.yml").read_text()))
    old = path.read_text() if path.exists() else ""
    if check:
        lines = old.splitlines(True), new.splitlines(True)
        sys.stdout.writelines(difflib.unified_diff(*lines, "docs/costs.md", "generated"))
        return int(old != new)
    path.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
