"""A new user on an account: writes an inventory as the guide says, changes nothing else, and logs in to the server."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.settings import API_URL, CREDENTIALS
from tests.e2e.conftest import BIN, ENVIRONMENT, ROOT, aws

NAME = "mcp-first"
# A network that no other deployment in the lab has, and this machine as its servers see it: the router.
NETWORK = '{"network_cidr": "10.28.0.0/16", "network_subnet_cidrs": ["10.28.1.0/24", "10.28.2.0/24"]}'
ADMIN = "10.28.0.1/32"
INVENTORY = f"inventory/{NAME}"


class User:
    """Somebody with a home, credentials where boto3 looks for them, and no file of this checkout."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {
            **ENVIRONMENT,
            "HOME": str(home),
            "AWS_ENDPOINT_URL": API_URL,
            "AWS_SHARED_CREDENTIALS_FILE": str(CREDENTIALS),
        }

    def run(self, *command: str, seconds: float = 600) -> subprocess.CompletedProcess[str]:
        """Run a command in the home."""
        return subprocess.run(
            command, cwd=self.home, env=self.environment, capture_output=True, text=True, timeout=seconds, check=False
        )

    def runner(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line, and show what it printed."""
        done = self.run(sys.executable, str(ROOT / "runner.py"), *arguments)
        print(done.stdout[-3000:] + done.stderr[-2000:])
        return done

    def ping(self) -> str:
        """Log in to the servers over connections of its own, and return what Ansible says."""
        command = ("ansible", "mcp_servers", "-i", INVENTORY, "-m", "ansible.builtin.ping", "-o")
        done = self.run(str(BIN / command[0]), *command[1:], "--ssh-extra-args=-oControlPath=none")
        return done.stdout + done.stderr


@pytest.fixture
def user(tmp_path: Path) -> User:
    """A user who has just written the inventory of a deployment."""
    user = User(tmp_path)
    assert user.runner("new", NAME, "--region", "us-east-1", "--admin", ADMIN).returncode == 0
    return user


@pytest.fixture
def provisioned(user: User) -> Iterator[User]:
    """A user whose servers are there, until the test has ended."""
    try:
        assert user.runner("provision", "-i", INVENTORY, "-e", NETWORK).returncode == 0
        yield user
    finally:
        gone = user.runner("teardown", "-i", INVENTORY, "--confirm", NAME, "-e", "storage_delete_bucket=true")
        assert gone.returncode == 0


def test_a_new_inventory_leads_to_a_server_that_lets_its_user_in(provisioned: User) -> None:
    user = provisioned
    reached = user.ping()
    assert f"{NAME} | SUCCESS" in reached, reached
    filters = [{"Name": "tag:mcp:name", "Values": [NAME]}, {"Name": "instance-state-name", "Values": ["running"]}]
    (reservation,) = aws("ec2").describe_instances(Filters=filters)["Reservations"]
    instance = reservation["Instances"][0]["InstanceId"]
    known = user.home / ".ssh" / f"{NAME}_known_hosts"
    assert {line.split()[0] for line in known.read_text().splitlines()} == {instance}

    # A host whose key is not the one that was pinned.
    known.write_text(known.read_text().replace(instance, "i-00000000000000000"))
    refused = user.ping()
    assert "Host key verification failed" in refused, refused


def test_a_plan_without_credentials_is_a_failure(user: User, tmp_path: Path) -> None:
    user.environment |= {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"), "AWS_EC2_METADATA_DISABLED": "true"}
    for verb in ("site", "deploy", "verify"):
        done = user.runner("plan", verb, "-i", INVENTORY)
        assert done.returncode == 1
        assert "no changes" not in done.stdout
        assert "Unable to locate credentials" in " ".join(done.stdout.split())
