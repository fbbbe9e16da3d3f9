"""Callback plugin: ansible-runner's own, which tells the supervisor what happens, at a price that many hosts allow.

What an event holds stands in the output itself. ansible-runner makes, renames, reads and removes a file for each, which
takes a disk up to 1 ms for every one of 40,000.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gc
import json
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


def hidden(text: str) -> str:
    """Return a text between marks that a terminal does not show and ansible-runner's decoder finds."""
    code = b64encode(text.encode()).decode()
    return f"\x1b[K{code}\x1b[{len(code)}D\x1b[K"


END = hidden("{}")


def begin(output: TextIO) -> None:
    """Write what an event holds, before Ansible prints what belongs to it."""
    event = context.get_begin_dict()
    output.write(hidden(json.dumps(event, cls=awx_display.AnsibleJSONEncoderLocal)))


def end(output: TextIO) -> None:
    """Write that this was all."""
    output.write(END)
    output.flush()


def stand_aside() -> None:
    """Leave an ansible-playbook that a task starts the environment of its user: nobody would decode its output."""
    places = os.environ.pop("ANSIBLE_CALLBACK_PLUGINS").split(os.pathsep)
    ours = [os.path.dirname(str(file)) for file in (__file__, awx_display.__file__)]
    before = {
        "ANSIBLE_CALLBACK_PLUGINS": os.pathsep.join(place for place in places if place not in ours),
        "ANSIBLE_STDOUT_CALLBACK": os.environ.pop("ORIGINAL_STDOUT_CALLBACK", ""),
    }
    for name, value in before.items():
        os.environ.pop(name, None)
        if value:
            os.environ[name] = value


context.dump_begin, context.dump_end = begin, end
stand_aside()


class CallbackModule(Theirs):
    """Prints and tells what ansible-runner's callback does."""

    CALLBACK_NAME = "run_events"

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Add the play's file to the events; keep what is loaded before the first play out of garbage collection."""
        if not gc.get_freeze_count():
            gc.freeze()
            gc.set_threshold(SELDOM, *gc.get_threshold()[1:])
        context.add_global(play_path=play.get_path())
        super().v2_playbook_on_play_start(play)
