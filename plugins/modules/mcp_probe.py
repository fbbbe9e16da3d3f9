#!/usr/bin/python
"""Ansible module: probe an MCP server through its door, as a client would."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: mcp_probe
short_description: Probe an MCP server through its door
version_added: 0.1.0
description:
  - Speaks HTTP, MCP over Streamable HTTP (with the official client) and MCP over WebSocket to a server, and measures.
  - A probe that fails does not fail the module; it comes back as C(error) with the reason.
  - What the server is not said to have, as its option is empty, comes back as C(skipped).
  - What it writes under O(key) is left there until the probe V(delete) runs.
options:
  url:
    description: Where the server listens, without a path.
    type: str
    required: true
  probes:
    description: What to do, in this order.
    type: list
    elements: str
    choices: [tcp, health, ready, answers, unauthorized, trace, mcp, websocket, call, write, read, burst, delete]
    required: true
  token:
    description: Bearer token; empty for a server that wants none.
    type: str
    default: ""
  timeout:
    description: Seconds that a probe may take.
    type: float
    default: 10
  address:
    description: Address for the probe V(tcp).
    type: str
    default: ""
  ports:
    description: Ports for the probe V(tcp).
    type: list
    elements: int
    default: []
  health_path:
    description: Path that answers 200 while the server lives; empty for none.
    type: str
    default: /health
  ready_path:
    description: Path that answers 200 while the server can work; empty for none.
    type: str
    default: /ready
  mcp_path:
    description: Path of MCP over Streamable HTTP; empty for none.
    type: str
    default: /mcp
  websocket_path:
    description: Path of the WebSocket; empty for none.
    type: str
    default: /ws
  websocket_subprotocol:
    description: Subprotocol to ask for; empty means C(mcp). MCP is spoken where the server takes that.
    type: str
    default: ""
  key:
    description: Name under which to write; also the page that V(trace) asks for.
    type: str
    default: ""
  value:
    description: What to write.
    type: str
    default: ""
  call_tool:
    description: Harmless tool to call; empty leaves the probe out.
    type: str
    default: ""
  call_arguments:
    description: Its arguments.
    type: dict
    default: {}
  write_tool:
    description: Tool that writes; empty leaves the probe out.
    type: str
    default: ""
  write_arguments:
    description: Its arguments; C({key}) and C({value}) in them are replaced.
    type: dict
    default: {}
  read_tool:
    description: Tool that reads; empty leaves the probe out, and a burst calls O(call_tool) or lists tools.
    type: str
    default: ""
  read_arguments:
    description: Its arguments.
    type: dict
    default: {}
  delete_tool:
    description: Tool that deletes; empty leaves the probe out.
    type: str
    default: ""
  delete_arguments:
    description: Its arguments.
    type: dict
    default: {}
  cached_field:
    description: Field of the reading tool's structured answer that says whether it came from the cache.
    type: str
    default: ""
  requests:
    description: Requests of a burst.
    type: int
    default: 200
  concurrency:
    description: Requests of a burst that are under way at a time.
    type: int
    default: 10
requirements:
  - mcp >= 2
  - httpx2
  - websockets
author:
  - The mcp.aws maintainers
attributes:
  check_mode:
    description: Leaves out the probes V(write), V(read) and V(delete), and says so; a burst lists tools.
    support: full
"""

EXAMPLES = r"""
- name: Knock at the door
  mcp.aws.mcp_probe:
    url: http://10.20.1.5:8000
    token: "{{ secrets_state.token }}"
    probes: [health, ready, unauthorized, mcp, websocket]
  delegate_to: localhost
"""

RETURN = r"""
measured:
  description: What each probe measured, by its name; C(error) or C(skipped) where there is nothing.
  returned: always
  type: dict
  sample: {health: {status: 200, seconds: 0.004}, ready: {error: "ConnectError: All connection attempts failed"}}
started:
  description: Seconds since the epoch at which the first probe began.
  returned: always
  type: float
"""

import asyncio
import time

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.mcp.aws.plugins.module_utils.mcp.client import MISSING, Probes

PROBES = ["tcp", "health", "ready", "answers", "unauthorized", "trace", "mcp", "websocket", "call", "write", "read"]
PROBES += ["burst", "delete"]
PURPOSES = ("call", "write", "read", "delete")
TEXTS = ("address", "key", "value", "cached_field", "websocket_subprotocol")


def main() -> None:
    """Run the probes that were asked for."""
    words = {name: {"type": "str", "default": ""} for name in TEXTS}
    tools = {f"{purpose}_tool": {"type": "str", "default": ""} for purpose in PURPOSES}
    arguments = {f"{purpose}_arguments": {"type": "dict", "default": {}} for purpose in PURPOSES}
    paths = {"health_path": "/health", "ready_path": "/ready", "mcp_path": "/mcp", "websocket_path": "/ws"}
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "probes": {"type": "list", "elements": "str", "choices": PROBES, "required": True},
            "token": {"type": "str", "default": "", "no_log": True},
            "timeout": {"type": "float", "default": 10},
            "ports": {"type": "list", "elements": "int", "default": []},
            "requests": {"type": "int", "default": 200},
            "concurrency": {"type": "int", "default": 10},
            **{name: {"type": "str", "default": path} for name, path in paths.items()},
            **{name: {**option, "no_log": False} for name, option in words.items()},
            **tools,
            **arguments,
        },
        supports_check_mode=True,
    )
    if MISSING:
        module.fail_json(msg=missing_required_lib(MISSING))
    started = time.time()
    measured = asyncio.run(Probes(module.params, module.check_mode).run(module.params["probes"]))
    module.exit_json(changed=False, measured=measured, started=started)


if __name__ == "__main__":
    main()
