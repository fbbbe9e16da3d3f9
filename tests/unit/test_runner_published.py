"""What playbooks publish and hosts say is shown or left out, whatever its shape, and does nothing to a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from mcp_aws.display.state import State
from mcp_aws.display.tables import tables
from mcp_aws.events import Event
from mcp_aws.outcome import Outcome
from mcp_aws.recorder import Recorder, early_failures, message
from mcp_aws.text import safe
from mcp_aws.verdicts import Preflight, read, read_all
from tests.unit.odd_values import JSON, NOW, TEXT, event_of

# What playbooks publish and hosts say


@given(st.dictionaries(st.sampled_from(["verdict", "versions", "other"]), JSON))
@example({"verdict": "fine"})
@example({"versions": [1]})
@example({"verdict": {"schema": "mcp.aws/verdict/1"}})
@example({"versions": {"schema": "mcp.aws/versions/1", "hosts": {"h": {"lock": {"a": 1}, "deploys": [{}]}}}})
def test_a_verdict_of_any_shape_is_shown_or_left_out(published: dict[str, Any]) -> None:
    run = Outcome("site", "i", Path("/a"), NOW, "successful", 0, 1.0, published=published)
    assert list(tables(run, 100)) is not None
    assert run.headline
    assert str(read(published, "site"))
    assert isinstance(read_all(published), dict)
    json.dumps(run.as_dict())


@given(JSON, st.sampled_from(["runner_on_ok", "runner_on_failed", "runner_retry", "runner_item_on_ok"]))
@example({"results": 3, "unpredicted": 3, "ansible_stats": 3, "attempts": "x"}, "runner_on_failed")
@example({"results": [{"failed": True, "results": 7}]}, "runner_on_failed")
def test_a_result_of_any_shape_is_recorded(result: Any, kind: str) -> None:
    recorder = Recorder()
    recorder(event_of(result, kind))
    State("site", NOW).take(Event.of(event_of(result, kind)))
    assert len(recorder.failures()) <= 1
    assert message(result if isinstance(result, dict) else {})


@given(st.lists(TEXT, max_size=3))
@example([""])
def test_problems_of_preflight_are_told(problems: list[str]) -> None:
    assert Preflight.of({"schema": "mcp.aws/preflight/1", "problems": problems}).words


@given(st.text())
@example("\x1b[2J\x1b]0;title\x07\x9b31mtext\r\u202e")
def test_a_safe_text_does_nothing_to_a_terminal(text: str) -> None:
    assert not [sign for sign in safe(text) if (ord(sign) < 32 and sign not in "\n\t") or 127 <= ord(sign) < 160]
    assert "\x1b" not in safe(safe(text, coloured=True).replace("\x1b[31m", ""))
    assert safe("\x1b[31mred\x1b[0m", coloured=True) == "\x1b[31mred\x1b[0m"


CHECK = {"id": "d", "section": "system", "title": "Disk", "ok": False, "limit": "", "hint": "\x1b[2Jhint"}
JUDGED = {
    "schema": "mcp.aws/verdict/1",
    "kind": "verify",
    "name": "lab",
    "ok": False,
    "started": NOW.isoformat(),
    "finished": NOW.isoformat(),
    "checks": [CHECK | {"measured": "\x1b]0;owned\x07\x1b[31m91 %\u202e"}],
    "skipped": [{"id": "x", "section": "system", "title": "X", "skipped": "no\x1bc", "limit": ""}],
}


def test_what_a_host_measured_does_not_reach_the_terminal_as_a_command() -> None:
    from ansible_collections.mcp.aws.plugins.module_utils.health import verdict

    for text in (verdict.table(JUDGED), verdict.closing(JUDGED)):
        assert not set(text) & {"\x1b", "\x07", "\u202e"}
        assert "91 %" in text
    shown = [line.plain for line in tables(Outcome("site", "i", Path("/a"), NOW, published={"verdict": JUDGED}), 100)]
    assert "91 %" in "".join(shown)
    assert not set("".join(shown)) & {"\x1b", "\x07", "\u202e"}


@given(st.text())
def test_any_output_gives_a_failure_that_says_something(output: str) -> None:
    [failure] = early_failures(output)
    assert failure.message
