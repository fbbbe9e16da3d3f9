"""Callback plugin: read once what the process of every task would read for itself."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: preload
type: aggregate
short_description: Read plugins once, before the processes of tasks are forked
description:
  - Every task runs in a fork of the playbook's process. Filters, tests, actions and connections are read when they are
    first used, which is in the fork, so that each task reads them again.
  - This plugin reads the usual ones when the playbook starts. A task then takes some milliseconds less, and a
    playbook of a hundred tasks most of a second.
version_added: 0.2.0
author: The mcp.aws maintainers
requirements:
  - Enabled in C(ansible.cfg) with C(callbacks_enabled = mcp.aws.preload).
"""

from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins import loader
from ansible.plugins.callback import CallbackBase

# One filter or test brings all of its collection.
USUAL = {
    loader.filter_loader: ("ansible.builtin.default", "mcp.aws.lane_steps"),
    loader.test_loader: ("ansible.builtin.defined",),
    loader.action_loader: (
        "ansible.builtin.assert",
        "ansible.builtin.normal",
        "ansible.builtin.set_fact",
        "mcp.aws.lane_gate",
    ),
    loader.connection_loader: ("ansible.builtin.ssh", "mcp.aws.resident"),
    loader.shell_loader: ("ansible.builtin.sh",),
}


class CallbackModule(CallbackBase):
    """Reads; what cannot be read is left to the task that wants it, which will say so."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "mcp.aws.preload"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Read the usual plugins."""
        for kind, names in USUAL.items():
            for name in names:
                with suppress(AnsibleError, KeyError):  # KeyError is how loaders of filters and tests fail
                    if kind.get(name, class_only=True):
                        continue
                self._display.vv(f"preload: {name} is not read")
