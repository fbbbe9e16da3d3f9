"""What the role secrets makes of a token that was put into the Parameter Store by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

READ = Path(__file__).resolve().parents[2] / "roles/secrets/tasks/read.yml"
KEPT = ("Refuse a token that no HTTP header can hold", "Keep the secrets for this run")


@pytest.mark.parametrize(
    ("token", "green"), [("abc def-123\n", True), ("s3cret\nline", False), ("", False), ("pä€", False)]
)
def test_a_token_that_no_header_can_hold_is_refused_and_not_printed(tmp_path: Path, token: str, green: bool) -> None:
    tasks = [task for task in yaml.safe_load(READ.read_text()) if task["name"].startswith(KEPT)]
    assert len(tasks) == len(KEPT)
    look = {"name": "Look at it", "ansible.builtin.assert": {"that": "secrets_state.token == 'abc def-123'"}}
    given = {"secrets_path": "/acme", "__secrets_read": {"secrets": {"token": token, "other": "a\nb"}}}
    play = {"hosts": "localhost", "gather_facts": False, "vars": given, "tasks": [*tasks, look]}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [program, "-i", "localhost,", "play.yml", "-vv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is green, done.stdout + done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    assert green or "holds a line break or another character" in done.stdout
