"""A server of an official SDK as it comes: deployed after the reference server, and taken back."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

from deploys import DOOR, Requests, deploy, packed, play, refused, serving
from questions import eventually
from testinfra.host import Host

FOLDER = Path(__file__).parents[2] / "tests/fixtures/plain"
# What vars.yml says of the reference server is not said of this one.
SERVER: dict[str, Any] = {
    "stack_repository": "/srv/plain",
    **dict.fromkeys(("stack_health_path", "stack_ready_path", "stack_websocket_path", "stack_token"), ""),
    **{name: {} for name in ("stack_environment", "stack_secrets")},
    "stack_smoke_test_tools": ["add"],
    "stack_smoke_test_tool": "",
}
MESSAGE = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
TOKEN = "molecule-token-of-32-characters-0"  # noqa: S105 (of a host that lives for minutes)


def status(host: Host, path: str) -> str:
    return host.check_output(f"curl -s -m 5 -o /dev/null -w '%{{http_code}}' {DOOR}{path}")


def release(host: Host) -> str:
    return host.check_output(f"readlink /opt/mcp/slots/{serving(host)}").rpartition("/")[2]


def publish(host: Host) -> None:
    """Make a repository of it on the host."""
    git = "git -c init.defaultBranch=main -c user.name=m -c user.email=m@localhost"
    host.check_output(
        f"rm -rf /srv/plain && mkdir /srv/plain && cd /srv/plain && echo {packed(FOLDER)} | base64 -d | tar xJ"
        f" && {git} init -q && {git} add . && {git} commit -qm plain"
    )


def test_deploy_and_rollback_between_servers_with_different_pages_lose_no_request(host: Host) -> None:
    publish(host)
    reference, slot = release(host), serving(host)
    host.check_output("rm -rf /srv/before && cp -a /opt/mcp/source /srv/before")
    try:
        with Requests(host, "/mcp", MESSAGE, TOKEN) as requests:
            done = deploy(**SERVER)
            assert done.returncode == 0, done.stdout + done.stderr
            assert serving(host) != slot
            assert [status(host, path) for path in ("/haproxy/ready", "/ready", "/mcp")] == ["200", "404", "406"]
            assert host.check_output(f"grep '^{serving(host)}' /etc/haproxy/checks.map").splitlines() == [
                f"{serving(host)}.path /mcp",
                f"{serving(host)}.status any",
            ]
            done = play("rollback", stack_rollback_to=reference)
            assert done.returncode == 0, done.stdout + done.stderr
            assert release(host) == reference
            assert [status(host, path) for path in ("/haproxy/ready", "/ready")] == ["200", "200"]
        assert requests.failed == []
        assert requests.count > 50
    finally:
        host.check_output("rm -rf /opt/mcp/source && mv /srv/before /opt/mcp/source")


def test_a_page_that_the_server_does_not_have_is_refused_and_the_proxy_goes_on(host: Host) -> None:
    before = release(host)
    said = refused(**{**SERVER, "stack_ready_path": "/nowhere", "stack_start_timeout": 10})
    assert "did not get ready within 10 s (stack_start_timeout)" in said
    assert release(host) == before
    assert eventually(lambda: status(host, "/haproxy/ready") == "200")


def test_a_restart_of_the_proxy_keeps_the_checks(host: Host) -> None:
    host.check_output("systemctl restart haproxy")
    assert eventually(lambda: status(host, "/ready") == "200")
    assert host.check_output(f"grep '^{serving(host)}[.]path' /etc/haproxy/checks.map").endswith(" /ready")
