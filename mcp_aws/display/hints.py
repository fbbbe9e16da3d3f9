"""What to do about a failure: the first advice whose signs its message bears, else how to go on where it stopped."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from mcp_aws.outcome import Failure
from mcp_aws.plan import CONTROL_NODE

LOOK = "`ansible {host} -i {inventory} -m ping -vvv` shows what SSH says"
# What a message says, and what then helps. The first that fits is told.
ADVICE: tuple[tuple[str, str], ...] = (
    ("no vault secrets|Attempting to decrypt", "Name the vault's password file in ANSIBLE_VAULT_PASSWORD_FILE."),
    (
        "Decryption failed",
        "The vault's password is another one: look at the file that ANSIBLE_VAULT_PASSWORD_FILE names.",
    ),
    (
        "Host key verification failed|HOST IDENTIFICATION HAS CHANGED",
        "The host's key is not the one known. If the host is new, remove the old key with `ssh-keygen -R`.",
    ),
    ("Permission denied \\(", "SSH let nobody in: look at ansible_user and the key. " + LOOK + "."),
    (
        "Connection refused|timed out|No route to host|Could not resolve|Failed to connect to the host",
        "Is the host up, and does its security group let this machine reach its SSH port? " + LOOK + ".",
    ),
    ("Missing sudo password|sudo: a password is required", "Let ansible_user use sudo without a password."),
    (
        "Unable to locate credentials|NoCredentials|credentials have expired|ExpiredToken|InvalidClientTokenId",
        "Look at the AWS credentials: `aws sts get-caller-identity` says whose they are; AWS_PROFILE names others.",
    ),
    (
        "AccessDenied|UnauthorizedOperation|not authorized to perform",
        "The credentials lack a permission; docs/iam lists what every playbook needs.",
    ),
    ("Nothing was deleted: the answer is", "Give the deployment's name (mcp_name) as `--confirm`."),
    ("locale encoding to be UTF-8", "Ansible works in a UTF-8 locale only: `export LC_ALL=C.UTF-8`."),
    ("No space left on device", "Free some room there: `df -h` and `df -i` say which disk is full."),
    (
        "leaves us with no hosts to target|Could not match supplied host pattern",
        "`ansible-inventory -i {inventory} --graph` lists the hosts that --limit may name.",
    ),
    (
        "couldn't resolve module|conflicting action statements|YAML parsing failed|Syntax Error|not a valid attribute",
        "Mend the playbook there; `ansible-playbook --syntax-check` says whether that was all.",
    ),
)
HOSTS = 5  # a longer --limit is no advice
ROLE = re.compile(r"roles/(\w+)/")


def program() -> str:
    """Return what the command is called."""
    name = Path(sys.argv[0]).name
    return name if name in ("runner.py", "mcp-aws") else "runner.py"


def advice(failures: Sequence[Failure], verb: str, inventory: str) -> str:
    """Return a sentence that says what to do.

    :param failures: of one task, on one host or more, with the same message.
    :param inventory: as it was given on the command line.
    """
    failure = failures[0]
    for signs, what in ADVICE:
        if re.search(signs, failure.message, re.I):
            return what.format(host=failure.host or "all", inventory=inventory)
    if not failure.task:
        return ""
    role = ROLE.search(failure.file)
    again: Sequence[str] = [program(), verb, "-i", inventory]
    if verb == "teardown":
        again = [*again, "--confirm", "NAME"]
    if not failure.host.startswith(CONTROL_NODE) and len(failures) <= HOSTS:
        again = [*again, "--limit", ",".join(each.host for each in failures)]
    if role:
        again = [*again, "--tags", role[1]]
    return f"When it is mended, `{shlex.join(again)}` goes on from there."
