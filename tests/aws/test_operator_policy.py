"""The operator's policies: with exactly these rights every playbook runs, and none is more than is asked for."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.aws.docs import least_privilege, operator_policy
from ansible_collections.mcp.aws.lab import policies, rights
from ansible_collections.mcp.aws.tests.aws import life

EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ROOT = Path(__file__).parents[2]


def document(name: str) -> dict[str, Any]:
    """Return a policy of docs/iam."""
    return dict(json.loads((ROOT / "docs" / "iam" / f"{name}.json").read_text()))


def without(policy: dict[str, Any], action: str) -> dict[str, Any]:
    """Return a policy without an action."""
    kept = [one | {"Action": [each for each in one["Action"] if each != action]} for one in policy["Statement"]]
    return policy | {"Statement": kept}


@dataclass
class Office:
    """An account in which everybody has a name, a key and a policy."""

    account: Any
    log: Path
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)

    def hire(self, name: str, policy: dict[str, Any]) -> None:
        """Make a user with a policy."""
        iam = self.account.client("iam")
        iam.create_user(UserName=name)
        arn = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(policy))["Policy"]["Arn"]
        iam.attach_user_policy(UserName=name, PolicyArn=arn)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.keys[name] = (key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Return an account that asks policies, with an administrator, a novice, and an operator for each playbook."""
    with life.account(tmp_path_factory.mktemp("operator")) as (account, log):
        office = Office(account, log)
        office.hire("administrator", EVERYTHING)
        office.hire("novice", without(document("operator"), "logs:CreateLogGroup"))
        for name in (*life.PLAYBOOKS, "hosts"):
            office.hire(name, document("operator"))
        account.require_credentials(valid=True)
        yield office


@pytest.fixture(scope="module")
def problems(office: Office) -> list[str]:
    """Return what went wrong in a whole life."""
    problems = [life.problem(name, run) for name, run in life.Life(office.account, office.keys).live()]
    return [problem for problem in problems if problem]


@pytest.fixture(scope="module")
def lines(office: Office, problems: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Return what was asked in it, denied or not."""
    return life.by_playbook(office.log, office.keys)


def test_every_playbook_runs_with_the_rights_of_the_operator(problems: list[str]) -> None:
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("name", life.PLAYBOOKS)
def test_the_documents_have_what_is_asked_for_and_no_more(lines: dict[str, list[dict[str, Any]]], name: str) -> None:
    asked = {line["action"] for line in lines[name]}
    written = least_privilege.actions_of(document(name))
    wrong = [f"{action} is missing" for action in sorted(asked - written)]
    wrong += [f"{action} is superfluous" for action in sorted(written - asked)]
    assert not wrong, f"docs/iam/{name}.json: {', '.join(wrong)}; call `make iam-policy`"


@pytest.mark.parametrize("name", life.PLAYBOOKS)
def test_a_playbooks_own_document_is_enough_for_it(lines: dict[str, list[dict[str, Any]]], name: str) -> None:
    asked = [rights.Right(line["action"], line["resource"], line["context"]) for line in lines[name]]
    denied = {f"{right.action} on {right.resource}" for right in asked if not policies.allowed([document(name)], right)}
    assert not denied, f"docs/iam/{name}.json does not allow {', '.join(sorted(denied))}"


def test_the_documents_are_as_they_would_be_written(lines: dict[str, list[dict[str, Any]]]) -> None:
    for name, text in operator_policy.documents(lines).items():
        assert (ROOT / "docs" / "iam" / name).read_text() == text, f"docs/iam/{name} is not current: `make iam-policy`"


def test_the_policy_of_the_operator_fits_a_managed_policy() -> None:
    assert least_privilege.size(document("operator")) <= least_privilege.LIMIT


def test_a_right_that_is_missing_is_named(office: Office, problems: list[str]) -> None:
    process = life.Life(office.account, office.keys).begin("novice", "provision", "--tags", "logs")
    run = office.account.end(process)
    assert run.status != 0
    assert "is not authorized to perform: logs:CreateLogGroup" in run.said
