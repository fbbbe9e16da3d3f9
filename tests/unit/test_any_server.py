"""What an inventory says of a server, is said once: what judges it follows from there and knows no server."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.unit.role_values import trust

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "roles/stack/files/server"
REFERENCE = SERVER / "stack.yml"
# Its tools, its table, its keys in Redis, and the names of its environment.
KNOWN = re.compile(
    r"""(: |\[|["'])(remember|forget)\b|\b(recall|list_memories)\b|\bmemories\b|mcp:memory|\bmcp_memory\b"""
    r"|\b(DATABASE_URL|REDIS_URL|MCP_TOKENS|MCP_ALLOWED_HOSTS|STOP_TIMEOUT)\b"
)
PLAIN = {"stack_repository": "https://git.example.com/acme/plain.git"}


def wired(role: str, **inventory: Any) -> Templar:
    """The variables of a role on a host, as the playbook `verify` or `deploy` gives them."""
    loader = DataLoader()
    given: dict[str, Any] = trust(yaml.safe_load((ROOT / f"roles/{role}/defaults/main.yml").read_text()))
    for path in ("wiring.yml", "verify.yml" if role == "health" else "stack.yml"):
        given |= loader.load_from_file(str(ROOT / "playbooks/vars" / path), trusted_as_template=True)
    given |= loader.load_from_file(str(REFERENCE), trusted_as_template=True)
    host = {"secrets_state": {"token": "t", "redis_password": "p"}, "mcp_name": "mcp", **inventory}
    told = {"inventory_hostname": "server", "hostvars": {"server": host}}
    return Templar(loader, variables={**host, **given, **told, "role_path": str(ROOT / "roles/stack")})


def value(templar: Templar, name: str) -> Any:
    return templar.template(trust_as_template(f"{{{{ {name} }}}}"))


@pytest.mark.parametrize("folder", ["playbooks", "plugins", "mcp_aws", "roles", "inventory"])
def test_nothing_knows_the_reference_server_but_itself(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".yml", ".j2", ".sh"} and SERVER not in path.parents
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if KNOWN.search(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("health_health_path", "/health"),
        ("health_ready_path", "/ready"),
        ("health_mcp_path", "/mcp"),
        ("health_websocket_path", "/ws"),
        ("health_websocket_subprotocol", "mcp"),
        ("health_token", "t"),
        ("health_tools", ["recall", "remember"]),
        ("health_call_tool", "list_memories"),
        ("health_write_tool", "remember"),
        ("health_environment_given", True),
    ],
)
def test_without_a_source_the_reference_server_says_what_is_measured(name: str, said: Any) -> None:
    assert value(wired("health"), name) == said


@pytest.mark.parametrize(
    ("inventory", "expected"),
    [
        (
            PLAIN,
            {
                "health_health_path": "", "health_ready_path": "", "health_mcp_path": "/mcp",
                "health_websocket_path": "", "health_environment_given": False,
                "health_token": "", "health_tools": [], "health_call_tool": "", "health_write_tool": "",
                "health_stored_query": "", "health_cached_key": "", "health_log_pattern": "",
            },
        ),
        ({"stack_image": "ghcr.io/acme/plain:1"}, {"health_health_path": "", "health_write_tool": ""}),
        (
            PLAIN | {
                "stack_health_path": "/", "stack_mcp_path": "", "stack_websocket_path": "/mcp", "stack_token": "secret",
                "stack_smoke_test_tool": "where", "stack_environment": {"A": "b"}, "health_write_tool": "put",
            },
            {
                "health_health_path": "/", "health_ready_path": "", "health_mcp_path": "",
                "health_websocket_path": "/mcp",
                "health_websocket_subprotocol": "", "health_token": "secret", "health_call_tool": "where",
                "health_write_tool": "put", "health_environment_given": True,
            },
        ),
    ],
)  # fmt: skip
def test_another_server_is_measured_by_what_the_inventory_says(
    inventory: dict[str, Any], expected: dict[str, Any]
) -> None:
    templar = wired("health", **inventory)
    assert {name: value(templar, name) for name in expected} == expected


def test_another_server_is_given_nothing_of_the_reference_servers() -> None:
    templar = wired("stack", **PLAIN)
    names = (
        "stack_environment",
        "stack_secrets",
        "stack_smoke_test_tools",
        "stack_smoke_test_tool",
        "stack_smoke_test_token",
    )
    assert [value(templar, name) for name in names] == [{}, {}, [], "", ""]


def test_what_an_inventory_says_stands_above_the_reference_server() -> None:
    templar = wired("stack", **{"stack_ready_path": "/up", "stack_token": "other", "stack_secrets": {"A": "b"}})
    names = ("stack_ready_path", "stack_health_path", "stack_smoke_test_token", "stack_secrets")
    assert [value(templar, name) for name in names] == ["/up", "/health", "other", {"A": "b"}]
