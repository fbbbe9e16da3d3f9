"""Fixtures of the AWS scenarios: the account to read back, its names and tags, and the role to apply and delete."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

Clients = Callable[[str], Any]


@pytest.fixture(scope="session")
def folder() -> Path:
    """Return the scenario's folder for files of a run."""
    return Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])


@pytest.fixture(scope="session")
def aws(folder: Path) -> Clients:
    """Return a function that makes a boto3 client of a service."""
    endpoint = json.loads((folder / "aws.json").read_text())["endpoint"]
    session: Any = boto3.Session("test", "test", region_name="us-east-1")
    return lambda service: session.client(service, endpoint_url=endpoint)


@pytest.fixture(scope="session")
def name() -> str:
    """Return the deployment's name."""
    return "mcp-test-" + os.environ["MOLECULE_SCENARIO_NAME"].replace("_", "-")


@pytest.fixture(scope="session")
def tags(name: str) -> dict[str, str]:
    """Return the tags that every resource bears."""
    return {"mcp:name": name, "mcp:collection": "mcp.aws"}


def by_key(tag_list: list[dict[str, str]]) -> dict[str, str]:
    """Turn a list of Key and Value into a dictionary."""
    return {tag["Key"]: tag["Value"] for tag in tag_list}


@dataclass(frozen=True)
class Outcome:
    """What came of a playbook: `changes` are the role's tasks that changed something, `Task` or `Task: item`."""

    ok: bool
    changes: list[str]
    message: str
    output: str


@dataclass(frozen=True)
class Role:
    """The role that the scenario is named after, applied and taken back as often as a test wants."""

    scenario: Path
    folder: Path

    def converge(self, *, check: bool = False, **variables: Any) -> Outcome:
        """Apply the role, with variables that stand above the scenario's own."""
        return self._play("aws_converge.yml", check, variables)

    def delete(self, *, check: bool = False, **variables: Any) -> Outcome:
        """Delete what the role made."""
        return self._play("aws_delete.yml", check, variables)

    def _play(self, playbook: str, check: bool, variables: dict[str, Any]) -> Outcome:
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(self.folder / "inventory")]
        command += ["-e", json.dumps(variables), *["--check"][: int(check)]]
        environment = os.environ | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_VERBOSITY": "0"}
        done = subprocess.run(
            [*command, str(self.scenario.parent / "shared" / playbook)],
            capture_output=True,
            text=True,
            env=environment,
            timeout=300,
        )
        return read_outcome(self.scenario.name, done)


def read_outcome(role: str, done: subprocess.CompletedProcess[str]) -> Outcome:
    """Read what the JSON callback printed; a playbook that did not get as far as a task is its own message."""
    output = done.stdout + done.stderr
    start = done.stdout.find("{\n")
    if start < 0:
        return Outcome(False, [], output, output)
    plays = json.loads(done.stdout[start:])["plays"]
    changes: list[str] = []
    messages: list[str] = []
    for task in (task for play in plays for task in play["tasks"]):
        prefix, _, name = task["task"]["name"].rpartition(" : ")
        for result in task["hosts"].values():
            items = result.get("results") or [result]
            if prefix.rpartition(".")[2] == role:
                changes += [label(name, item) for item in items if item.get("changed")]
            messages += [str(item.get("msg", item)) for item in items if item.get("failed")]
    return Outcome(done.returncode == 0, sorted(changes), "\n".join(messages), output)


def label(name: str, item: dict[str, Any]) -> str:
    """Return a task's name, with the item where it loops."""
    if "ansible_loop_var" not in item:
        return name
    return f"{name}: {item.get('_ansible_item_label', item.get(item['ansible_loop_var'], ''))}"


@pytest.fixture(scope="session")
def role(folder: Path) -> Role:
    """Return the role under test."""
    return Role(Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"]), folder)
