"""Judges a file of rules as logrotate would read it, and names the rule that is wrong."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path


def rules(text: str) -> Iterator[tuple[str, str]]:
    """Name and text of each rule."""
    parts = re.split(r"^# Rule (\S+):.*\n", text, flags=re.MULTILINE)
    yield from zip(parts[1::2], parts[2::2], strict=True)


def errors(text: str) -> list[str]:
    """What logrotate has against a text of rules."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        result = subprocess.run(["logrotate", "--debug", file.name], capture_output=True, text=True, check=False)
        lines = re.findall(r"^error: (.*)", result.stdout + result.stderr, re.MULTILINE)
        return [re.sub(rf"^\S*{Path(file.name).name}:(\d+ )?", "", line) for line in lines]


def script_errors(text: str) -> list[str]:
    """What the shell has against the scripts in a rule."""
    found = []
    for script in re.findall(r"^ +(?:firstaction|postrotate)\n(.*?)^ +endscript$", text, re.MULTILINE | re.DOTALL):
        result = subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, check=False)
        found += result.stderr.splitlines()
    return found


def problem(text: str) -> str | None:
    """The first thing that is wrong."""
    seen = ""
    for name, rule in rules(text):
        if found := errors(rule) or script_errors(rule):
            return f"rule {name}: {found[0]}"
        # Two rules of one file that share a log are reported when they are read together.
        seen += rule
        if found := errors(seen):
            return f"rule {name}: {found[0]}"
    return None


if __name__ == "__main__":
    # A check on a bare host has no logrotate to ask.
    sys.exit(problem(Path(sys.argv[1]).read_text()) if shutil.which("logrotate") else None)
