"""What the control node's Python must have is what the plugins import, and what is missing is named."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

CHECKOUT = Path(__file__).parents[2]
PROGRAM = CHECKOUT / "playbooks/files/missing_requirements.py"
WITH_CORE = {"ansible", "ansible_collections", "jinja2", "packaging", "yaml"}  # and what ansible-core requires


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def required() -> set[str]:
    lines = (CHECKOUT / "requirements.txt").read_text().splitlines()
    return {Requirement(line).name for line in lines if line and not line.startswith("#")}


def missing(tmp_path: Path, *lines: str) -> list[str]:
    file = tmp_path / "requirements.txt"
    file.write_text("\n".join(["# a comment", "", *lines]))
    done = subprocess.run([sys.executable, PROGRAM, file], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_requirements_are_what_plugins_import() -> None:
    paths = [*(CHECKOUT / "plugins").rglob("*.py"), PROGRAM]
    used = set().union(*map(imported, paths)) - sys.stdlib_module_names - WITH_CORE
    assert used == required() - {"ansible-core"}


def test_an_execution_environment_gets_them() -> None:
    described = yaml.safe_load((CHECKOUT / "meta/execution-environment.yml").read_text())["dependencies"]
    assert all((CHECKOUT / file).is_file() for file in described.values())
    assert described["python"] == "requirements.txt"


def test_this_python_meets_them(tmp_path: Path) -> None:
    assert missing(tmp_path, *(CHECKOUT / "requirements.txt").read_text().splitlines()) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no-such-distribution", ["no-such-distribution (absent)"]),
        ("boto3>=1000", ["boto3>=1000 ("]),
        ("boto3>=1.0", []),
    ],
)
def test_what_is_missing_is_named_with_what_is_there(tmp_path: Path, line: str, said: list[str]) -> None:
    found = missing(tmp_path, line)
    assert len(found) == len(said), found
    assert all(one.startswith(words) for one, words in zip(found, said, strict=True))
