"""Probes: figures of a burst, filled-in arguments, and what becomes of a server that misbehaves."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.mcp import client as mcp_probe
from ansible_collections.mcp.aws.plugins.module_utils.mcp import load as burst


@pytest.mark.parametrize(
    ("values", "rank", "found"),
    [
        ([], 95, 0.0),
        ([7.0], 95, 7.0),
        ([1.0, 2.0, 3.0, 4.0], 50, 2.0),
        ([float(number) for number in range(1, 101)], 95, 95.0),
        ([1.0, 2.0], 100, 2.0),
    ],
)
def test_percentile(values: list[float], rank: float, found: float) -> None:
    assert burst.percentile(values, rank) == found


def test_fill() -> None:
    arguments = {"key": "{key}", "deep": {"list": ["{value}", 3]}, "both": "{key}={value}"}
    filled = burst.fill(arguments, {"key": "k", "value": "{key}"})
    assert filled == {"key": "k", "deep": {"list": ["{key}", 3]}, "both": "k={key}"}


async def test_a_burst_counts_what_fails() -> None:
    under_way, most = 0, 0

    async def page() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    async def call() -> None:
        raise ConnectionError("reset")

    samples = await burst.fire([page, call], 20, 4, mcp_probe.explain)
    figures = burst.summarize(samples)
    assert (figures["requests"], figures["failed"], most) == (20, 10, 4)
    assert figures["problems"] == {"ConnectionError: reset": 10}
    assert 0 < figures["p50"] <= figures["p95"] <= figures["max"] <= figures["seconds"]


def test_no_requests() -> None:
    assert burst.summarize([])["requests"] == 0


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("bad"), "ValueError: bad"),
        (ValueError(), "ValueError"),
        (TimeoutError(), "no answer in time"),
        (mcp_probe.ProbeError("recall: unknown key"), "recall: unknown key"),
        (ExceptionGroup("g", [ExceptionGroup("h", [KeyError("k")])]), "KeyError: 'k'"),
    ],
)
def test_explain(error: Exception, words: str) -> None:
    assert mcp_probe.explain(error) == words


PATHS = {"health_path": "/health", "ready_path": "/ready", "mcp_path": "/mcp", "websocket_path": "/ws"}
NO_TOOLS = dict.fromkeys(("call_tool", "write_tool", "read_tool", "delete_tool"), "")
PARAMS: dict[str, Any] = {
    "url": "http://127.0.0.1:9/", "timeout": 0.05, "token": "t", "requests": 1, "concurrency": 1, **PATHS, **NO_TOOLS,
}  # fmt: skip


class Broken(mcp_probe.Probes):
    """A door behind which nothing works."""

    async def health(self) -> dict[str, Any]:
        raise OSError("refused")

    async def ready(self) -> dict[str, Any]:
        await asyncio.sleep(9)
        return {}

    async def mcp(self) -> dict[str, Any]:
        return {"tools": []}


async def test_one_probe_never_keeps_the_next_from_running() -> None:
    measured = await Broken(PARAMS).run(["health", "ready", "mcp"])
    assert measured["health"]["error"].startswith("OSError: refused (after ")
    assert measured["ready"]["error"].startswith("no answer in time (after ")
    assert measured["mcp"] == {"tools": []}


async def test_check_mode_writes_nothing() -> None:
    measured = await Broken(PARAMS, check_mode=True).run(["write", "read", "delete", "mcp"])
    assert {name for name, value in measured.items() if "skipped" in value} == {"write", "read", "delete"}


@pytest.mark.parametrize(
    ("probe", "option"),
    [
        ("health", "health_path"),
        ("ready", "ready_path"),
        ("unauthorized", "token"),
        ("unauthorized", "mcp_path"),
        ("mcp", "mcp_path"),
        ("websocket", "websocket_path"),
    ],
)
async def test_what_the_server_is_said_not_to_have_is_left_out(probe: str, option: str) -> None:
    measured = await mcp_probe.Probes({**PARAMS, option: ""}).run([probe])
    assert measured[probe] == {"skipped": f"not measured: the server is said to have none (stack_{option})"}
    assert "error" in (await mcp_probe.Probes(PARAMS).run([probe]))[probe]


async def test_a_burst_needs_a_page_or_mcp() -> None:
    params = {**PARAMS, **dict.fromkeys(PATHS, ""), "read_arguments": {}, "call_arguments": {}, "key": "", "value": ""}
    assert "skipped" in (await mcp_probe.Probes(params).run(["burst"]))["burst"]


@pytest.mark.parametrize("purpose", ["call", "write", "read", "delete"])
async def test_a_tool_without_a_name_is_left_out(purpose: str) -> None:
    measured = await mcp_probe.Probes({**PARAMS, f"{purpose}_tool": ""}).run([purpose])
    assert "skipped" in measured[purpose]


@pytest.mark.parametrize(
    ("requests", "concurrency", "name", "seconds"),
    [(200, 10, "burst", 0.3), (10, 10, "burst", 0.05), (200, 0, "burst", 0.3), (200, 10, "mcp", 0.05)],
)
def test_patience(requests: int, concurrency: int, name: str, seconds: float) -> None:
    probes = mcp_probe.Probes({**PARAMS, "requests": requests, "concurrency": concurrency})
    assert probes._patience(name) == pytest.approx(seconds)
