"""Bad input: one clear message, an exit status that is not 0, and an account in which nothing was made."""

from __future__ import annotations

from typing import Any

import pytest
from deployment import ACCESS_KEY, SECRET_KEY, Account, Run

CONNECTION = {"region": "us-east-1", "endpoint_url": "ENDPOINT", "access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "several at once": (
        {"postgresql_prot": 5432, "instance_type": "t9.nano", "instance_image_name": "debian-99-*"},
        [
            "`postgresql_prot` (extra variable) is not a variable of `postgresql`: did you mean `postgresql_port`?",
            "There is no image `debian-99-*` of the account 136693071363 in us-east-1. Correct instance_image_owner",
            "No zone of us-east-1 offers the instance type `t9.nano`. Correct instance_type",
        ],
    ),
    "image by id": (
        {"instance_image_id": "ami-00000000000000000"},
        ["There is no image `ami-00000000000000000` in us-east-1."],
    ),
    "unreachable endpoint": (
        {"mcp_aws_connection": CONNECTION | {"endpoint_url": "http://127.0.0.1:9"}},
        ["AWS is not reached", "Is the service at endpoint_url in mcp_aws_connection running?"],
    ),
    "unknown region": (
        {"mcp_aws_connection": CONNECTION | {"region": "us-est-1"}},
        ["AWS has no region `us-est-1`: did you mean", "Correct mcp_region"],
    ),
    "missing credentials": (
        {"mcp_aws_connection": {"region": "us-east-1", "endpoint_url": "ENDPOINT"}},
        ["There are no AWS credentials (Unable to locate credentials). Give an access key and a secret key in"],
    ),
    "SSH from everywhere": (
        {"network_admin_cidrs": ["198.51.100.0/24", "0.0.0.0/0"]},
        ["this opens port 22 to the whole internet. Name the addresses that administrators come from"],
    ),
    "bad name": (
        {"mcp_name": "My_Server"},
        ["registry_name is `My_Server`: ECR takes", "It follows mcp_name unless it is given."],
    ),
}


@pytest.fixture(scope="module")
def runs(account: Account, monkeypatch_module: pytest.MonkeyPatch) -> dict[str, Run]:
    """Return the runs of all cases, two at a time."""
    found: dict[str, Run] = {}
    names = list(CASES)
    for pair in (names[i : i + 2] for i in range(0, len(names), 2)):
        started = {name: account.begin("preflight", **filled(account, CASES[name][0])) for name in pair}
        found |= {name: Account.end(process) for name, process in started.items()}
    return found


@pytest.fixture(scope="module")
def monkeypatch_module(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Hide every credential that the machine itself has."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path_factory.mktemp("empty") / "credentials"))
        yield patch


def filled(account: Account, variables: dict[str, Any]) -> dict[str, Any]:
    """Put the account's endpoint in."""
    connection = variables.get("mcp_aws_connection", {})
    if connection.get("endpoint_url") == "ENDPOINT":
        return variables | {"mcp_aws_connection": connection | {"endpoint_url": account.endpoint}}
    return variables


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_named_with_its_remedy(runs: dict[str, Run], case: str) -> None:
    assert runs[case].status != 0
    for sentence in CASES[case][1]:
        assert sentence in runs[case].said
    assert runs[case].output.count("fatal:") == 1


def test_wrong_credentials_are_named(account: Account) -> None:
    account.require_credentials(valid=True)
    try:
        run = account.run("preflight")
    finally:
        account.require_credentials(valid=False)
    assert run.status != 0
    assert "AWS refuses the credentials (InvalidClientTokenId" in run.said
    assert "Correct the access key and the secret key in mcp_aws_connection" in run.said


def test_provision_itself_refuses_ssh_from_everywhere_before_it_makes_anything(account: Account) -> None:
    before = account.client("ec2").describe_vpcs()["Vpcs"]
    run = account.run("provision", network_admin_cidrs=["0.0.0.0/0"])
    assert run.status != 0
    assert "this opens port 22 to the whole internet" in run.said
    assert account.client("ec2").describe_vpcs()["Vpcs"] == before
