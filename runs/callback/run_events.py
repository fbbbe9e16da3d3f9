"""Callback plugin: ansible-runner's own, which tells the supervisor what happens, at a price that many hosts allow.

What an event holds stands in the output itself. ansible-runner makes, renames, reads and removes a file for each, which
takes a disk up to 1 ms for every one of 40,000.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gc
import os
import sys
from base64 import b64encode
from typing import Any, TextIO

from ansible.plugins.loader import callback_loader

DOCUMENTATION = """
name: run_events
type: stdout
short_description: Tell the supervisor of a run what happens
description:
  - Hides each event in the output, as ansible-runner's decoder looks for it.
  - Tells Python to look for garbage less often; each look copies memory that the forks for tasks share.
requirements:
  - Set by C(runner.py).
extends_documentation_fragment: [default_callback]
"""

# Found by Ansible's loader, as an import would bring the whole of ansible-runner, which every fork would carry.
Theirs: Any = callback_loader.get("awx_display", class_only=True)
awx_display = sys.modules[Theirs.__module__]
context = awx_display.event_context

SELDOM = 20_000  # new objects between two looks for garbage, where Python has 700

# An ansible-playbook that a task starts has nobody who would decode its output.
os.environ.pop("ANSIBLE_STDOUT_CALLBACK")
_, _, *others = os.environ.pop("ANSIBLE_CALLBACK_PLUGINS").split(os.pathsep)  # this directory, and ansible-runner's
if any(others):
    os.environ["ANSIBLE_CALLBACK_PLUGINS"] = os.pathsep.join(others)


def hidden(text: str) -> str:
    """Return a text between marks that a terminal does not show and ansible-runner's decoder finds."""
    code = b64encode(text.encode()).decode()
    return f"\x1b[K{code}\x1b[{len(code)}D\x1b[K"


END = hidden("{}")


def begin(output: TextIO) -> None:
    """Write what an event holds, before Ansible prints what belongs to it."""
    event = context.get_begin_dict()
    output.write(hidden(awx_display.json.dumps(event, cls=awx_display.AnsibleJSONEncoderLocal)))


def end(output: TextIO) -> None:
    """Write that this was all."""
    output.write(END)
    output.flush()


context.dump_begin, context.dump_end = begin, end


class CallbackModule(Theirs):
    """Prints and tells what ansible-runner's callback does."""

    CALLBACK_NAME = "run_events"

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Keep what is loaded by now out of the looks for garbage."""
        gc.freeze()
        gc.set_threshold(SELDOM, *gc.get_threshold()[1:])
        super().v2_playbook_on_play_start(play)
