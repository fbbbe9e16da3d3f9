"""What a plan reads from the result of a task."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from mcp_aws.changes import Changes


def event(result: dict[str, Any]) -> dict[str, Any]:
    """Return the event of a task of the role storage with this result."""
    data = {
        "host": "localhost",
        "role": "mcp.aws.storage",
        "task": "Create the bucket",
        "task_uuid": "1",
        "res": result,
    }
    return {"event": "runner_on_ok", "event_data": data}


@pytest.mark.parametrize(
    ("message", "diff"),
    [
        (
            {"before": {"versioning": "Suspended"}, "after": {"versioning": "Enabled"}},
            "-versioning: Suspended\n+versioning: Enabled",
        ),
        ({"before": {}, "after": {"versioning": "Enabled"}}, "+versioning: Enabled"),
        ({"before": {"versioning": "Enabled"}, "after": {}}, "-versioning: Enabled"),
        ("The bucket would be created.", ""),
        (["before", "after"], ""),
    ],
)
def test_a_debug_task_shows_what_a_module_cannot_predict(message: Any, diff: str) -> None:
    changes = Changes()
    changes(event({"changed": True, "msg": message}))
    assert [(change.role, change.task, change.diff) for change in changes.found] == [
        ("storage", "Create the bucket", diff)
    ]
    assert list(changes.unpredicted) == []


@pytest.mark.parametrize(
    ("message", "sentences"),
    [
        ({"unpredicted": ["The weather.", "The weather.", 7]}, ["The weather.", "7"]),
        ({"unpredicted": "The weather."}, []),
        ({"other": ["The weather."]}, []),
        ("unpredicted", []),
        (None, []),
    ],
)
def test_a_debug_task_says_what_only_a_real_run_can_tell(message: Any, sentences: list[str]) -> None:
    changes = Changes()
    changes(event({"changed": False, "msg": message}))
    assert list(changes.unpredicted) == sentences
    assert changes.found == []


def test_the_diff_of_a_module_stands_above_its_message() -> None:
    changes = Changes()
    shown = {"changed": True, "msg": {"before": "x", "after": "y"}, "diff": {"before": "1", "after": "2"}}
    changes(event(shown))
    assert changes.found[0].diff == "-1\n+2"
