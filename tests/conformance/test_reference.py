"""The reference server before the conformance suite: it fails what docs/conformance.md says, and nothing else."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.conformance.suite import judge_all

SERVER = Path(__file__).parents[2] / "roles/stack/files/server"
sys.path.append(str(SERVER / "tests"))

from services import free_port, postgresql, redis_server, running, wait_until  # noqa: E402


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The reference server, open to everybody: the suite has no way to send a token."""
    folder, port = tmp_path_factory.mktemp("reference"), free_port()
    home, log = f"http://127.0.0.1:{port}", folder / "server.log"
    with postgresql() as database, redis_server(folder) as redis:
        environment = {
            **os.environ,
            "DATABASE_URL": database,
            "REDIS_URL": redis,
            "MCP_ALLOW_ANONYMOUS": "true",
            "PORT": str(port),
            "PYTHONPATH": str(SERVER),
        }
        with running([sys.executable, "-m", "mcp_memory"], log, environment=environment) as process:
            wait_until(lambda: httpx2.get(f"{home}/ready").raise_for_status(), process, log)
            yield f"{home}/mcp"


def test_fails_what_is_written_and_nothing_else(url: str, tmp_path: Path) -> None:
    verdicts = judge_all({"reference": url}, "reference", tmp_path)
    for verdict in verdicts.values():
        assert verdict.checks, verdict.output
        assert verdict.expected, verdict.told()
