"""A target group as it is beside what is wanted: pure functions over its settings, attributes, tags and targets.

Both are dictionaries of the same form: settings in the words of CreateTargetGroup, and beside them `attributes`, `tags`
and `targets`.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils.aws.resource import texts

FIXED = ("Protocol", "Port", "VpcId", "TargetType")  # ELB takes them only where the group is new
PARTS = ("attributes", "tags", "targets")
NEW = "new-instance"  # one that check mode has no id of


def wanted(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the group that the module's options ask for; a setting that check mode does not know yet is left out."""
    group = {key: value for key, value in (params["settings"] or {}).items() if value != ""}
    for part in ("attributes", "tags"):
        if params[part] is not None:
            group[part] = texts(params[part])
    if params["targets"] is not None:
        group["targets"] = sorted(f"{target['id'] or NEW}:{target['port']}" for target in params["targets"])
    return group


def registered(descriptions: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return who is registered, from what DescribeTargetHealth answers; who drains is on the way out already."""
    serving = (each["Target"] for each in descriptions if each["TargetHealth"].get("State") != "draining")
    return sorted(f"{target['Id']}:{target['Port']}" for target in serving)


def target(text: str) -> dict[str, Any]:
    """Return a target in the words of RegisterTargets."""
    name, port = text.rsplit(":", 1)
    return {"Id": name, "Port": int(port)}


def immovable(name: str, found: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each setting that differs and cannot be changed."""
    return [
        f"The target group `{name}` has {key} {found[key]}, which cannot become {after[key]}. Delete the group first."
        for key in FIXED
        if found and key in after and found[key] != after[key]
    ]
