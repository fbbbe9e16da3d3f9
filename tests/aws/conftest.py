"""The accounts of the AWS tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import strangers
from deployment import Account, Deployed


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Return an empty account, of which every other one is a copy: moto is imported once."""
    folder = tmp_path_factory.mktemp("empty")
    file, server = folder / "aws.json", str(Path(__file__).with_name("server.py"))
    subprocess.run([sys.executable, server, "start", str(file)], check=True)
    yield Account(json.loads(file.read_text())["endpoint"], folder)
    subprocess.run([sys.executable, server, "stop", str(file)], check=True)


@pytest.fixture(scope="session")
def account(empty: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Return the account of the session."""
    with empty.copy(tmp_path_factory.mktemp("aws")) as account:
        yield account


@pytest.fixture(scope="module")
def own_account(empty: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Return an account that no other module of tests sees."""
    with empty.copy(tmp_path_factory.mktemp("own")) as account:
        yield account


@pytest.fixture(scope="session")
def deployed(empty: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Return an account of its own that holds a whole deployment beside things of others."""
    with empty.copy(tmp_path_factory.mktemp("deployed")) as account:
        strangers.make(account)
        yield Deployed(account, account.run("provision"))
