"""Unit tests of slots: which one serves, and which is started."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.deploy import slots


@pytest.mark.parametrize(
    ("text", "slot"),
    [("serving green\n", "green"), ("# of us\nserving blue\n", "blue"), ("", ""), ("serving\n", ""), ("x y z", "")],
)
def test_the_serving_slot(text: str, slot: str) -> None:
    assert slots.parse_serving(text) == slot


def test_no_slot_serves_without_a_proxy(tmp_path: Path) -> None:
    assert slots.serving(tmp_path / "serving.map") == ""


@pytest.mark.parametrize(("serving", "filled"), [("blue", "green"), ("green", "blue"), ("", "blue"), ("red", "blue")])
def test_the_slot_that_is_filled_never_serves(serving: str, filled: str) -> None:
    assert slots.idle(["blue", "green"], serving) == filled


def test_a_slot_says_what_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "SLOTS", tmp_path)
    slot = slots.Slot("green")
    assert slot.release() == ""
    slot.link.symlink_to("../releases/3f786850e387-5f2a9c01")
    assert slot.release() == "3f786850e387-5f2a9c01"


def test_what_a_slot_is() -> None:
    everywhere = ".".join("0000")  # listened on, but asked at the loopback address
    lines = slots.settings("blue", everywhere, 8101, "172.30.1.0/25").splitlines()
    assert lines[:2] == ["MCP_SLOT=blue", f"MCP_ADDRESS={everywhere}"]
    assert lines[2:] == ["MCP_PORT=8101", "MCP_SUBNET=172.30.1.0/25", "MCP_URL=http://127.0.0.1:8101"]
