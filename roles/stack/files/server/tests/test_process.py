"""The server as a process: its start, and its life without its services."""

from pathlib import Path

import httpx2
import pytest
from mcp_memory.__main__ import main
from services import TOKEN, free_port, running_server

AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


def test_wrong_settings_end_it_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("PORT", "none")
    assert main() == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("mcp-memory: DATABASE_URL is not set")
    assert said.err.count("\n") == 1


def test_lives_without_its_services(tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    with running_server(tmp_path, f"postgresql://mcp:secret@{nowhere}/mcp", f"redis://:secret@{nowhere}/0") as server:
        ready = httpx2.get(f"{server.url}/ready")
        assert ready.status_code == 503
        assert ready.json() == {
            "status": "unavailable",
            "postgresql": "does not answer (Unavailable)",
            "redis": "does not answer (ConnectionError)",
        }
        call = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "recall", "arguments": {"key": "k"}},
        }
        accept = {"Accept": "application/json, text/event-stream"}
        answer = httpx2.post(f"{server.url}/mcp", json=call, headers=AUTHORIZED | accept).json()
        assert answer["result"]["isError"] is True
        assert "PostgreSQL does not answer" in answer["result"]["content"][0]["text"]
    assert "secret" not in server.log.read_text()
