"""The account of the AWS tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import Account


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Return the account of the session."""
    folder = tmp_path_factory.mktemp("aws")
    file, server = folder / "aws.json", str(Path(__file__).with_name("server.py"))
    subprocess.run([sys.executable, server, "start", str(file)], check=True)
    yield Account(json.loads(file.read_text())["endpoint"], folder)
    subprocess.run([sys.executable, server, "stop", str(file)], check=True)
