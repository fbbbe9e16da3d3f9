#!/usr/bin/python
"""Documentation of the action plugin `lane_gate`, which runs on the control node alone."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lane_gate
short_description: Let a lane of a play wait for another, and tell others what it has done
description:
  - Hosts of a play with the strategy P(ansible.builtin.free#strategy) go on without each other. Where one needs what
    another makes, this action lets it wait.
  - The host that waits holds one of C(--forks). With fewer forks than hosts that wait, none would be left to work.
version_added: 0.2.0
author: The mcp.aws maintainers
options:
  done:
    description: Steps that this lane has done. It is told before it waits.
    type: list
    elements: str
    default: []
  after:
    description: Steps of other lanes of the same play to wait for.
    type: list
    elements: str
    default: []
  stopped:
    description: Tells that this lane goes no further, so that nobody waits any more.
    type: bool
    default: false
  timeout:
    description: Seconds to wait before it fails.
    type: int
    default: 3600
attributes:
  check_mode:
    description: Does the same in check mode.
    support: full
"""

EXAMPLES = r"""
- name: Wait for the network
  mcp.aws.lane_gate:
    after: [network]
"""

RETURN = r"""
stopped:
  description: Whether a lane has stopped, so that what was waited for may not be there.
  returned: success
  type: bool
"""
