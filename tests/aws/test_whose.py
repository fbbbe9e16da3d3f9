"""The module aws_ownership_info: what is ours, somebody else's and absent, of every kind that it knows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from deployment import ROOT, Account
from neighbour import NAMES, present

OURS, THEIRS = {"mcp:name": "acme"}, {"mcp:name": "rival"}
ABSENT: dict[str, Any] = dict.fromkeys(NAMES, "absent") | {"parameters": {}, "alarms": {}}


def ask(account: Account, *options: str) -> dict[str, Any]:
    """Run the module alone."""
    words = account.variables()["mcp_aws_connection"] | {"owner": "acme", "resources": NAMES}
    command = [str(Path(sys.executable).with_name("ansible")), "localhost", "-m", "mcp.aws.aws_ownership_info"]
    command += [
        "-i",
        "localhost,",
        "-c",
        "local",
        "-e",
        f"ansible_python_interpreter={sys.executable}",
        *options,
        "-a",
        json.dumps(words),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return yaml.safe_load(done.stdout.partition("=>")[2])


def test_an_empty_account_has_none_of_them_in_check_mode_too(account: Account) -> None:
    answer = ask(account, "--check")
    assert answer["ownership"] == ABSENT
    assert answer["foreign"] == []
    assert answer["changed"] is False


@pytest.mark.parametrize(("tags", "whose"), [(OURS, "ours"), (THEIRS, "foreign")], ids=["ours", "theirs"])
def test_the_tag_tells_whose_everything_is(account: Account, tags: dict[str, str], whose: str) -> None:
    with present(account.client, tags):
        answer = ask(account)
    many = {
        "parameters": {"/acme/token": whose, "/acme/deeper/password": whose},
        "alarms": {"acme-errors": whose},
    }
    assert answer["ownership"] == dict.fromkeys(NAMES, whose) | many
    assert len(answer["foreign"]) == (0 if whose == "ours" else len(NAMES) + 1)
