"""Strangers use the door: the official MCP client, the MCP inspector; what they write is then seen in the services."""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from mcp import Client

from tests.e2e.conftest import Server, as_json

INSPECTOR = ("npx", "-y", "-p", "node@22", "-p", "@modelcontextprotocol/inspector@2.12.0", "mcp-inspector", "--cli")


@pytest.fixture
def key(server: Server) -> Iterator[str]:
    """A key nobody else uses, forgotten at the end."""
    name = f"e2e-{uuid.uuid4().hex[:12]}"
    yield name
    server.session(lambda client: client.call_tool("forget", {"key": name}))


def inspect(server: Server, *arguments: str) -> Any:
    """What the inspector prints; it comes from the npm registry, which is asked once more when it stalls."""
    command = [*INSPECTOR, f"{server.url}/mcp", "--transport", "http"]
    command += ["--header", f"Authorization: Bearer {server.token}", *arguments]
    environment = {**os.environ, "npm_config_update_notifier": "false"}
    for last in (False, True):
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
        except subprocess.TimeoutExpired:
            if last:
                raise
            continue
        if done.returncode == 0 or last:
            break
    assert done.returncode == 0, done.stdout + done.stderr
    return as_json(done.stdout)


def test_official_client_writes_what_the_services_then_hold(server: Server, key: str) -> None:
    async def use(client: Client) -> tuple[set[str], Any, Any, Any]:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        await client.call_tool("remember", {"key": key, "content": "The door is green", "tags": ["e2e"]})
        first = await client.call_tool("recall", {"key": key})
        second = await client.call_tool("recall", {"key": key})
        found = await client.call_tool("search", {"query": "green door"})
        return tools, first.structured_content, second.structured_content, found.structured_content

    tools, first, second, found = server.session(use)
    assert tools >= {"remember", "recall", "search", "forget", "list_memories"}
    assert (first["content"], first["cached"], second["cached"]) == ("The door is green", False, True)
    assert key in {result["key"] for result in found["results"]}

    psql = "cd / && sudo -u postgres psql -d mcp -At"
    row = server.shell(f"""{psql} -v key={key} <<'END'\nSELECT content FROM memories WHERE key = :'key';\nEND""")
    assert row == "The door is green"
    version = server.shell(f"{psql} -c 'SHOW server_version'")
    assert version.startswith("12.22"), version

    extract = f"sed -n 's/^REDIS_URL=.*redis:\\/\\/:\\([^@]*\\)@.*/\\1/p' /opt/mcp/slots/{server.slot}/secrets.env"
    redis = f"REDISCLI_AUTH=$({extract}) redis-cli --no-auth-warning"
    cached = server.shell(f"{redis} GET mcp:memory:{key}")
    assert json.loads(cached)["content"] == "The door is green"
    assert "redis_version:7." in server.shell(f"{redis} INFO server")


def test_inspector_lists_and_calls_tools(server: Server, key: str) -> None:
    names = {tool["name"] for tool in inspect(server, "--method", "tools/list")["tools"]}
    assert names >= {"remember", "recall", "search", "forget", "list_memories"}
    said = ("--tool-arg", f"key={key}", "--tool-arg", "content=Seen by a stranger")
    inspect(server, "--method", "tools/call", "--tool-name", "remember", *said)
    answer = inspect(server, "--method", "tools/call", "--tool-name", "recall", "--tool-arg", f"key={key}")
    assert answer["structuredContent"]["content"] == "Seen by a stranger"


def test_without_the_token_nobody_gets_in(server: Server) -> None:
    refused = httpx.post(f"{server.url}/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, timeout=10)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
