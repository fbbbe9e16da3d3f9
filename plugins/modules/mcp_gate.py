#!/usr/bin/python
"""Ansible module: the gate that a new version of an MCP server passes before any client sees it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: mcp_gate
short_description: Let a new version of an MCP server pass, or say why not
version_added: 0.1.0
description:
  - Runs on the host, and asks a slot that serves nobody yet what clients will ask of it.
  - Speaks MCP with the handshake and, where the server has none, without it (protocol 2026-07-28).
  - Takes answers as JSON and as event streams, sessions, and redirects to the same host.
  - Every check is measured, also when one before it failed. The failure tells of the first; RV(checks) has them all.
options:
  url:
    description: Where the slot listens, without a path.
    type: str
    required: true
  host:
    description: Host header. Empty, that of O(url).
    type: str
    default: ""
  token:
    description: Bearer token; empty for a server that wants none.
    type: str
    default: ""
  health_path:
    description: Path that answers 200 while the server lives; asked where O(ready_path) is empty.
    type: str
    default: /health
  ready_path:
    description: Path that answers 200 while the server can work. With both paths empty, any answer to C(/) is enough.
    type: str
    default: /ready
  mcp_path:
    description: Path of MCP over Streamable HTTP; empty leaves MCP out.
    type: str
    default: /mcp
  websocket_path:
    description: Path of the WebSocket; empty for none. MCP is spoken where the server takes the subprotocol C(mcp).
    type: str
    default: /ws
  tools:
    description: Names of tools that must be listed.
    type: list
    elements: str
    default: []
  tool:
    description: Harmless tool to call; empty for none.
    type: str
    default: ""
  arguments:
    description: Its arguments.
    type: dict
    default: {}
  seconds:
    description: Within which each answer has to be there as a whole.
    type: float
    default: 2.0
  samples:
    description: How many times readiness and the list of tools are timed.
    type: int
    default: 10
  container:
    description: Container whose memory is measured; empty for none.
    type: str
    default: ""
  memory_percent:
    description: Share of its limit that the container may use. Page cache does not count.
    type: int
    default: 90
author:
  - The mcp.aws maintainers
attributes:
  check_mode:
    description: Asks nothing, and says so, as nothing new runs.
    support: full
"""

EXAMPLES = r"""
- name: Let the new version pass
  mcp.aws.mcp_gate:
    url: http://127.0.0.1:8102
    host: mcp.example.org
    token: "{{ stack_smoke_test_token }}"
    tools: [search, fetch]
    tool: search
    arguments: {query: gate}
    container: mcp-green
  become: true
"""

RETURN = r"""
checks:
  description:
    - What each check found, in the order C(ready), C(mcp), C(tools), C(call), C(websocket), C(time), C(memory).
    - C(answer) holds the first 2000 characters of the answer that failed, C(value) the figure (seconds or percent).
  returned: always
  type: list
  elements: dict
  sample:
    - id: ready
      ok: false
      measured: GET /ready was answered with 503 Service Unavailable
      limit: GET /ready answers 200 within 2 s
      answer: '{"status": "unavailable"}'
      value: null
      remedy: stack_ready_path (else stack_health_path) says where it is asked
seconds:
  description: How long the whole gate took.
  returned: always
  type: float
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils import gate


def main() -> None:
    """Run the module."""
    paths = {"health_path": "/health", "ready_path": "/ready", "mcp_path": "/mcp", "websocket_path": "/ws"}
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "token": {"type": "str", "default": "", "no_log": True},
            "tools": {"type": "list", "elements": "str", "default": []},
            "arguments": {"type": "dict", "default": {}},
            "seconds": {"type": "float", "default": 2.0},
            "samples": {"type": "int", "default": 10},
            "memory_percent": {"type": "int", "default": 90},
            **{name: {"type": "str", "default": path} for name, path in paths.items()},
            **{name: {"type": "str", "default": ""} for name in ("host", "tool", "container")},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        reason = "check mode runs nothing new"
        module.exit_json(changed=False, skipped=True, checks=gate.not_asked(reason), seconds=0.0)
    start = time.monotonic()
    try:
        checks = gate.Gate(module.params).run()
    except ValueError as error:
        module.fail_json(msg=str(error))
    found = {"checks": checks, "seconds": round(time.monotonic() - start, 3)}
    if refusal := gate.message(checks):
        module.fail_json(msg=refusal, **found)
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
