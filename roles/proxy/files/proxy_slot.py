#!/usr/bin/python3
"""Shows which slot serves behind HAProxy, switches, says how one is checked, and waits until one has no streams."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import socket
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

ADMIN = "/run/haproxy/admin.sock"  # the process that takes new connections
MASTER = "/run/haproxy-master.sock"  # every process, those of before a reload too
CONFIGURATION = Path("/etc/haproxy/haproxy.cfg")
MAP = Path("/etc/haproxy/serving.map")
CHECKS = Path("/etc/haproxy/checks.map")


class Refusal(Exception):
    """Why something is not done."""


def ask(path: str, command: str) -> str:
    """What a socket of HAProxy answers to one command."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(path)
            connection.sendall(f"{command}\n".encode())
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode().strip()
    except OSError as error:
        raise Refusal(f"HAProxy does not answer at {path}: {error.strerror or error}") from error


def workers() -> list[str]:
    """Process ids of all workers, old ones last."""
    return re.findall(r"^(\d+)\s+worker", ask(MASTER, "show proc"), re.MULTILINE)


def everywhere(command: str) -> list[str]:
    """What each worker answers; one that has just ended does not count."""
    answers = [ask(MASTER, f"@!{pid} {command}") for pid in workers()]
    return [answer for answer in answers if not answer.startswith("Can't ")]


def servers(answer: str) -> dict[str, dict[str, str]]:
    """The rows of the slots in what `show stat` says, by slot."""
    rows = csv.DictReader(answer.removeprefix("# ").splitlines())
    return {row["svname"]: row for row in rows if row["pxname"] == f"slot_{row['svname']}"}


def serving() -> str:
    """The slot that the running HAProxy sends new requests to."""
    found = re.search(r"serving (\S+)$", ask(ADMIN, f"show map {MAP}"), re.MULTILINE)
    return found[1] if found else ""


def state() -> dict[str, Any]:
    """All there is to know."""
    described = re.search(r"^description: (\S+)", ask(ADMIN, "show info"), re.MULTILINE)
    in_force = described and f"description {described[1]}\n" in CONFIGURATION.read_text()
    slots = servers(ask(ADMIN, "show stat"))
    statistics = [servers(answer) for answer in everywhere("show stat")]
    return {
        "configuration": "in force" if in_force else "not loaded",
        "serving": serving(),
        "processes": len(statistics),
        "slots": {
            name: {
                "ready": row["status"].startswith("UP"),
                "check": row["check_status"].removeprefix("* "),
                "requests": sum(int(each[name]["scur"] or 0) for each in statistics if name in each),
            }
            for name, row in slots.items()
        },
    }


def known(slot: str) -> dict[str, Any]:
    """The state of a slot, which has to exist."""
    slots = state()["slots"]
    if slot not in slots:
        raise Refusal(f"there is no slot {slot}, only {', '.join(slots)}")
    return dict(slots[slot])


def serve(slot: str, force: bool) -> None:
    """Send new requests to a slot, from now on and after every reload and reboot."""
    found = known(slot)
    if not found["ready"] and not force:
        raise Refusal(f"slot {slot} is not ready (its check says {found['check']}); {serving()} goes on serving")
    # The file first: a process that starts in between reads it.
    write(MAP, f"serving {slot}\n")
    for answer in everywhere(f"set map {MAP} serving {slot}"):
        if answer:
            raise Refusal(f"HAProxy did not take the choice ({answer}); a reload takes it from {MAP}")
    if serving() != slot:
        raise Refusal(f"HAProxy goes on with {serving()}; {MAP} says {slot} for its next start")


def write(path: Path, text: str) -> None:
    """Write a map in one step."""
    temporary = path.with_suffix(".new")
    with temporary.open("w") as file:
        file.write(text)
        os.fsync(file.fileno())
    temporary.chmod(0o644)
    temporary.replace(path)


def check(slot: str, path: str, any_status: bool) -> None:
    """Say what makes a slot ready; HAProxy that does not run reads it at its start."""
    if not path.startswith("/"):
        raise Refusal(f"{path!r} is no path, which begins with a slash")
    # What a map or a command of the socket would take for something else is escaped, as in any URL.
    said = {f"{slot}.path": quote(path, safe="/?@!$&'()*+,=:%-._~"), f"{slot}.status": "any" if any_status else "200"}
    kept = [line for line in CHECKS.read_text().splitlines() if line.split(" ")[0] not in said]
    write(CHECKS, "\n".join([*kept, *(f"{key} {value}" for key, value in said.items())]) + "\n")
    try:
        for key, value in said.items():
            for pid in workers():
                if ask(MASTER, f"@!{pid} set map {CHECKS} {key} {value}"):  # it says nothing where it knows the key
                    ask(MASTER, f"@!{pid} add map {CHECKS} {key} {value}")
    except Refusal as reason:
        print(f"proxy-slot: {reason}; its next start reads {CHECKS}", file=sys.stderr)


def drain(slot: str, seconds: float) -> None:
    """Wait until nothing is open to a slot."""
    deadline = time.monotonic() + seconds
    while left := known(slot)["requests"]:
        if time.monotonic() > deadline:
            raise Refusal(f"{left} requests are still open to slot {slot} after {seconds:g} s")
        time.sleep(0.2)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("show", help="print the state as JSON")
    switch = verbs.add_parser("serve", help="send new requests to a slot that is ready")
    switch.add_argument("slot")
    switch.add_argument("--force", action="store_true", help="also to one that is not ready")
    said = verbs.add_parser("check", help="say what makes a slot ready")
    said.add_argument("slot")
    said.add_argument("path", help="path that answers 200")
    said.add_argument("--any", action="store_true", help="any status will do")
    wait = verbs.add_parser("drain", help="wait until nothing is open to a slot")
    wait.add_argument("slot")
    wait.add_argument("--seconds", type=float, default=30)
    words = parser.parse_args()
    try:
        if words.verb == "serve":
            serve(words.slot, words.force)
        if words.verb == "check":
            check(words.slot, words.path, words.any)
            return
        if words.verb == "drain":
            drain(words.slot, words.seconds)
        print(json.dumps(state()))
    except (Refusal, OSError) as error:
        sys.exit(f"proxy-slot: {error}")


if __name__ == "__main__":
    main()
