"""A directory as a git bundle of one commit that depends on the content alone."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

# Runs `git` with these arguments and environment, returns what it printed, raises on failure.
Git = Callable[[list[str], dict[str, str]], str]

BRANCH = "main"
WHO = "mcp.aws"
EPOCH = "2000-01-01T00:00:00+00:00"


@dataclass(frozen=True)
class Bundle:
    """A bundle in the cache, and whether it had to be written."""

    commit: str
    path: Path
    changed: bool


def environment(repository: str, directory: str) -> dict[str, str]:
    """Return an environment in which neither the person, the machine nor the clock can change a commit.

    :param repository: bare repository to work in.
    :param directory: work tree.
    """
    person = {
        f"GIT_{role}_{field}": value
        for role in ("AUTHOR", "COMMITTER")
        for field, value in (("NAME", WHO), ("EMAIL", f"{WHO}@localhost"), ("DATE", EPOCH))
    }
    settings = {
        "core.attributesFile": os.devnull,
        "core.autocrlf": "false",
        "core.excludesFile": os.devnull,
        "core.fileMode": "true",
        "pack.threads": "1",
    }
    numbered = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        numbered |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_DIR": repository,
        "GIT_WORK_TREE": directory,
        "LC_ALL": "C",
        **person,
        **numbered,
    }


def pack(git: Git, directory: Path, cache: Path, exclude: Iterable[str], message: str, write: bool) -> Bundle:
    """Commit a directory in a throw-away repository and bundle it, unless the cache has that commit already.

    :param exclude: patterns in the notation of `.gitignore`.
    :param write: False only computes what would be.
    """
    with tempfile.TemporaryDirectory(prefix="git-bundle-") as scratch:
        env = environment(f"{scratch}/git", str(directory))
        git(["init", "--quiet", "--bare", f"{scratch}/git"], {k: v for k, v in env.items() if k != "GIT_WORK_TREE"})
        patterns = Path(scratch, "git", "info", "exclude")
        patterns.parent.mkdir(exist_ok=True)
        patterns.write_text("".join(f"{pattern}\n" for pattern in exclude), encoding="utf-8")
        git(["add", "--all", "."], env)
        if not git(["ls-files"], env).strip():
            raise ValueError(f"{directory} holds no file to pack.")
        commit = git(["commit-tree", git(["write-tree"], env).strip(), "-m", message], env).strip()
        path = cache / f"{commit}.bundle"
        missing = not path.exists()
        if missing and write:
            git(["update-ref", f"refs/heads/{BRANCH}", commit], env)
            git(["symbolic-ref", "HEAD", f"refs/heads/{BRANCH}"], env)
            cache.mkdir(parents=True, exist_ok=True)
            # Complete or absent: another run may read the same cache now.
            partial = cache / f".{commit}.{os.getpid()}"
            git(["bundle", "create", "--quiet", str(partial), "HEAD", BRANCH], env)
            partial.replace(path)
    return Bundle(commit, path, missing)
