"""Secrets get new values while the server stands: old ones are refused, new ones work, and no data is lost."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from mcp import Client

from tests.e2e.conftest import NAME, Server, ansible, aws, judged

SECRETS = ("database_password", "redis_password", "token")
HOSTS = "base,docker,postgresql,redis,proxy,log_rotation,stack,health"  # all that works on hosts
QUESTION = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


def secrets() -> dict[str, str]:
    """What SSM holds, by short names."""
    names = [f"/{NAME}/{name}" for name in SECRETS]
    found = aws("ssm").get_parameters(Names=names, WithDecryption=True)["Parameters"]
    return {parameter["Name"].rpartition("/")[2]: parameter["Value"] for parameter in found}


def rotate(*arguments: str) -> str:
    """Run the playbook, expect it green with no value in what it printed, and give that."""
    before = secrets()
    done = ansible("mcp.aws.rotate_secrets", *arguments)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-8000:]
    assert not [value for value in (*before.values(), *secrets().values()) if value in output]
    return output


def answer(server: Server, token: str) -> int:
    """The status of the door's answer to that token."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
    return httpx.post(f"{server.url}/mcp", json=QUESTION, headers=headers, timeout=10).status_code


def redis_answers(server: Server, password: str) -> bool:
    """Whether Redis lets in with that password, which is no word of any command."""
    return "PONG" in server.shell(f"export REDISCLI_AUTH={password}; redis-cli --no-auth-warning ping", check=False)


def postgres_answers(server: Server, password: str) -> bool:
    """Whether PostgreSQL lets in with that password, asked from the container, as only those may come."""
    asked = f"psycopg.connect(host='172.30.0.1', user='mcp', dbname='mcp', password='{password}').close()"
    script = f"docker exec -i {server.container} python - <<'END' 2>&1\nimport psycopg\n{asked}\nprint('let in')\nEND"
    answer = server.shell(script, check=False)
    assert answer == "let in" or "password authentication failed" in answer, answer
    return answer == "let in"


@pytest.fixture
def memory(server: Server) -> Iterator[str]:
    """A row of data that was there before, forgotten at the end with the token of then."""
    key = f"e2e-{uuid.uuid4().hex[:12]}"
    server.session(lambda client: client.call_tool("remember", {"key": key, "content": "It was there before"}))
    yield key
    Server().session(lambda client: client.call_tool("forget", {"key": key}))


def recall(server: Server, key: str) -> Any:
    """What the server remembers under a key."""

    async def ask(client: Client) -> Any:
        return (await client.call_tool("recall", {"key": key})).structured_content

    return server.session(ask)["content"]


def test_a_check_says_what_it_would_rotate_and_rotates_nothing(server: Server) -> None:
    before = secrets()
    # What the hosts would get of it is what `configure` and `deploy` say in check mode, in test_site.py.
    output = " ".join(rotate("--check", "--skip-tags", HOSTS, "-e", "secrets_rotate=token").split())
    assert f"Would get a new value: /{NAME}/token." in output
    assert secrets() == before
    assert Server().ready()


def test_all_secrets_are_new_and_the_data_is_still_there(server: Server, memory: str) -> None:
    before = secrets()
    output = rotate()
    after = secrets()
    assert [name for name in SECRETS if after[name] == before[name]] == []
    met, criteria = judged(output)
    assert met == criteria >= 30, "the playbook ends with the verdict"
    again = Server()
    assert again.token == after["token"]
    assert answer(again, before["token"]) == 401
    assert recall(again, memory) == "It was there before"
    assert [redis_answers(again, each["redis_password"]) for each in (before, after)] == [False, True]
    assert [postgres_answers(again, each["database_password"]) for each in (before, after)] == [False, True]


def test_a_rotation_that_was_ended_half_way_is_completed(server: Server, memory: str) -> None:
    """What a killed run leaves: SSM has a new value, of which no service has heard."""
    before = secrets()
    new = uuid.uuid4().hex
    aws("ssm").put_parameter(Name=f"/{NAME}/token", Value=new, Type="SecureString", Overwrite=True)
    assert answer(server, new) == 401
    rotate("-e", "secrets_rotate=")
    assert secrets() == {**before, "token": new}
    again = Server()
    assert answer(again, before["token"]) == 401
    assert recall(again, memory) == "It was there before"


def test_an_unknown_secret_is_refused(server: Server) -> None:
    before = secrets()
    done = ansible("mcp.aws.rotate_secrets", "-e", "secrets_rotate=tokn")
    assert done.returncode != 0
    assert "No such secret to rotate: `tokn`." in " ".join(done.stdout.split())
    assert secrets() == before
    assert server.ready()
