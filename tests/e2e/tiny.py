"""A git repository on the host with the smallest MCP server, for deploys that are not about the server."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time
from typing import Any

from tests.e2e.conftest import ROOT, Server

PATH = "/srv/e2e-tiny"
FOLDER = ROOT / "tests/fixtures/tiny"
# Dockerfiles of which nothing comes, and whose layer is never there yet.
MORE = {"Broken": "FROM scratch\nRUN true\n", "New": "FROM python:3.11-slim\nARG NOW\nRUN echo $NOW\n"}


def publish(server: Server) -> None:
    """Make the repository."""
    files = {file.name: file.read_text() for file in FOLDER.iterdir() if file.is_file()} | MORE
    written = "\n".join(f"cat > {name} <<'END-OF-FILE'\n{text}END-OF-FILE" for name, text in files.items())
    commit = "git add . && git -c user.name=e2e -c user.email=e2e@localhost commit -qm tiny"
    server.shell(f"set -e\nrm -rf {PATH}; git init -q {PATH}; cd {PATH}\n{written}\n{commit}")


def variables(**settings: Any) -> tuple[str, str]:
    """Arguments that deploy it, with more or other settings."""
    given = {"stack_repository": f"file://{PATH}", "stack_websocket_path": "", "stack_environment": {"VERSION": "tiny"}}
    return "-e", json.dumps({**given, **settings})


def version(name: str, delay: float = 0) -> tuple[str, str]:
    """Arguments that deploy a version of it, which begins after so many seconds."""
    return variables(stack_environment={"VERSION": name, "DELAY": f"{delay:.1f}"})


def new(**settings: Any) -> tuple[str, str]:
    """Arguments that deploy an image which neither the host nor the registry has yet."""
    return variables(stack_dockerfile="New", stack_build_args={"NOW": f"{time.time()}"}, **settings)
