"""AWS on its bad days: throttled for a while or for ever, late with what was made, credentials that end half-way."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deployment import ACCESS_KEY, Account
from resources import resources

DEADLINE = 60  # seconds that a run may go on asking services that never answer
HALF_WAY = 70  # requests, of some 200


def faults(account: Account, **wanted: dict[str, Any]) -> None:
    """Begin these faults and end all others."""
    ask(account, "PUT", json.dumps(wanted).encode())


def ask(account: Account, method: str, body: bytes = b"") -> dict[str, int]:
    """Return the number of requests that each fault has refused."""
    request = urllib.request.Request(f"{account.endpoint}/faults", body or None, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return dict(json.load(answer))


def kinds(account: Account) -> Counter[str]:
    """Return how many resources of each kind there are."""
    return Counter(name.partition("/")[0] for name in resources(account.client))


@pytest.fixture
def fresh(empty: Account, tmp_path: Path) -> Iterator[Account]:
    """Return an empty account."""
    with empty.copy(tmp_path) as account:
        yield account


def test_a_throttled_run_waits_and_arrives(fresh: Account) -> None:
    faults(fresh, throttling={"seconds": 2})
    run = fresh.run("provision")
    assert run.status == 0, run.output
    assert ask(fresh, "GET")["throttling"] > 0


def test_throttling_without_end_stops_a_run_before_it_begins(fresh: Account) -> None:
    faults(fresh, throttling={})
    began = time.monotonic()
    run = fresh.run("provision")
    assert time.monotonic() - began < DEADLINE
    assert run.status != 0
    assert run.output.count("fatal: [localhost]") == 1, run.output
    assert "AWS has had too many requests to tell who is asking" in run.said
    faults(fresh)
    assert kinds(fresh) == Counter()


def test_what_was_just_made_is_waited_for_and_made_once(fresh: Account) -> None:
    faults(fresh, consistency={"seconds": 2})
    run = fresh.run("provision")
    assert run.status == 0, run.output
    assert ask(fresh, "GET")["consistency"] > 0
    made = resources(fresh.client)
    again = fresh.run("provision")
    assert (again.status, again.changed) == (0, 0), again.output
    assert resources(fresh.client) == made


def test_credentials_that_end_half_way_are_named_and_what_was_made_stays(fresh: Account) -> None:
    faults(fresh, expiry={"access_key": ACCESS_KEY, "after": HALF_WAY})
    run = fresh.run("provision")
    assert run.status != 0
    assert run.output.count("fatal: [localhost]") == 2, run.output  # the task, and the report of it
    assert "The credentials have expired" in run.said
    assert "Run the playbook again: it goes on from there" in run.said
    faults(fresh)
    left = kinds(fresh)
    faults(fresh, expiry={"access_key": ACCESS_KEY, "after": 0})
    renewed = fresh.variables()["mcp_aws_connection"] | {"access_key": "another-key-of-nobody"}
    done, again = (fresh.run("provision", mcp_aws_connection=renewed) for _ in range(2))
    assert done.status == 0, done.output
    assert (again.status, again.changed) == (0, 0), again.output
    faults(fresh)
    assert left <= kinds(fresh)


def test_a_right_that_is_missing_for_secrets_is_named_although_their_values_are_hidden(fresh: Account) -> None:
    faults(fresh, denial={"operation": "PutParameter"})
    run = fresh.run("rotate_secrets")
    assert run.status != 0
    assert ask(fresh, "GET")["denial"] > 0
    assert "Create the missing secrets: The credentials may not do this (AccessDeniedException" in run.said
    assert "not authorized to perform: ssm:PutParameter" in run.said
