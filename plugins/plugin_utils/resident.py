"""The resident interpreter of one ansible-playbook: it has loaded boto3 once, and forks for every module.

    python resident.py SOCKET PID COLLECTIONS

It listens on SOCKET, finds collections in the folders of COLLECTIONS (parted by colons), and ends with the process PID,
its modules too. A request is a line of JSON ({"size": bytes of the payload, "cwd": folder, "environment": {}}) that
comes with two descriptors, for the module's standard output and error, and is followed by the payload. The answer is
the exit status as a decimal number; an end without an answer means that the module died.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

PAYLOAD_LIMIT = 1 << 26
FINISHED = object()
SERVICES = ("ec2", "iam", "s3", "ecr", "logs", "ssm", "elbv2", "sns", "cloudwatch", "sts")
LIBRARIES = (
    "ansible.module_utils._internal._ansiballz._loader",
    "ansible.module_utils.basic",
    "boto3",
    *(
        f"ansible_collections.amazon.aws.plugins.module_utils.{name}"
        for name in ("modules", "ec2", "elbv2", "iam", "s3", "tagging", "transformation", "waiters", "policy")
    ),
)


def load() -> None:
    """Import what every module of AWS imports."""
    for name in LIBRARIES:
        importlib.import_module(name)
    botocore: Any = importlib.import_module("botocore.session")
    # Every session makes a loader of its own; with one for all, the models of services are read here, not in each fork.
    botocore.create_loader = functools.cache(botocore.create_loader)


def read_models() -> Iterator[None]:
    """Read service by service what every client of AWS reads."""
    session = importlib.import_module("boto3").Session("none", "none", region_name="us-east-1")
    for service in SERVICES:
        session.client(service, endpoint_url="http://127.0.0.1")
        yield
    gc.collect()
    gc.freeze()


def serve(listener: socket.socket, parent: int, chores: Iterator[None]) -> None:
    """Fork for each request until the parent ends; chores are for the time when nobody asks."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the modules: their answers go over the socket
    events = select.poll()
    events.register(parent, select.POLLIN)
    events.register(listener, select.POLLIN)
    busy = True
    while True:
        ready = [descriptor for descriptor, _ in events.poll(0 if busy else None)]
        if parent in ready:
            return
        if not ready:
            busy = next(chores, FINISHED) is not FINISHED
            continue
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            os.close(parent)
            answer(connection)
        connection.close()


def answer(connection: socket.socket) -> NoReturn:
    """Run the module of a request in this process, and end it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, descriptors, _, _ = socket.recv_fds(connection, 65536, 2)
    line, _, payload = head.partition(b"\n")
    request = json.loads(line)
    while len(payload) < min(request["size"], PAYLOAD_LIMIT):
        payload += connection.recv(1 << 20)
    for descriptor, standard in zip(descriptors, (1, 2), strict=True):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    os.chdir(request["cwd"])
    os.environ.update(request["environment"])
    status = run(payload)
    with contextlib.suppress(OSError):
        connection.sendall(str(status).encode())
    os._exit(status)


def run(payload: bytes) -> int:
    """Run a payload as the script that it is, and return its exit status."""
    sys.argv = [""]
    script = {"__name__": "__main__", "__builtins__": __builtins__}
    sys.modules["__main__"].__dict__.pop("__file__", None)
    status = 0
    try:
        exec(compile(payload, "<payload>", "exec"), script)  # noqa: S102 - to run modules is what this is for
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return status


def listen(path: Path) -> socket.socket:
    """Listen where only this user may connect; the socket appears under its name only when it listens."""
    listener = socket.socket(socket.AF_UNIX)
    draft = path.with_suffix(".draft")
    usual = os.umask(0o077)
    listener.bind(str(draft))
    os.umask(usual)
    listener.listen(64)
    draft.rename(path)
    return listener


def main(path: str, parent: str, collections: str) -> None:
    """Load, listen, serve."""
    sys.path[:0] = [folder for folder in collections.split(":") if folder not in sys.path]
    try:
        descriptor = os.pidfd_open(int(parent))
        load()
        listener = listen(Path(path))
    except Exception as error:
        reason = Path(path).with_suffix(".reason")
        reason.write_text(f"{type(error).__name__}: {error}")
        reason.rename(Path(path).with_suffix(".failed"))  # whoever waits for the file reads it as soon as it is there
        raise
    serve(listener, descriptor, read_models())
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)  # modules that still run would act in the name of a run that is over


if __name__ == "__main__":
    sys.path.pop(0)  # this folder's names are not for import
    main(*sys.argv[1:])
