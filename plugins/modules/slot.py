#!/usr/bin/python
"""Ansible module: fill a slot with a release, let it serve, or empty it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import http.client
import json
import shutil
import time
from pathlib import Path
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils import slots
from ansible_collections.mcp.aws.plugins.module_utils.release import Release

DOCUMENTATION = r"""
module: slot
short_description: Fill a slot with a release, let it serve, or empty it
version_added: 0.2.0
description:
  - V(filled) starts a release in a slot and waits until it answers. It fails at once when the server ends, with why.
  - V(serving) moves the proxy over to the slot, as soon as the proxy too has seen it ready.
  - V(empty) waits until nothing is open to the slot, but not longer than O(drain), and stops it.
options:
  name:
    description: Name of the slot.
    type: str
    required: true
  state:
    description: What the slot shall be.
    type: str
    choices: [filled, serving, empty]
    required: true
  release:
    description: The release, with V(filled).
    type: str
    default: ""
  timeout:
    description: Seconds until the server has to answer, or the proxy to see it.
    type: int
    default: 120
  drain:
    description: Seconds that open requests, streams and WebSockets get to end by themselves.
    type: int
    default: 0
attributes:
  check_mode:
    description: Changes nothing, and says that it would.
    support: full
author: The mcp.aws maintainers (@mcp-aws)
"""

EXAMPLES = r"""
- name: Fill the slot that does not serve
  mcp.aws.slot: {name: green, state: filled, release: 3f786850e387-5f2a9c01}

- name: Let it serve
  mcp.aws.slot: {name: green, state: serving}

- name: Stop the other one, once its streams have ended
  mcp.aws.slot: {name: blue, state: empty, drain: 30}
"""

RETURN = r"""
url:
  description: Address of the server in its slot.
  returned: with O(state=filled), unless in check mode
  type: str
  sample: http://127.0.0.1:8102
seconds:
  description: What it took.
  returned: always
  type: float
cut:
  description: Requests, streams and WebSockets that were still open at the deadline.
  returned: with O(state=empty)
  type: int
"""

PROXY_SLOT = "/usr/local/sbin/proxy-slot"
PAUSE = 0.1


class Mover:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.slot = slots.Slot(module.params["name"])
        self.began = time.monotonic()

    def run(self, *command: str) -> tuple[int, str]:
        """Run a command, and return its status with all that it said."""
        code, output, errors = self.module.run_command(list(command))
        return code, (output + errors).strip()

    def seconds(self) -> float:
        return round(time.monotonic() - self.began, 2)

    def filled(self) -> None:
        """Start a release and wait until it answers."""
        name = self.module.params["release"]
        folder = slots.RELEASES / name
        self.stop()
        for path in (slots.SLOTS, slots.FLAGS):
            path.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.slot.flag.touch()
        new = self.slot.link.with_name(f".{self.slot.name}")
        new.unlink(missing_ok=True)
        new.symlink_to(Path("..", "releases", name))
        new.replace(self.slot.link)
        settings = read(slots.SLOT_SETTINGS / f"{self.slot.name}.env") | read(folder / "release.env")
        self.port_is_free(settings)
        if self.run("systemctl", "is-enabled", "--quiet", self.slot.unit)[0]:
            self.run("systemctl", "enable", "--quiet", self.slot.unit)  # at boot it starts if it serves then
        code, said = self.run("systemctl", "start", "--no-block", self.slot.unit)
        if code:
            self.module.fail_json(msg=f"{self.slot.unit} cannot be started: {said}")
        self.wait(settings["MCP_URL"], settings["MCP_READY"], bool(settings["MCP_READY_OPTIONS"]))
        self.module.exit_json(changed=True, url=settings["MCP_URL"], seconds=self.seconds())

    def port_is_free(self, settings: dict[str, str]) -> None:
        """Refuse a port that another program listens on, by name."""
        _, held = self.run("ss", "-Hlntp", "sport", "=", f":{settings['MCP_PORT']}")
        if held:
            self.module.fail_json(
                msg=f"The port {settings['MCP_PORT']} of slot {self.slot.name} is held by another program: "
                f"{held.split()[-1]}. Stop it, or give the slot another port in stack_slots and proxy_slots."
            )

    def wait(self, url: str, path: str, strict: bool) -> None:
        """Ask until the server answers; stop asking when it has ended."""
        deadline = self.began + self.module.params["timeout"]
        says = "nothing yet"
        while time.monotonic() < deadline:
            good, says = answer(url, path, strict)
            if good:
                return
            if ended := self.ended():
                self.module.fail_json(msg=f"The server in slot {self.slot.name} {ended}.")
            time.sleep(PAUSE)
        self.module.fail_json(
            msg=f"The server in slot {self.slot.name} did not get ready within {self.module.params['timeout']} s "
            f"(stack_start_timeout): {url}{path} says {says}."
        )

    def ended(self) -> str:
        """Say why the server is not coming, if that is so."""
        code, state = self.run("docker", "inspect", "--format", "{{json .State}}", self.slot.project)
        if code == 0 and (why := slots.why_it_ended(state)):
            return why
        restarts = self.run("systemctl", "show", "-P", "NRestarts", self.slot.unit)[1]
        if code and restarts.isdecimal() and int(restarts) > 0:
            journal = self.run(
                "journalctl", "--no-pager", "-o", "cat", "-n", "5", "-t", "docker", "-u", self.slot.unit
            )[1]
            return f"cannot be started: {journal}"
        return ""

    def serving(self) -> None:
        """Move the proxy over, as soon as it has seen that the slot is ready."""
        if not shutil.which(PROXY_SLOT):
            self.module.fail_json(
                msg=f"There is no {PROXY_SLOT} on the host. Apply the role proxy first (playbook configure)."
            )
        deadline = self.began + self.module.params["timeout"]
        while True:
            code, said = self.run(PROXY_SLOT, "serve", self.slot.name)
            if code == 0:
                break
            if time.monotonic() > deadline:
                self.module.fail_json(msg=f"The proxy does not move to slot {self.slot.name}: {said}")
            time.sleep(PAUSE)
        folder = slots.RELEASES / self.slot.release()
        Release.read(folder).began_to_serve().write(folder)
        self.slot.flag.unlink(missing_ok=True)  # the proxy's own record lets it start from here on
        self.module.exit_json(changed=True, seconds=self.seconds())

    def empty(self) -> None:
        """Drain and stop."""
        cut = 0
        if self.module.params["drain"] and shutil.which(PROXY_SLOT):
            self.run(PROXY_SLOT, "drain", self.slot.name, "--seconds", str(self.module.params["drain"]))
            shown = self.run(PROXY_SLOT, "show")[1]
            cut = json.loads(shown)["slots"].get(self.slot.name, {}).get("requests", 0) if shown[:1] == "{" else 0
        self.module.exit_json(changed=self.stop(), cut=cut, seconds=self.seconds())

    def stop(self) -> bool:
        """Stop what is in the slot and take its containers away; return whether there was something."""
        self.slot.flag.unlink(missing_ok=True)
        found = self.run("docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project={self.slot.project}")[1]
        code, said = self.run("systemctl", "stop", self.slot.unit)
        if code and "not loaded" not in said:
            self.module.fail_json(msg=f"{self.slot.unit} cannot be stopped: {said}")
        self.run("systemctl", "reset-failed", self.slot.unit)  # it was stopped on purpose, however it ended
        if found and self.slot.release():
            self.run(*self.slot.compose(self.slot.link, "down", "--remove-orphans", "--timeout", "10"))
        return bool(found)


def read(path: Path) -> dict[str, str]:
    """Read NAME=value lines."""
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)


def answer(url: str, path: str, strict: bool) -> tuple[bool, str]:
    """Ask once; return whether that will do, and what was said."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return False, str(error) or type(error).__name__
    finally:
        connection.close()
    return status < 400 or not strict, f"HTTP {status}"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["filled", "serving", "empty"], "required": True},
            "release": {"type": "str", "default": ""},
            "timeout": {"type": "int", "default": 120},
            "drain": {"type": "int", "default": 0},
        },
        required_if=[("state", "filled", ["release"])],
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=True, seconds=0.0, cut=0)
    getattr(Mover(module), module.params["state"])()


if __name__ == "__main__":
    main()
