"""What can be said of settings without asking anybody: pure functions over values."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

# What every AWS module takes, and mcp_aws_connection may therefore hold.
CONNECTION = (
    "access_key",
    "aws_ca_bundle",
    "aws_config",
    "debug_botocore_endpoint_logs",
    "endpoint_url",
    "profile",
    "region",
    "secret_key",
    "session_token",
    "validate_certs",
)
FOUNDATION: dict[str, tuple[type, str]] = {
    "mcp_name": (str, "mcp_name: mcp"),
    "mcp_region": (str, "mcp_region: eu-central-1"),
    "mcp_tags": (dict, '{"mcp:name": "{{ mcp_name }}"}'),
    "mcp_aws_connection": (dict, 'mcp_aws_connection: {region: "{{ mcp_region }}"}'),
}
OWNER = "mcp:name"
WORDS = {
    "bool": "true or false",
    "dict": "a dictionary",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "path": "a path",
    "str": "a text",
}
# Ansible would split a text into a list, but hands the text itself to the role.
CONTAINERS = {"dict": dict, "list": list}


def foundation(values: Mapping[str, Any]) -> list[str]:
    """Judge what everything else follows from; a value that cannot be worked out is not among the values."""
    problems = []
    for name, (kind, example) in FOUNDATION.items():
        if not isinstance(values.get(name), kind) or not values[name]:
            problems.append(
                f"{name} is not set to {WORDS[kind.__name__]}. Set it in the inventory, for example {example}."
            )
    if problems:
        return problems
    if not values["mcp_tags"].get(OWNER):
        problems.append(
            f'mcp_tags has no `{OWNER}`, by which everything is found again. Add "{OWNER}": "{{{{ mcp_name }}}}".'
        )
    for key in sorted(set(values["mcp_aws_connection"]) - set(CONNECTION)):
        near = get_close_matches(key, CONNECTION, n=1)
        remedy = f"did you mean `{near[0]}`?" if near else f"it takes {', '.join(CONNECTION)}."
        problems.append(f"mcp_aws_connection has the unknown key `{key}`: {remedy}")
    return problems


def two_regions(values: Mapping[str, Any]) -> list[str]:
    """Compare the region of the connection with the one that names and rights are made for."""
    asked, named = values["mcp_aws_connection"].get("region", values["mcp_region"]), values["mcp_region"]
    if asked == named:
        return []
    return [f"mcp_aws_connection goes to the region {asked}, but mcp_region is {named}. Leave only one of them."]


def checked(name: str, value: Any, option: Mapping[str, Any], role: str) -> tuple[Any, list[str]]:
    """Return the value as its role's argument spec takes it, and what is wrong with it."""
    spec = {key: content for key, content in option.items() if key not in ("default", "required")}
    result = ArgumentSpecValidator({name: spec}).validate({name: value})
    errors = result.error_messages
    container = CONTAINERS.get(option.get("type", "str"))
    if not errors and (container is None or isinstance(value, container)):
        return result.validated_parameters[name], []
    secret = option.get("no_log") or isinstance(value, dict) or container is dict  # a connection holds keys
    shown = "" if secret else f" is `{value}`, but"
    return value, [f"{name}{shown} {_takes(option, errors)} roles/{role}/README.md tells more."]


def ownerless(name: str, value: Any) -> list[str]:
    """Judge a role's tags: without an owner among them, what bears them would be nobody's at the next run."""
    if not name.endswith("_tags") or not isinstance(value, dict) or value.get(OWNER):
        return []
    return [f"{name} has no `{OWNER}`, the tag that names the owner. Add it."]


def _takes(option: Mapping[str, Any], errors: Sequence[str]) -> str:
    """Say what an option takes; of nested options Ansible's own words tell more."""
    if "options" in option and errors:
        return f"takes something else: {errors[-1].rstrip('.')}."
    if "choices" in option:
        return f"takes one of {', '.join(map(str, option['choices']))}."
    kind = WORDS.get(option.get("type", "str"), option.get("type", "str"))
    return f"takes {kind}{' of ' + option['elements'] if 'elements' in option else ''}."


def numbered(problems: Iterable[str], places: Mapping[str, str]) -> str:
    """List problems, each followed by where the variables that it speaks of are written.

    :param places: variable to the place where somebody wrote it.
    """
    unique = list(dict.fromkeys(problems))
    lines = [f"{len(unique)} {'things stand' if len(unique) > 1 else 'thing stands'} in the way; nothing was changed."]
    for number, problem in enumerate(unique, 1):
        lines.append(f"{number}. {problem}")
        named = [name for name in dict.fromkeys(re.findall(r"\w+", problem)) if name in places]
        written = [f"{name} ({places[name]})" for name in named if places[name] not in problem]
        lines += [f"   Written: {', '.join(written)}."] if written else []
    return "\n".join(lines)
