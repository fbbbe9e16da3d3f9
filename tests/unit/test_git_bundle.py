"""Unit tests of the packing of a directory into a git bundle."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.git_bundle import Bundle, environment, pack


def git(arguments: list[str], env: dict[str, str]) -> str:
    """Run git without what the tester's own environment says."""
    done = subprocess.run(["git", *arguments], env={"PATH": os.environ["PATH"], **env}, capture_output=True, check=True)
    return done.stdout.decode()


def make(directory: Path, files: dict[str, str]) -> Path:
    """Write files below a directory."""
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(content)
    return directory


def run(directory: Path, cache: Path, write: bool = True) -> Bundle:
    """Pack with one pattern of each kind."""
    return pack(git, directory, cache, ["__pycache__/", "*.pyc"], "A message", write)


def test_equal_content_gives_the_same_commit_wherever_and_whenever(tmp_path: Path) -> None:
    first = make(tmp_path / "a", {"server.py": "1", "sub/x.txt": "x"})
    second = make(tmp_path / "b", {"server.py": "1", "sub/x.txt": "x", "__pycache__/server.pyc": "?", "y.pyc": "?"})
    os.utime(second / "server.py", (0, 0))
    one, two = run(first, tmp_path / "c"), run(second, tmp_path / "d")
    assert one.commit == two.commit
    assert one.path.read_bytes() == two.path.read_bytes()


def test_other_content_gives_another_commit(tmp_path: Path) -> None:
    directory = make(tmp_path / "a", {"server.py": "1"})
    before = run(directory, tmp_path / "c")
    make(directory, {"server.py": "2"})
    assert run(directory, tmp_path / "c").commit != before.commit


def test_the_second_time_changes_nothing(tmp_path: Path) -> None:
    directory = make(tmp_path / "a", {"server.py": "1"})
    assert run(directory, tmp_path / "c").changed
    assert not run(directory, tmp_path / "c").changed
    assert sorted(path.suffix for path in (tmp_path / "c").iterdir()) == [".bundle"]


def test_check_mode_writes_nothing_and_tells_the_truth(tmp_path: Path) -> None:
    directory = make(tmp_path / "a", {"server.py": "1"})
    foretold = run(directory, tmp_path / "c", write=False)
    assert foretold.changed
    assert not (tmp_path / "c").exists()
    assert run(directory, tmp_path / "c").commit == foretold.commit


def test_a_bundle_can_be_cloned_and_fetched_from(tmp_path: Path) -> None:
    directory = make(tmp_path / "a", {"server.py": "1", "run": "#!/bin/sh"})
    (directory / "run").chmod(0o755)
    link = tmp_path / "reference.bundle"
    link.symlink_to(run(directory, tmp_path / "c").path)
    git(["clone", "--quiet", str(link), str(tmp_path / "clone")], {})
    assert os.access(tmp_path / "clone" / "run", os.X_OK)

    make(directory, {"server.py": "2"})
    newer = run(directory, tmp_path / "c")
    link.unlink()
    link.symlink_to(newer.path)
    git(["-C", str(tmp_path / "clone"), "fetch", "--quiet", "origin"], {})
    git(["-C", str(tmp_path / "clone"), "checkout", "--quiet", newer.commit], {})
    assert (tmp_path / "clone" / "server.py").read_text() == "2"


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no file to pack"):
        run(make(tmp_path / "a", {"__pycache__/x.pyc": ""}), tmp_path / "c")


def test_no_configuration_of_the_person_or_machine_is_read() -> None:
    env = environment("/r", "/w")
    assert env["GIT_CONFIG_GLOBAL"] == env["GIT_CONFIG_NOSYSTEM"].replace("1", os.devnull)
    assert env["GIT_AUTHOR_DATE"] == env["GIT_COMMITTER_DATE"]
