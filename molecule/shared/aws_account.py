"""Fixtures of the AWS scenarios: the account to read back, and what its names and tags must be."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
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
