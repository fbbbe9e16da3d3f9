"""Say whether the engine takes a daemon.json, beside the options of its unit. Starts and changes nothing."""

# SPDX-License-Identifier: GPL-3.0-or-later

import ipaddress
import json
import os
import shutil
import subprocess
import sys
import tempfile

NOBODY = 65534


def addresses(path: str) -> str:
    """What is wrong with the addresses, which the engine looks at when it makes a network, and no earlier."""
    with open(path) as file:
        daemon = json.load(file)
    places = [("bip", daemon.get("bip"))]
    places += [("default-address-pools", pool["base"]) for pool in daemon.get("default-address-pools") or []]
    for key, address in places:
        try:
            if address and "/" not in address:
                return f"{key}: {address} has no prefix length"
            ipaddress.ip_interface(address or "127.0.0.1/8")
        except ValueError as error:
            return f"{key}: {error}"
    return ""


def flags() -> list[str]:
    """The options that the unit gives; a key that is set by one of them must not be in the file too."""
    shown = subprocess.run(["systemctl", "show", "-P", "ExecStart", "docker"], capture_output=True, text=True).stdout
    words = shown.partition("argv[]=")[2].partition(" ; ")[0].split()
    return [word for word in words[1:] if not word.startswith("$")]


def refusal(path: str) -> str:
    """What the engine says against the file."""
    with tempfile.NamedTemporaryFile(suffix=".json") as readable:  # by nobody, too
        shutil.copyfile(path, readable.name)
        os.chmod(readable.name, 0o644)
        return answer(readable.name).replace(readable.name, "/etc/docker/daemon.json")


def answer(path: str) -> str:
    """What the engine says of a file that everybody can read."""
    engine = ["dockerd", "--config-file", path, *flags()]
    knows = subprocess.run(["dockerd", "--help"], capture_output=True, text=True).stdout
    if "--validate" in knows:
        done = subprocess.run([*engine, "--validate"], capture_output=True, text=True)
        return "" if done.returncode == 0 else done.stdout + done.stderr
    # Before version 23 there is no --validate. As nobody, the engine reads the whole file and then wants to be root.
    done = subprocess.run(engine, capture_output=True, text=True, user=NOBODY, group=NOBODY, extra_groups=[])
    return "" if "needs to be started with root" in done.stderr else done.stdout + done.stderr


def main(path: str) -> int:
    """Exit status; an engine that is not there yet refuses nothing."""
    os.chdir("/")
    error = addresses(path) or (refusal(path) if shutil.which("dockerd") else "")
    print(error.strip())
    return 1 if error else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
