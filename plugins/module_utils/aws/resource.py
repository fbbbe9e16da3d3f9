"""What modules that keep one kind of tagged resource have in common: comparison, owner and result."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils.aws import ownership


def differing(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return which of what is wanted must be set; all of it when nothing is found."""
    return [key for key, value in wanted.items() if found.get(key) != value]


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return attributes or tags as AWS keeps them."""
    return {str(key): str(value).lower() if isinstance(value, bool) else str(value) for key, value in values.items()}


def owner_of(module: Any) -> str:
    """Return the owner that the option `tags` names; fail without one."""
    owner: str = texts(module.params["tags"]).get(ownership.TAG, "")
    return owner or str(module.fail_json(msg=f"tags must hold {ownership.TAG}, which names the owner."))


def unmanaged(module: Any, kind: str, found: Mapping[str, Any]) -> str:
    """Return a sentence when what is found under the name has another owner, else nothing."""
    resources = {kind: {module.params["name"]: found["tags"]} if found else {}}
    return next(iter(ownership.foreign(resources, owner_of(module))), "")


def difference(header: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result `diff` of a module."""
    return {"diff": {"before_header": header, "after_header": header, "before": before, "after": after}}
