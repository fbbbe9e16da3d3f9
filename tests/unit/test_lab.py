"""What the lab decides without a host: which resource a request names, and what the metadata service lists."""

from typing import Any

import pytest

from lab.arns import named
from lab.calls import Call
from lab.hosts import least_used
from lab.metadata import child, listing

ARN = "arn:aws:{}:eu-west-1:123456789012:{}"


@pytest.mark.parametrize(
    ("service", "parameters", "expected"),
    [
        ("logs", {"logGroupName": "/mcp/a", "logStreamName": "b"}, ARN.format("logs", "log-group:/mcp/a:log-stream:b")),
        ("logs", {"logGroupName": "/mcp/a"}, ARN.format("logs", "log-group:/mcp/a:log-stream:")),
        ("ssm", {"Name": "/mcp/token"}, ARN.format("ssm", "parameter/mcp/token")),
        ("ssm", {"Names": ["/mcp/token"]}, ARN.format("ssm", "parameter/mcp/token")),
        ("ssm", {"Path": "/mcp/"}, ARN.format("ssm", "parameter/mcp")),
        ("ecr", {"repositoryName": "mcp"}, ARN.format("ecr", "repository/mcp")),
        ("ecr", {}, ""),
        ("ec2", {"Name": "x"}, ""),
    ],
)
def test_resource_of_a_request(service: str, parameters: dict[str, Any], expected: str) -> None:
    found = named(Call("key", "eu-west-1", service, "Operation", parameters))
    assert found == ([expected] if expected else [])


def test_folders_end_with_a_slash_but_keys_do_not() -> None:
    assert list(listing({"a": "leaf", "b": {}, "0=key": {}})) == ["a", "b/", "0=key"]


def test_a_key_is_found_by_its_number() -> None:
    folder = {"0=key": {"openssh-key": "ssh-ed25519"}}
    assert child(folder, "0") == {"openssh-key": "ssh-ed25519"}
    assert child(folder, "1") is None


def test_a_new_host_gets_the_processor_that_the_fewest_hosts_have() -> None:
    assert least_used([0, 1], []) == [0, 1]
    assert least_used([0, 1], ["0"]) == [1, 0]
    assert least_used([0, 1, 2], ["0,1", "1", "2", "0"]) == [2, 0, 1]
