"""The settings of an ECR repository, and what differs between two of them: pure functions."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def settings(repository: Mapping[str, Any], policy: str, tags: list[dict[str, str]]) -> dict[str, Any]:
    """Return the settings of a repository from what ECR answers.

    :param policy: the lifecycle policy as JSON; `{}` for none.
    """
    return {
        "imageTagMutability": repository.get("imageTagMutability", "MUTABLE"),
        "scanOnPush": repository.get("imageScanningConfiguration", {}).get("scanOnPush", False),
        "lifecyclePolicy": json.loads(policy),
        "tags": {tag["Key"]: tag["Value"] for tag in tags},
    }


def wanted(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that the module's options ask for."""
    return {
        "imageTagMutability": "IMMUTABLE" if params["immutable"] else "MUTABLE",
        "scanOnPush": params["scan_on_push"],
        "lifecyclePolicy": params["lifecycle_policy"],
        "tags": {str(key): str(value) for key, value in params["tags"].items()},
    }
