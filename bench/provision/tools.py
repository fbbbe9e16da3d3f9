"""The three tools that are compared: each creates, looks again, and deletes, from its command line as its users do."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.aws.deployment import ACCESS_KEY, NAME, ROOT, SECRET_KEY, Account, Run

HERE = Path(__file__).parent
STEPS = ("create", "no-op", "teardown")
USUAL = ("/opt/tf-plugins", "/usr/share/terraform/plugins", "/usr/local/share/terraform/plugins")
PROVIDER = "registry.terraform.io/hashicorp/aws"


class StepFailed(Exception):
    """A tool did not do what it should; the text has its last lines."""


class Tool(Protocol):
    """One of the tools that are compared."""

    name: str

    def run(self, step: str, account: Account, instances: int) -> float:
        """Do a step and return its seconds."""


def execute(command: list[str], folder: Path, expected: str = "") -> float:
    """Run a command and return its seconds, those of a process from start to end.

    :param expected: what its output must contain, as a regular expression.
    """
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode or not re.search(expected, done.stdout):
        wanted = f", its output lacks `{expected}`" if expected else ""
        tail = "\n".join(done.stdout.splitlines()[-40:])
        raise StepFailed(f"{' '.join(command)[:300]}\nended with {done.returncode}{wanted}:\n{tail}")
    return seconds


class Ours:
    """The playbooks of this collection."""

    name = "ours"

    def run(self, step: str, account: Account, instances: int) -> float:
        """Run the step's playbook; again must change nothing."""
        playbook = "teardown" if step == "teardown" else "provision"
        variables: dict[str, object] = {"instance_count": instances} if instances != 1 else {}
        if step == "teardown":
            variables |= {"teardown_confirm": NAME, "storage_delete_bucket": True}
        began = time.perf_counter()
        with account.begin(playbook, **variables) as process:
            try:
                output, _ = process.communicate()  # no deadline: sixteen instances on a busy machine take their time
            except BaseException:
                process.terminate()
                raise
        seconds = time.perf_counter() - began
        run = Run(process.returncode, output)
        if run.status or (step == "no-op") != (run.changed == 0):
            tail = "\n".join(run.output.splitlines()[-60:])
            raise StepFailed(f"{playbook} ended with {run.status}, changed={run.changed}:\n{tail}")
        return seconds


class Script:
    """Plain boto3 in one process."""

    name = "boto3"

    def run(self, step: str, account: Account, instances: int) -> float:
        """Run the script."""
        verb = {"create": "create", "no-op": "look", "teardown": "delete"}[step]
        script = [sys.executable, "-m", "bench.provision.boto3_script", verb]
        return execute([*script, account.endpoint, NAME, str(instances), public_key(account)], ROOT)


@dataclass
class Terraform:
    """The same resources in a configuration of Terraform."""

    program: str
    mirror: Path
    folder: Path
    name: str = "terraform"

    def prepare(self) -> None:
        """Lay out configuration and provider; this is not timed."""
        shutil.copytree(HERE / "terraform", self.folder)
        settings = self.folder / "settings.tfrc"
        settings.write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{self.mirror}" }}\n}}\n')
        os.environ |= {"TF_CLI_CONFIG_FILE": str(settings), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
        for verb in ("init", "validate"):
            execute([self.program, verb, "-no-color"], self.folder)

    def run(self, step: str, account: Account, instances: int) -> float:
        """Apply or destroy; apply again must change nothing."""
        if step == "create":
            for old in self.folder.glob("*.tfstate*"):
                old.unlink()
            self.set_variables(account, instances)
        expected = {
            "create": r"Apply complete! Resources: \d+ added, 0 changed, 0 destroyed",
            "no-op": r"Apply complete! Resources: 0 added, 0 changed, 0 destroyed",
            "teardown": r"Destroy complete!",
        }[step]
        verb = "destroy" if step == "teardown" else "apply"
        return execute([self.program, verb, "-auto-approve", "-input=false", "-no-color"], self.folder, expected)

    def set_variables(self, account: Account, instances: int) -> None:
        """Write the values of its variables."""
        values = {
            "endpoint": account.endpoint,
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
            "name": NAME,
            "instance_count": instances,
            "public_key": public_key(account),
            "secrets": {key: secrets.token_urlsafe(24) for key in ("database_password", "redis_password", "token")},
        }
        (self.folder / "terraform.tfvars.json").write_text(json.dumps(values))


def public_key(account: Account) -> str:
    """Return a public key of the account's folder, made where there is none."""
    file = account.folder / "bench" / "id_ed25519"
    if not file.exists():
        file.parent.mkdir(parents=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    return file.with_suffix(".pub").read_text().strip()


def find_terraform(folder: Path) -> Terraform | str:
    """Return Terraform where it and its AWS provider are on this machine, else a sentence that says what is not."""
    program = shutil.which("terraform")
    if not program:
        return "Terraform is not on this machine (no `terraform` in PATH): the others are measured without it."
    homes = [str(Path.home() / place) for place in (".terraform.d/plugins", ".local/share/terraform/plugins")]
    said = [os.environ[name] for name in ("TF_PLUGIN_DIR", "TF_PLUGIN_CACHE_DIR") if os.environ.get(name)]
    places = [Path(place) for place in (*said, *homes, *USUAL)]
    mirror = next((place for place in places if (place / PROVIDER).is_dir()), None)
    if not mirror:
        looked = ", ".join(map(str, places))
        return (
            f"Terraform's AWS provider is not on this machine (looked in {looked}): the others are measured without it."
        )
    return Terraform(program, mirror, folder)
