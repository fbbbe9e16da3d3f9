"""The life of a deployment as its operator lives it: every playbook in turn, each with a key of its own.

The keys tell in the API's log which playbook asked for what. Plays on hosts are left out, as there are none: what they
ask of AWS from the control node is in life_hosts.yml.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml
from ansible_collections.mcp.aws.tests.aws.deployment import ROOT, Account, Run
from ansible_collections.mcp.aws.tests.aws.spoil import EVERYTHING, spoil

NAME, ACCOUNT = "mcp-example", "123456789012"
TAGS = {"mcp:name": NAME, "mcp:collection": "mcp.aws"}
PLAYBOOKS = ("preflight", "plan", "provision", "configure", "deploy", "verify", "rotate_secrets", "teardown")
HOSTS = "../tests/aws/life_hosts"
# What the playbooks ask for that the key of `hosts` is used for, beside what they ask for themselves.
ON_HOSTS = ("plan", "configure", "deploy", "verify", "rotate_secrets")
# What is not asked for by default; the repair goes back to the defaults, except for what it enlarges.
OPTIONS = {
    "alarms_subscriptions": [{"protocol": "sqs", "endpoint": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{NAME}"}],
    "identity_managed_policies": [f"arn:aws:iam::{ACCOUNT}:policy/{NAME}-extra"],
    "instance_count": 2,
    "instance_elastic_ip": True,
    "load_balancer_sticky": True,
}
CHANGED = {"instance_type": "t3.micro", "instance_volume_size": 24, "network_client_cidrs": ["203.0.113.0/24"]}
# As if a host had been measured, so that its entry in the log is looked for.
MEASURED = {"health_state": {"started": 1_700_000_000, "log_pattern": "none", "checks": []}, "health_log_deadline": 1}
Keys = Mapping[str, tuple[str, str]]


@contextmanager
def account(folder: Path) -> Iterator[tuple[Account, Path]]:
    """Open an empty account that logs what it is asked; close it at the end."""
    file, log, server = folder / "aws.json", folder / "calls.jsonl", str(Path(__file__).with_name("server.py"))
    subprocess.run([sys.executable, server, "start", str(file), str(log)], check=True)
    try:
        yield Account(json.loads(file.read_text())["endpoint"], folder), log
    finally:
        subprocess.run([sys.executable, server, "stop", str(file)], check=True)


def by_playbook(log: Path, keys: Keys) -> dict[str, list[dict[str, Any]]]:
    """Return the log's lines by the playbook that asked."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    used = {
        name: [line for line in lines if line["access_key"] == access_key] for name, (access_key, _) in keys.items()
    }
    return {name: used[name] + (used["hosts"] if name in ON_HOSTS else []) for name in PLAYBOOKS}


def problem(playbook: str, run: Run) -> str | None:
    """Return what went wrong, None when all is well. What measures hosts is red, as there are none."""
    judged = playbook in ("plan", "verify", "rotate_secrets") and "Red:" in run.said
    return None if run.status == 0 or judged else f"{playbook} failed:\n{run.output[-4000:]}"


@dataclass
class Life:
    """One account, whose playbooks and administrator have keys of their own."""

    account: Account
    keys: Keys

    def client(self, service: str) -> Any:
        """Return a client of the administrator."""
        session: Any = boto3.Session(*self.keys["administrator"], region_name="us-east-1")
        return session.client(service, endpoint_url=self.account.endpoint)

    def live(self) -> Iterator[tuple[str, Run]]:
        """Run everything; yield each playbook with its run."""
        self.client("iam").create_policy(PolicyName=f"{NAME}-extra", PolicyDocument=EVERYTHING)
        yield from self.at_once(("preflight",), ("plan", "site", "--check"), **OPTIONS)
        yield from self.at_once(("provision",), **OPTIONS)
        yield from self.at_once(("provision",), ("preflight",), **OPTIONS)
        spoil(self.client, NAME)
        yield from self.at_once(("plan", "site", "--check"), **CHANGED, **MEASURED)
        yield from self.at_once(("provision",), **CHANGED)
        yield from self.at_once(("verify",), ("rotate_secrets",), ("hosts", HOSTS), **MEASURED)
        self.fill()
        yield from self.at_once(("teardown",), teardown_confirm=NAME, storage_delete_bucket=True)

    def fill(self) -> None:
        """Leave what a teardown meets only where options are used: a backup, and an elastic address."""
        self.client("s3").put_object(Bucket=f"{NAME}-{ACCOUNT}", Key="backups/one", Body=b"one")
        ec2 = self.client("ec2")
        tags = [{"Key": key, "Value": value} for key, value in TAGS.items()]
        address = ec2.allocate_address(TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": tags}])
        running = [{"Name": "instance-state-name", "Values": ["running"]}]
        instance = ec2.describe_instances(Filters=running)["Reservations"][0]["Instances"][0]
        ec2.associate_address(AllocationId=address["AllocationId"], InstanceId=instance["InstanceId"])

    def at_once(self, *steps: tuple[str, ...], **variables: Any) -> Iterator[tuple[str, Run]]:
        """Run playbooks side by side: whose key, the playbook where it is another, and options."""
        begun = [(key, self.begin(key, *(said or (key,)), **variables)) for key, *said in steps]
        yield from ((key, Account.end(process)) for key, process in begun)

    def begin(self, key: str, playbook: str, *options: str, **variables: Any) -> subprocess.Popen[str]:
        """Start a playbook with the inventory that production has, on no host."""
        access_key, secret_key = self.keys[key]
        connection = {"endpoint_url": self.account.endpoint, "access_key": access_key, "secret_key": secret_key}
        inventory = yaml.safe_load((ROOT / "inventory/production/aws_ec2.yml").read_text()) | connection
        inventory |= {"regions": ["us-east-1"], "filters": inventory["filters"] | {"tag:mcp:name": NAME}}
        file = self.account.folder / key / "aws_ec2.yml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump(inventory))
        said = {"mcp_name": NAME, "mcp_tags": TAGS, "mcp_aws_connection": {"region": "us-east-1", **connection}}
        # A limit leaves localhost out where no inventory names it.
        limit = ("-i", "localhost,", "-i", str(file), "--limit", "!mcp_servers")
        return self.account.begin(playbook, *limit, *options, **(said | variables))
