"""An AWS account for tests, and playbooks run against it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).parents[2]
NAME = "mcp-aws"
TAGS = {"mcp:name": NAME, "mcp:collection": "mcp.aws"}
# Long enough to be in no other text: Ansible masks them wherever they appear.
ACCESS_KEY, SECRET_KEY = "access-key-of-nobody", "secret-key-of-nobody"
FILES = ("keys", "hosts")  # what a deployment keeps on the control node
ALONE = threading.Lock()
RECAP = re.compile(r"changed=(\d+) .*failed=(\d+)")


@dataclass
class Run:
    """What came of a playbook."""

    status: int
    output: str
    changed: int = field(init=False)

    def __post_init__(self) -> None:
        counts = [int(found[1]) for found in RECAP.finditer(self.output)]
        self.changed = sum(counts) if counts else -1

    @property
    def said(self) -> str:
        """Return the output with line breaks and indentation folded, to look for sentences."""
        return " ".join(self.output.split())


@cache
def session() -> Any:
    """Return the one session: it reads what a service can do once, which takes longer than to ask the service."""
    made: Any = boto3.Session(ACCESS_KEY, SECRET_KEY, region_name="us-east-1")
    return made


@dataclass
class Account:
    """An AWS account, and the files of a deployment into it."""

    endpoint: str
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)  # of playbooks, over this process's own

    def client(self, service: str) -> Any:
        """Return a boto3 client."""
        with ALONE:
            return session().client(service, endpoint_url=self.endpoint)

    @contextmanager
    def copy(self, folder: Path) -> Iterator[Account]:
        """Open an account that has all that this one has at this moment, files too, and close it."""
        request = urllib.request.Request(f"{self.endpoint}/copy", b"")  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            made = json.load(answer)
        try:
            folder.mkdir(exist_ok=True)
            for name in FILES:
                if (self.folder / name).exists():
                    shutil.copytree(self.folder / name, folder / name)
            yield Account(made["endpoint"], folder)
        finally:
            os.kill(made["pid"], signal.SIGTERM)

    def variables(self) -> dict[str, Any]:
        """Return the variables of a deployment."""
        connection = {
            "region": "us-east-1",
            "endpoint_url": self.endpoint,
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
        }
        return {
            "mcp_name": NAME,
            "mcp_region": "us-east-1",
            "mcp_tags": TAGS,
            "mcp_aws_connection": connection,
            "network_admin_cidrs": ["198.51.100.0/24"],
            "identity_key_file": str(self.folder / "keys" / "id_ed25519"),
            "instance_known_hosts_file": str(self.folder / "hosts" / "known_hosts"),
        }

    def begin(self, playbook: str, *options: str, **variables: Any) -> subprocess.Popen[str]:
        """Start a playbook."""
        extra = json.dumps(self.variables() | variables)
        # As in production, the inventory does not say what localhost is.
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "somewhere,", "-e", extra]
        return subprocess.Popen(
            [*command, *options, f"playbooks/{playbook}.yml"],
            cwd=ROOT,
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, playbook: str, *options: str, **variables: Any) -> Run:
        """Run a playbook to its end."""
        return self.end(self.begin(playbook, *options, **variables))

    @staticmethod
    def end(process: subprocess.Popen[str]) -> Run:
        """Wait for a playbook that was started."""
        output, _ = process.communicate(timeout=300)
        return Run(process.returncode, output)

    def require_credentials(self, *, valid: bool) -> None:
        """Let the API refuse the credentials of the tests, or take any again."""
        count = b"0" if valid else b"1000000"
        request = urllib.request.Request(f"{self.endpoint}/moto-api/reset-auth", count, {"Content-Type": "text/plain"})  # noqa: S310
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310


@dataclass(frozen=True)
class Deployed:
    """An account that holds a whole deployment beside things of others, and the run that made it."""

    account: Account
    created: Run
