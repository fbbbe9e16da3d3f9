"""The tools without services: what they promise, and what they say to a wrong call."""

import json
import logging
from typing import cast

import pytest
from mcp import Client
from mcp_memory.errors import Unavailable
from mcp_memory.limits import CONTENT_CHARACTERS
from mcp_memory.logs import JsonFormatter
from mcp_memory.memory import SharedMemory
from mcp_memory.models import Remembered
from mcp_memory.tools import create_server
from mcp_types import TextContent
from pydantic import AwareDatetime, TypeAdapter

NOW = TypeAdapter(AwareDatetime).validate_python("2026-01-01T00:00:00Z")


class Recorder:
    """Stands in for the shared memory and keeps what it was given."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    async def remember(self, *arguments: object) -> Remembered:
        self.calls.append(arguments)
        return Remembered(key="k", created=True, tags=[], updated_at=NOW)

    async def recall(self, key: str) -> None:
        raise Unavailable

    async def forget(self, key: str) -> None:
        raise RuntimeError("password=secret")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def connected(recorder: Recorder) -> Client:
    return Client(create_server(cast(SharedMemory, recorder)))


async def call(recorder: Recorder, name: str, **arguments: object) -> tuple[bool, str]:
    async with connected(recorder) as client:
        result = await client.call_tool(name, arguments)
    (content,) = result.content
    assert isinstance(content, TextContent)
    return bool(result.is_error), content.text


async def test_names_hints_and_schemas(recorder: Recorder) -> None:
    async with connected(recorder) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    hints = {
        name: (tool.annotations.read_only_hint, tool.annotations.destructive_hint, tool.annotations.idempotent_hint)
        for name, tool in tools.items()
        if tool.annotations
    }
    assert hints == {
        "remember": (False, True, False),
        "recall": (True, False, True),
        "search": (True, False, True),
        "forget": (False, True, True),
        "list_memories": (True, False, True),
        "export_memories": (True, False, True),
        "import_memories": (False, True, False),
    }
    assert all(tool.output_schema and tool.description for tool in tools.values())
    assert tools["remember"].input_schema["required"] == ["content"]
    assert tools["remember"].input_schema["properties"]["content"]["maxLength"] == CONTENT_CHARACTERS
    assert (tools["recall"].output_schema or {})["properties"]["cached"]["type"] == "boolean"


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ({"content": "c"}, ("c", "", ())),
        ({"content": "c", "key": None, "tags": None}, ("c", "", ())),
        ({"content": "c", "key": "null"}, ("c", "null", ())),
        ({"content": '["c"]', "key": "a/b:c.d@e"}, ('["c"]', "a/b:c.d@e", ())),
        ({"content": "c", "tags": ["a", "b", "a"]}, ("c", "", ("a", "b"))),
    ],
)
async def test_arguments_arrive(recorder: Recorder, arguments: dict[str, object], given: tuple[object, ...]) -> None:
    assert not (await call(recorder, "remember", **arguments))[0]
    assert recorder.calls == [given]


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("remember", {}, "content: Field required"),
        ("remember", {"content": ""}, "content: String should have at least 1 character"),
        ("remember", {"content": " \n"}, "content: Value error, must not be blank"),
        ("remember", {"content": "a\0b"}, "content: Value error, must not contain the character NUL"),
        ("remember", {"content": "x" * (CONTENT_CHARACTERS + 1)}, "content: String should have at most 100000"),
        ("remember", {"content": "c", "key": "with blank"}, "key: String should match pattern"),
        ("remember", {"content": "c", "key": "k" * 201}, "key: String should have at most 200"),
        ("remember", {"content": "c", "tags": ["t"] * 21}, "tags: Tuple should have at most 20 items"),
        ("remember", {"content": "c", "tags": ["t" * 51]}, "tags.0: String should have at most 50"),
        ("remember", {"content": "c", "tag": "t"}, "remember has no tag; it has content, key, tags"),
        ("recall", {"key": ""}, "key: String should have at least 1 character"),
        ("search", {"query": "q", "limit": 101}, "limit: Input should be less than or equal to 100"),
        ("list_memories", {"offset": -1}, "offset: Input should be greater than or equal to 0"),
        ("recall", {"key": "k"}, "PostgreSQL does not answer at the moment. Try again later."),
        ("no_such_tool", {}, "Unknown tool: no_such_tool"),
    ],
)
async def test_wrong_calls(recorder: Recorder, name: str, arguments: dict[str, object], said: str) -> None:
    is_error, text = await call(recorder, name, **arguments)
    assert is_error
    assert said in text
    assert "\n" not in text


async def test_a_crash_keeps_its_secrets(recorder: Recorder) -> None:
    assert await call(recorder, "forget", key="k") == (True, "Error executing tool forget")


async def test_log_names_the_tool_and_not_the_content(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="mcp_memory")
    await call(recorder, "remember", content="hidden", key="hidden")
    (line,) = [json.loads(JsonFormatter().format(record)) for record in caplog.records if record.name == "mcp_memory"]
    assert {name: line[name] for name in ("event", "tool", "ok")} == {"event": "tool", "tool": "remember", "ok": True}
    assert line["duration_ms"] >= 0
    assert "hidden" not in caplog.text
