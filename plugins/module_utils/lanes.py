"""What stopped the lanes of a run, in one message: pure functions over the results of failed tasks."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils import preflight

HEAD = "Not everything was done:"
FOOT = "What was done stays. Run the playbook again: it goes on from there."


def cause(result: Mapping[str, Any]) -> str:
    """Return why a task failed; of a loop, why its failed items did.

    :param result: the task's result, in the form of `ansible_failed_result`.
    """
    items = [item for item in result.get("results") or () if item.get("failed")]
    if items:
        return "; ".join(dict.fromkeys(cause(item) for item in items))
    error = result.get("error") or {}
    code, text = str(error.get("code", "")), str(error.get("message", ""))
    if code in preflight.THROTTLING:
        return f"AWS answered `{code}` until the retries were used up: too many requests are made in this account."
    if code in preflight.WRONG_CREDENTIALS | preflight.EXPIRED:
        return preflight.refusal(code, text, "")
    if code in preflight.DENIED:
        return f"The credentials may not do this ({code}: {text}). docs/iam/ holds what every playbook needs."
    if result.get("_ansible_no_log") or "censored" in result:
        return f"the output is hidden, as it may hold a secret{f' ({code})' if code else ''}"
    return str(result.get("msg") or result.get("module_stderr") or "it gave no message").strip()


def explain(problems: Iterable[Mapping[str, Any]]) -> str:
    """Return one message on all problems, each cause once.

    :param problems: of each lane that stopped: `lane`, `task` and the task's `result`.
    """
    places: dict[str, list[str]] = {}
    for problem in problems:
        lane = str(problem["lane"]).removeprefix("aws-")
        places.setdefault(cause(problem["result"]), []).append(f"{lane}: {problem['task']}")
    lines = [f"- {why}\n  ({'; '.join(where)})" for why, where in places.items()]
    return "\n".join([HEAD, *lines, FOOT])
