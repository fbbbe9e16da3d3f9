"""The playbook preflight where it has little to say: on an empty account, and where everything is there and ours."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from deployment import Account
from neighbour import present
from resources import resources

ACME = {"mcp_name": "acme", "mcp_tags": {"mcp:name": "acme"}, "storage_bucket_name": "acme-bucket"}


@pytest.fixture(scope="module")
def full(own_account: Account) -> Iterator[Account]:
    """Return an account with our VPC, as many of others as the quota allows, and everything under our names ours."""
    ec2 = own_account.client("ec2")
    for number in (20, 21, 22, 23):
        ours = [{"ResourceType": "vpc", "Tags": [{"Key": "mcp:name", "Value": "acme"}]}] if number == 20 else []
        ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16", TagSpecifications=ours)
    with present(own_account.client, {"mcp:name": "acme"}):
        yield own_account


@pytest.mark.parametrize("options", [[], ["--check"]], ids=["run", "check"])
def test_on_an_empty_account_it_says_what_it_looked_at_and_makes_nothing(account: Account, options: list[str]) -> None:
    client = cache(account.client)
    before = resources(client)
    run = account.run("preflight", *options)
    assert (run.status, run.changed) == (0, 0), run.output
    assert (
        "All preflight checks passed: settings, region, credentials, zones, image and vCPUs, key pair, "
        "network, 11 names."
    ) in run.said
    assert resources(client) == before
    assert not (account.folder / "keys").exists()


def test_it_asks_from_the_resident_interpreter(account: Account) -> None:
    run = account.run("preflight", "-vvv")
    assert run.status == 0, run.output
    assert "ESTABLISH LOCAL CONNECTION" not in run.output


def test_what_is_there_and_ours_is_in_nobodys_way(full: Account) -> None:
    run = full.run("preflight", **ACME, identity_key_name="free")
    assert (run.status, run.changed) == (0, 0), run.output
    assert "VPCs are in use" not in run.said


def test_a_key_that_is_elsewhere_and_a_certificate_to_come_are_told_together(full: Account) -> None:
    arn = full.client("acm").request_certificate(DomainName="mcp.example.org")["CertificateArn"]
    run = full.run("preflight", **ACME, load_balancer_certificate_arn=arn, network_client_ports=[80, 443])
    assert run.status != 0
    assert "Preflight checks failed with 2 errors; nothing was changed." in run.said
    assert "EC2 has the key pair `acme`, but its private key is not in" in run.said
    assert f"The certificate {arn} is PENDING_VALIDATION, and a listener takes only one that is ISSUED." in run.said
