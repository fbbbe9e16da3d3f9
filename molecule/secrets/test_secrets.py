"""The parameters of role secrets, read back with boto3."""

from __future__ import annotations

import pytest
from aws_account import Clients, by_key

NAMES = ["database_password", "redis_password", "token"]


@pytest.mark.parametrize("secret", NAMES)
def test_a_secret_is_encrypted_random_made_once_and_tagged(
    aws: Clients, name: str, tags: dict[str, str], secret: str
) -> None:
    ssm = aws("ssm")
    parameter = ssm.get_parameter(Name=f"/{name}/{secret}", WithDecryption=True)["Parameter"]
    assert parameter["Type"] == "SecureString"
    assert parameter["Version"] == 1
    assert len(parameter["Value"]) == 32
    assert parameter["Value"].isalnum()
    found = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=f"/{name}/{secret}")["TagList"]
    assert by_key(found) == tags


def test_no_two_secrets_are_the_same(aws: Clients, name: str) -> None:
    answer = aws("ssm").get_parameters(Names=[f"/{name}/{secret}" for secret in NAMES], WithDecryption=True)
    assert len({parameter["Value"] for parameter in answer["Parameters"]}) == len(NAMES)
