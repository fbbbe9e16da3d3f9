"""Where runs are recorded beside the history: ARA, whose web interface shows them, where it is installed."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from mcp_aws.errors import BadInput

KNOWN = ("ara",)
PLUGINS = "ANSIBLE_CALLBACK_PLUGINS"
# ARA must never keep these, whatever else it is told to leave out: what `-e` holds, and the environment of a host.
IGNORED = {"ARA_IGNORED_ARGUMENTS": "extra_vars", "ARA_IGNORED_FACTS": "ansible_env"}
REMEDY = 'Install it: pip install "ara[server]"'


def environment(sinks: Sequence[str], cache: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that make ansible-playbook tell its run to the sinks.

    ARA's own variables (`ARA_API_CLIENT`, `ARA_API_SERVER`, `ARA_BASE_DIR`, ...) say where it records; without them it
    is a database in `ara` below the stack's cache. What `no_log` hides is hidden from it too; extra variables and the
    environments of the hosts are left out. What a task prints without `no_log` it records as it is.

    :param cache: the stack's cache.
    :param inherited: the environment that the result is added to.
    :raises BadInput: when a sink is not known, or not installed.
    """
    found: dict[str, str] = {}
    for sink in sinks:
        if sink not in KNOWN:
            near = get_close_matches(sink.lower(), KNOWN, n=1) or KNOWN
            raise BadInput(f"No sink `{sink}`. Did you mean `{near[0]}`?")
        found |= _ara(cache, inherited)
    return found


def _ara(cache: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return ARA's variables. Its plugin wants no place in `callbacks_enabled`, which ansible.cfg therefore keeps."""
    spec = importlib.util.find_spec("ara")
    if not spec or not spec.submodule_search_locations:
        raise BadInput(f"The sink `ara` is not installed. {REMEDY}.")
    offline = inherited.get("ARA_API_CLIENT", "offline") == "offline"
    if offline and not importlib.util.find_spec("django"):
        raise BadInput(f"ARA cannot record by itself here. {REMEDY}; or set ARA_API_CLIENT=http and ARA_API_SERVER.")
    plugins = Path(next(iter(spec.submodule_search_locations)), "plugins", "callback")
    ignored = {name: _with(inherited.get(name, ""), value) for name, value in IGNORED.items()}
    base = {} if inherited.get("ARA_BASE_DIR") else {"ARA_BASE_DIR": str(cache / "ara")}
    return base | ignored | {PLUGINS: os.pathsep.join([*_callback_plugins(inherited), str(plugins)])}


def _with(listed: str, word: str) -> str:
    words = [one.strip() for one in listed.split(",") if one.strip()]
    return ",".join(words if word in words else [*words, word])


def _callback_plugins(inherited: Mapping[str, str]) -> list[str]:
    """Return where callback plugins are sought now: the variable, when it is set, replaces what ansible.cfg says."""
    if inherited.get(PLUGINS):
        return [inherited[PLUGINS]]
    from ansible.config.manager import ConfigManager  # only here: nothing else of Ansible is loaded into a program

    config = ConfigManager(inherited.get("ANSIBLE_CONFIG"))
    paths, origin = config.get_config_value_and_origin("DEFAULT_CALLBACK_PLUGIN_PATH")
    if origin == "default":  # a template, which nothing but Ansible itself fills in
        home = inherited.get("ANSIBLE_HOME", "~/.ansible")
        return [f"{home}/plugins/callback", "/usr/share/ansible/plugins/callback"]
    return [str(path) for path in paths]
