"""The main job once for the whole session, and hands to reach what it made: AWS, the host, the door."""

import asyncio
import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import boto3
import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from lab.settings import API_URL, CREDENTIALS, REGION, RUN

ROOT = Path(__file__).parents[2]
# A deployment of its own, so that one which stands in the lab is left alone: name, network, key and known hosts.
NAME = "mcp-e2e"
INVENTORY = ROOT / ".lab" / "inventory" / "e2e"
OWN = {r"(?<!/)\bmcp-lab\b": NAME, r"\b10\.20\.": "10.24.", r"/run/ssh/": "/run/ssh-e2e/"}
SUBNETS = "network_subnet_cidrs: [10.24.1.0/24, 10.24.2.0/24]\n"
KEYS = RUN / "ssh-e2e"
BIN = Path(sys.executable).parent
ENVIRONMENT = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1"}
PLAYBOOK = ("ansible-playbook", "-i", str(INVENTORY))


def write_inventory() -> None:
    """Write the lab's inventory with another name and network."""
    shutil.rmtree(INVENTORY, ignore_errors=True)
    for source in sorted((ROOT / "inventory/lab").rglob("*.yml")):
        text = source.read_text()
        for pattern, own in OWN.items():
            text = re.sub(pattern, own, text)
        target = INVENTORY / source.relative_to(ROOT / "inventory/lab")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (INVENTORY / "group_vars/all/subnets.yml").write_text(SUBNETS)


def ansible(
    playbook: str, *arguments: str, cwd: Path = ROOT, before: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook as a person would, under another command where one is given, and keep what it printed."""
    command = [*before, *PLAYBOOK, playbook, *arguments]
    return subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=900, check=False)


def aws(service: str) -> Any:
    """A boto3 client of the lab's account."""
    profile = configparser.ConfigParser()
    profile.read(CREDENTIALS)
    client: Any = boto3.client
    return client(
        service,
        endpoint_url=API_URL,
        region_name=REGION,
        aws_access_key_id=profile["default"]["aws_access_key_id"],
        aws_secret_access_key=profile["default"]["aws_secret_access_key"],
    )


class Server:
    """The deployed server: its instance, its shell and its door."""

    def __init__(self) -> None:
        filters = [
            {"Name": "tag:mcp:name", "Values": [NAME]},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
        reservations = aws("ec2").describe_instances(Filters=filters)["Reservations"]
        assert len(reservations) == 1, f"one instance with the tag mcp:name={NAME} expected: {reservations}"
        self.instance = reservations[0]["Instances"][0]
        self.url = f"http://{self.instance['PrivateIpAddress']}:8000"
        self.token = aws("ssm").get_parameter(Name=f"/{NAME}/token", WithDecryption=True)["Parameter"]["Value"]

    def shell(self, script: str, *, check: bool = True) -> str:
        """Run a script on the host as root, over the connection that Ansible uses: pinned host key, provisioned key."""
        command = [
            *("ssh", "-oBatchMode=yes", "-oStrictHostKeyChecking=yes", f"-oUserKnownHostsFile={KEYS}/known_hosts"),
            *(f"-oHostKeyAlias={self.instance['InstanceId']}", "-i", f"{KEYS}/id_ed25519"),
            *(f"admin@{self.instance['PrivateIpAddress']}", "sudo", "sh", "-s"),
        ]
        done = subprocess.run(command, input=script, capture_output=True, text=True, timeout=300, check=False)
        assert not check or done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    @property
    def slot(self) -> str:
        """The slot that serves."""
        return self.shell("cut -d' ' -f2 /etc/haproxy/serving.map")

    @property
    def container(self) -> str:
        """The container that serves."""
        return f"mcp-{self.slot}"

    def ready(self) -> bool:
        """Tell whether the door answers that all is ready."""
        try:
            return httpx.get(f"{self.url}/ready", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def wait_until_ready(self, seconds: float) -> float:
        """Wait for the door, give the seconds it took; at the deadline show what the host says."""
        began = time.monotonic()
        while not self.ready():
            if time.monotonic() - began > seconds:
                pytest.fail(
                    self.shell("systemctl status --no-pager 'mcp@*' docker; journalctl -n 40 --no-pager", check=False)
                )
            time.sleep(0.2)
        return time.monotonic() - began

    def session(self, act: Callable[[Client], Awaitable[Any]]) -> Any:
        """Let the official MCP client act through the door."""

        async def run() -> Any:
            headers = {"Authorization": f"Bearer {self.token}"}
            async with (
                httpx2.AsyncClient(headers=headers, timeout=30) as http,
                Client(streamable_http_client(f"{self.url}/mcp", http_client=http)) as client,
            ):
                return await act(client)

        return asyncio.run(run())


@pytest.fixture(scope="session")
def site() -> subprocess.CompletedProcess[str]:
    """`ansible-playbook site.yml` beside whatever the lab holds; red here means that the main job is broken."""
    write_inventory()
    done = ansible("site.yml", "-e", "health_restart_test=true")
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
    return done


@pytest.fixture
def server(site: subprocess.CompletedProcess[str]) -> Server:
    """The server that the main job made."""
    return Server()


def judged(output: str) -> tuple[int, int]:
    """How many criteria were met, and of how many, as the run's last verdict says; green is a slot's name, too."""
    verdicts = re.findall(rf"verify {NAME}: (\d+) of (\d+) green", output)
    assert verdicts, f"no verdict in:\n{output[-3000:]}"
    return int(verdicts[-1][0]), int(verdicts[-1][1])


def recap(output: str) -> dict[str, dict[str, int]]:
    """The numbers of PLAY RECAP by host, of which there are some."""
    assert "PLAY RECAP" in output, f"no recap in:\n{output[-3000:]}"
    lines = output.partition("PLAY RECAP")[2].splitlines()[1:]
    hosts = [line.partition(":") for line in lines if " ok=" in line]
    return {
        host.strip(): {name: int(number) for name, number in (pair.split("=") for pair in numbers.split())}
        for host, _, numbers in hosts
    }


def as_json(text: str) -> Any:
    """Parse what a program printed, showing it when it is not JSON."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        pytest.fail(f"not JSON:\n{text}")
