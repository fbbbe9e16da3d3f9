"""Fresh hosts: EC2 instances in the account's default network, as small as the smallest server."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.conftest import aws

LOOK = Path(__file__).with_name("look.py")
KEY_NAME = "mcp-bench-converge"
BOOT_SECONDS = 240
DEBIAN: dict[str, Any] = {"Owners": ["136693071363"], "Filters": [{"Name": "name", "Values": ["debian-12-amd64-*"]}]}


class StepFailed(Exception):
    """Something did not do what it should; the text has its last lines."""


@dataclass(frozen=True)
class Host:
    """A booted host, and the folder with its key and host key."""

    address: str
    folder: Path

    @property
    def key(self) -> Path:
        """Return the file of the key that the host lets in."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """Return the file with the host's own key."""
        return self.folder / f"known_hosts-{self.address}"

    def ssh(self, *command: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command on the host."""
        options = ["-oBatchMode=yes", "-oStrictHostKeyChecking=accept-new", f"-oUserKnownHostsFile={self.known_hosts}"]
        words = ["ssh", *options, "-i", str(self.key), f"admin@{self.address}", *command]
        return subprocess.run(words, input=text, capture_output=True, text=True, check=False, timeout=120)

    def processor_seconds(self) -> float:
        """Return what the host has spent since it booted, by control groups of version 1 or 2."""
        new = "awk '/^usage/ {print $2 * 1000}' /sys/fs/cgroup/cpu.stat"
        told = self.ssh(f"cat /sys/fs/cgroup/cpuacct/cpuacct.usage || {new}")
        return int(told.stdout) / 1e9

    def look(self, password: str = "") -> dict[str, Any]:
        """Return what the host is; with a password, what its services answer too."""
        seen = self.ssh("sudo", "python3", "-", password, text=LOOK.read_text())
        if seen.returncode:
            raise StepFailed(f"Cannot look at the host {self.address}: {seen.stderr[-2000:]}")
        return dict(json.loads(seen.stdout))


class Account:
    """Boots hosts, one at a time."""

    def __init__(self, folder: Path, name: str = KEY_NAME) -> None:
        self.ec2, self.folder, self.name = aws("ec2"), folder, name
        key = folder / "id_ed25519"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        self.ec2.delete_key_pair(KeyName=self.name)
        self.ec2.import_key_pair(KeyName=self.name, PublicKeyMaterial=key.with_suffix(".pub").read_bytes())
        images = self.ec2.describe_images(**DEBIAN)["Images"]
        self.image = max(images, key=lambda image: image["CreationDate"])["ImageId"]

    @contextmanager
    def host(self) -> Iterator[Host]:
        """Boot a host, wait until its first boot is over, and take it away again."""
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": self.name}]}]
        size = {"InstanceType": "t2.micro", "MinCount": 1, "MaxCount": 1}
        run = self.ec2.run_instances(ImageId=self.image, KeyName=self.name, TagSpecifications=tags, **size)
        instance = run["Instances"][0]
        try:
            host = Host(instance["PrivateIpAddress"], self.folder)
            host.known_hosts.unlink(missing_ok=True)
            self.wait(host)
            yield host
        finally:
            self.ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])

    @staticmethod
    def wait(host: Host) -> None:
        """Wait until the first boot is over."""
        deadline = time.monotonic() + BOOT_SECONDS
        while (done := host.ssh("cloud-init status --wait >/dev/null; systemctl is-system-running --wait")).returncode:
            if time.monotonic() > deadline:
                raise StepFailed(
                    f"The host {host.address} is not up after {BOOT_SECONDS} s: {done.stdout}{done.stderr}"
                )
            time.sleep(0.5)

    def close(self) -> None:
        """Forget the key."""
        self.ec2.delete_key_pair(KeyName=self.name)
