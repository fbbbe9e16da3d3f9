"""Where runs are recorded beside the history: ARA, whose web interface shows them, where it is installed."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from runs.errors import BadInput

KNOWN = ("ara",)
PLUGINS = "ANSIBLE_CALLBACK_PLUGINS"


def environment(sinks: Sequence[str], cache: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that make ansible-playbook tell its run to the sinks.

    ARA's own variables (`ARA_API_CLIENT`, `ARA_API_SERVER`, `ARA_BASE_DIR`, ...) say where it records; without them it
    is a database below the stack's cache. What `no_log` hides is hidden from it too, and extra variables are left out.

    :raises BadInput: a sink is not known, or not installed.
    """
    found: dict[str, str] = {}
    for sink in sinks:
        if sink not in KNOWN:
            near = get_close_matches(sink, KNOWN, n=1) or KNOWN
            raise BadInput(f"No sink `{sink}`. Did you mean `{near[0]}`?")
        found |= _ara(cache, inherited)
    return found


def _ara(cache: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    spec = importlib.util.find_spec("ara")
    if not spec or not spec.submodule_search_locations:
        raise BadInput('The sink `ara` is not installed. Install it: pip install "ara[server]".')
    plugins = Path(next(iter(spec.submodule_search_locations)), "plugins", "callback")
    usual = {"ARA_BASE_DIR": str(cache / "ara"), "ARA_IGNORED_ARGUMENTS": "extra_vars"}
    there = [inherited[PLUGINS]] if inherited.get(PLUGINS) else []
    return {name: value for name, value in usual.items() if name not in inherited} | {
        PLUGINS: os.pathsep.join([*there, str(plugins)])
    }
