"""What the lab decides without a host: which resource a request names, and what the metadata service lists."""

import time
from pathlib import Path
from typing import Any

import pytest

from lab import daemons
from lab.arns import named
from lab.calls import Call
from lab.hosts import least_used
from lab.metadata import child, listing
from lab.network import PublicAddresses
from lab.shell import LabError

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


def test_public_addresses_go_round_without_those_that_lead_to_a_host() -> None:
    taken = {"198.18.0.2"}
    address = PublicAddresses(lambda: taken)
    assert [address(), address()] == ["198.18.0.1", "198.18.0.3"]
    taken |= {f"198.18.0.{number}" for number in range(1, 255) if number != 200}
    assert [address(), address()] == ["198.18.0.200"] * 2
    taken.add("198.18.0.200")
    with pytest.raises(LabError, match="All 254 public addresses"):
        address()


def test_a_daemon_is_started_anew_when_what_it_reads_changed_and_ends_even_if_it_does_not_want_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemons, "RUN", tmp_path)
    monkeypatch.setattr(daemons, "LOGS", tmp_path)
    configuration = tmp_path / "configuration"
    configuration.write_text("one")
    command = ("sh", "-c", "trap '' TERM; echo started; while :; do sleep 0.1; done")

    def start() -> str:
        daemons.start("stubborn", *command, reads=[configuration])
        return (tmp_path / "stubborn.pid").read_text()

    monkeypatch.setattr(daemons, "SLOW", 0.5)
    try:
        first = start()
        assert start() == first
        for _ in range(100):
            if "started" in daemons.log_of("stubborn").read_text():
                break
            time.sleep(0.05)
        configuration.write_text("two")
        assert not daemons.is_current("stubborn", [configuration], *command)
        assert start() != first
    finally:
        daemons.stop("stubborn")
    assert not daemons.is_running("stubborn")
