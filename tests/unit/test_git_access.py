"""Unit tests of what opens a private repository: to whom the token is told, and what ssh is told of keys."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLE = Path(__file__).parents[2] / "roles" / "stack"


def environment(**given: str) -> dict[str, str]:
    """What git is told."""

    def trust(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: trust(each) for key, each in value.items()}
        return [trust(each) for each in value] if isinstance(value, list) else trust_as_template(str(value))

    own = {"stack_repository": "", "stack_deploy_key": "", "stack_repository_token": "", "stack_known_hosts": ""}
    said = yaml.safe_load((ROLE / "vars/main.yml").read_text())
    private = {name: trust(value) for name, value in said.items() if name.startswith("__stack_git_")}
    templar = Templar(loader=DataLoader(), variables={**own, **private, **given})
    return dict(templar.template(private["__stack_git_environment"]))


@pytest.mark.parametrize(
    ("repository", "prompt", "answer"),
    [
        ("https://example.com/a.git", "Username for 'https://example.com': ", "x-access-token"),
        ("https://example.com/a.git", "Password for 'https://x-access-token@example.com': ", "the-token"),
        ("https://me@example.com:8443/a.git", "Password for 'https://me@example.com:8443': ", "the-token"),
        ("https://example.com/a.git", "Password for 'https://x-access-token@example.com.evil.test': ", ""),
        ("https://example.com/a.git", "Password for 'https://x-access-token@evil.test': ", ""),
        ("https://example.com/a.git", "Username for 'https://evil.test': ", ""),
        ("https://example.com/a.git", "Password for 'http://x-access-token@example.com': ", ""),
    ],
)
def test_the_token_is_for_the_repositorys_server_alone(
    tmp_path: Path, repository: str, prompt: str, answer: str
) -> None:
    program = Path(shutil.copy(ROLE / "files/git_askpass.sh", tmp_path / "askpass"))
    program.chmod(0o700)
    (tmp_path / "token").write_text("the-token")
    told = environment(stack_repository=repository, stack_repository_token="the-token")  # noqa: S106 (of no server)
    assert "the-token" not in told.values()
    done = subprocess.run([program, prompt], env=os.environ | told, capture_output=True, text=True, check=False)
    assert (done.returncode == 0, done.stdout.strip()) == (bool(answer), answer)


@pytest.mark.parametrize(
    ("given", "ssh"),
    [
        ({}, "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new"),
        (
            {"stack_deploy_key": "PEM", "stack_known_hosts": "example.com ssh-ed25519 AAAA"},
            "ssh -o BatchMode=yes -o IdentitiesOnly=yes -i /etc/mcp/git/deploy_key"
            " -o UserKnownHostsFile=/etc/mcp/git/known_hosts -o StrictHostKeyChecking=yes",
        ),
    ],
)
def test_ssh_takes_the_key_given_and_no_other_server(given: dict[str, str], ssh: str) -> None:
    assert environment(**given)["GIT_SSH_COMMAND"] == ssh
    assert environment(**given)["GIT_ASKPASS"] == ""
