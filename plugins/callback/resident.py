"""Callback plugin: start the resident interpreter with the playbook, so that the first task need not wait for it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: resident
type: aggregate
short_description: Start the resident interpreter with the playbook
description:
  - The connection P(mcp.aws.resident#connection) starts its interpreter with the first task that needs it, which then
    waits for half a second.
  - This plugin starts it while Ansible still reads the playbook, when one of its plays names that connection.
version_added: 0.1.0
author: The mcp.aws maintainers
requirements:
  - Enabled in C(ansible.cfg) with C(callbacks_enabled = mcp.aws.resident).
"""

import os
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible_collections.mcp.aws.plugins.connection import resident


def asked(play: Any) -> tuple[Any, Any]:
    """Return what a play says of its connection, as its keyword and as a variable."""
    return play.connection, play.vars.get("ansible_connection")


class CallbackModule(CallbackBase):
    """Launches and does not wait; when that fails, the first task does it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "mcp.aws.resident"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Launch it when a play says that it needs it."""
        if any(resident.Connection.transport in asked(play) for play in playbook.get_plays()):
            resident.launch(resident.socket_of_run(), os.getpid(), AnsibleCollectionConfig.collection_paths)
