"""The errors of preflight that come from AWS, in words."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.preflight.errors import (
    key_pair,
    no_answer,
    refusal,
    unknown_region,
)


@pytest.mark.parametrize(
    ("region", "answer"),
    [
        ("us-east-1", None),
        ("us-est-1", "AWS has no region `us-est-1`: did you mean `us-east-1`? Correct mcp_region (or update boto3)."),
        ("moon", "AWS has no region `moon`. Correct mcp_region (or update boto3)."),
    ],
)
def test_unknown_region(region: str, answer: str | None) -> None:
    assert unknown_region(region, ["us-east-1", "eu-central-1"]) == answer


@pytest.mark.parametrize(
    ("code", "cause", "remedy"),
    [
        ("InvalidClientTokenId", "refuses the credentials", "Correct the access key"),
        ("AuthFailure", "refuses the credentials", "Correct the access key"),
        ("ExpiredToken", "have expired", "Replace them"),
        ("UnauthorizedOperation", "may not describe images", "allowed"),
        ("InternalError", "did not describe images", "text"),
    ],
)
def test_refusal(code: str, cause: str, remedy: str) -> None:
    message = refusal(code, "text", "describe images")
    assert cause in message
    assert remedy in message


@pytest.mark.parametrize(
    ("kind", "endpoint", "cause", "remedy"),
    [
        ("NoCredentialsError", None, "no AWS credentials", "Give an access key"),
        ("EndpointConnectionError", "http://x", "not reached", "endpoint_url"),
        ("EndpointConnectionError", None, "not reached", "internet"),
        ("SSLError", "https://x", "not trusted", "AWS_CA_BUNDLE"),
        ("SomethingNewError", None, "SomethingNewError", "mcp_aws_connection"),
    ],
)
def test_no_answer(kind: str, endpoint: str | None, cause: str, remedy: str) -> None:
    message = no_answer(kind, "why", endpoint)
    assert cause in message
    assert remedy in message


@pytest.mark.parametrize(
    ("local", "remote", "cause"),
    [
        (None, None, None),
        ("ssh-ed25519 AAAA me", None, None),
        ("ssh-ed25519 AAAA me", "ssh-ed25519 AAAA", None),
        (None, "ssh-ed25519 AAAA", "its private key is not in"),
        ("ssh-ed25519 BBBB me", "ssh-ed25519 AAAA", "is not the one"),
    ],
)
def test_key_pair(local: str | None, remote: str | None, cause: str | None) -> None:
    problem = key_pair("mcp", "/key", local, remote)
    assert problem is None if cause is None else problem and cause in problem
