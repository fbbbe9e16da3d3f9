"""Every plugin that is read before tasks are forked can be read: a playbook with `-vv` names those that cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLAYBOOK = "[{hosts: localhost, gather_facts: false, tasks: [{ansible.builtin.debug: {msg: it ran}}]}]"


def test_all_of_them_are_read(tmp_path: Path) -> None:
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(PLAYBOOK)
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-vv", str(playbook)]
    environment = os.environ | {"ANSIBLE_CALLBACKS_ENABLED": "mcp.aws.preload"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "it ran" in output
    assert "is not read" not in output
