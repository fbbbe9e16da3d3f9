"""Unit tests of the script that commits the reference server: equal content is an equal commit."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROLE = Path(__file__).parents[2] / "roles" / "stack"
PACK: str = yaml.safe_load((ROLE / "vars/main.yml").read_text())["__stack_pack"]


def make(directory: Path, files: dict[str, str]) -> Path:
    """Write files below a directory."""
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(content)
    return directory


def commit(directory: Path, repository: Path, *words: str, **environment: str) -> list[str]:
    """Pack a directory as the role does, and commit it; return what the script prints."""
    pack = PACK.replace("{{ (role_path ~ '/files/server') | quote }}", str(directory))
    assert "{{" not in pack
    packed = subprocess.run(["sh", "-c", pack], capture_output=True, check=True).stdout
    command = ["sh", "-eu", str(ROLE / "files/commit.sh"), str(repository), *(words or ("",))]
    given: Any = os.environ | environment
    return subprocess.run(command, input=packed, env=given, capture_output=True, check=True).stdout.decode().split()


def test_equal_content_is_the_same_commit_wherever_and_whenever(tmp_path: Path) -> None:
    first = make(tmp_path / "a", {"server.py": "1", "sub/x.txt": "x"})
    second = make(tmp_path / "b", {"server.py": "1", "sub/x.txt": "x", "__pycache__/server.pyc": "?", "y.pyc": "?"})
    os.utime(second / "server.py", (0, 0))
    one = commit(first, tmp_path / "one", "write")
    two = commit(second, tmp_path / "two", "write", GIT_AUTHOR_NAME="somebody", HOME=str(tmp_path))
    assert one == two
    assert commit(make(tmp_path / "c", {"server.py": "2"}), tmp_path / "one")[0] != one[0]


def test_the_second_time_changes_nothing(tmp_path: Path) -> None:
    directory = make(tmp_path / "a", {"server.py": "1"})
    made = commit(directory, tmp_path / "r", "write")
    assert made[1:] == ["new"]
    assert commit(directory, tmp_path / "r", "write") == made[:1]
    assert commit(directory, tmp_path / "r") == made[:1]


def test_check_mode_writes_nothing_and_computes_the_same(tmp_path: Path) -> None:
    directory = make(tmp_path / "a", {"server.py": "1"})
    predicted = commit(directory, tmp_path / "r")
    assert not (tmp_path / "r").exists()
    assert commit(directory, tmp_path / "r", "write") == predicted


def test_the_repository_can_be_cloned_and_fetched_from(tmp_path: Path) -> None:
    directory = make(tmp_path / "a", {"server.py": "1", "run": "#!/bin/sh"})
    (directory / "run").chmod(0o755)
    commit(directory, tmp_path / "r", "write")
    git = ["git", "-C", str(tmp_path / "clone")]
    subprocess.run(["git", "clone", "--quiet", str(tmp_path / "r"), str(tmp_path / "clone")], check=True)
    assert os.access(tmp_path / "clone" / "run", os.X_OK)
    newer = commit(make(directory, {"server.py": "2"}), tmp_path / "r", "write")[0]
    subprocess.run([*git, "fetch", "--quiet", "origin"], check=True)
    subprocess.run([*git, "checkout", "--quiet", newer], check=True)
    assert (tmp_path / "clone" / "server.py").read_text() == "2"
