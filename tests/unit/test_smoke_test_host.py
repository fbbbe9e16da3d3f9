"""The name that a new release is asked by is one that clients use."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

VARS = Path(__file__).parents[2] / "playbooks/vars"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ({}, "server:8000"),
        ({"ansible_host": "10.20.1.5"}, "10.20.1.5:8000"),
        ({"ansible_host": "2001:db8::5"}, "[2001:db8::5]:8000"),
        ({"ansible_host": "10.20.1.5", "proxy_port": 9000}, "10.20.1.5:9000"),
        ({"ansible_host": "10.20.1.5", "mcp_host_names": ["*.example.org", "mcp.example.org"]}, "mcp.example.org:8000"),
        ({"ansible_host": "10.20.1.5", "mcp_host_names": ["mcp.example.org:443"]}, "mcp.example.org:443"),
        ({"ansible_host": "10.20.1.5", "stack_smoke_test_host": "other.example.org"}, "other.example.org"),
    ],
)
def test_host(host: dict[str, Any], name: str) -> None:
    loader = DataLoader()
    files = [loader.load_from_file(str(VARS / name), trusted_as_template=True) for name in ("wiring.yml", "stack.yml")]
    given = {**files[0], **files[1]}
    told = {"inventory_hostname": "server", "hostvars": {"server": host}, **host}
    templar = Templar(loader, variables={**told, **given})
    assert templar.template(given["stack_smoke_test_host"]) == name
