#!/usr/bin/python
"""Ansible module: write a release beside those that are kept, choose an earlier one, or delete the oldest."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
import shutil
import stat
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils.deploy import releases
from ansible_collections.mcp.aws.plugins.module_utils.deploy.releases import Release
from ansible_collections.mcp.aws.plugins.module_utils.deploy.slots import (
    RELEASES,
    SLOT_SETTINGS,
    SLOTS,
    Slot,
    idle,
    serving,
    settings,
)

DOCUMENTATION = r"""
module: deploy_release
short_description: Write, choose or delete releases of the MCP server
version_added: 0.2.0
description:
  - A release is a folder below C(/opt/mcp/releases) with a Compose file, an environment and secrets. Its name is made
    of the commit and a hash of all that, so that the same input is the same release.
  - V(present) writes a release; V(selected) finds the one to go back to, and gives it today's secrets; V(cleaned)
    deletes the oldest ones with their images.
options:
  state:
    description: What to do.
    type: str
    choices: [present, selected, cleaned]
    default: present
  slots:
    description: The slots; what each of them is, is written to C(/etc/mcp/slots).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the slot.
        type: str
        required: true
      address:
        description: Address of the host that the server is published on.
        type: str
        required: true
      port:
        description: Port of the host.
        type: int
        required: true
      subnet:
        description: Range of the network of the slot's containers.
        type: str
        required: true
  commit:
    description: Commit that the image was built from.
    type: str
    default: ""
  version:
    description: What was asked for.
    type: str
    default: ""
  repository:
    description: Where it comes from.
    type: str
    default: ""
  image:
    description: The image.
    type: str
    default: ""
  compose:
    description: Text of the Compose file.
    type: str
    default: ""
  ready_path:
    description: Path that answers 200 when the server can work. Empty means that any answer to O(mcp_path) will do.
    type: str
    default: ""
  mcp_path:
    description: Path where a server without O(ready_path) is asked.
    type: str
    default: /
  environment:
    description: Environment of the server, as JSON, which is masked whole, and not each word of it in returned names.
    type: json
  secrets:
    description: Secret part of the environment, as JSON.
    type: json
  wanted:
    description: Release, commit or version to go back to. Empty means the one that served before.
    type: str
    default: ""
  keep:
    description: How many releases stay.
    type: int
    default: 5
attributes:
  check_mode:
    description: Says what would be written, selected or deleted.
    support: full
  diff_mode:
    description: Shows the Compose file against that of the serving release, and names of variables; no values.
    support: partial
author: The mcp.aws maintainers (@mcp-aws)
"""

EXAMPLES = r"""
- name: Write the release
  mcp.aws.deploy_release:
    slots: "{{ stack_slots }}"
    commit: 3f786850e387550fdab836ed7e6dc881de23001b
    image: mcp:3f786850e387-0c1d2e3f
    compose: "{{ lookup('ansible.builtin.template', 'compose.yml.j2') }}"
    environment: '{"LOG_LEVEL": "INFO"}'

- name: Find the version that served before
  mcp.aws.deploy_release:
    state: selected
    slots: "{{ stack_slots }}"
"""

RETURN = r"""
release:
  description: Name of the release.
  returned: unless O(state=cleaned)
  type: str
  sample: 3f786850e387-5f2a9c01
image:
  description: Its image.
  returned: unless O(state=cleaned)
  type: str
commit:
  description: Its commit.
  returned: unless O(state=cleaned)
  type: str
slot:
  description: The slot to start it in, as it does not serve.
  returned: always
  type: str
held:
  description: The release that the slot to start it in holds still; empty where there is none.
  returned: always
  type: str
old:
  description: The slot that serves, and its release.
  returned: always
  type: dict
  sample: {slot: blue, release: 9daeafb9864c-1b2c3d4e}
serves:
  description: Whether the release serves and runs already.
  returned: unless O(state=cleaned)
  type: bool
deleted:
  description: Releases that were deleted.
  returned: with O(state=cleaned)
  type: list
  elements: str
"""


class Shelf:
    """The releases of a host, as one run of the module sees them."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.wanted: dict[str, Any] = module.params
        for name in ("environment", "secrets"):
            self.wanted[name] = json.loads(module.params[name] or "{}")
        self.slot = Slot(serving())
        self.old = {"slot": self.slot.name, "release": self.slot.release() if self.slot.name else ""}
        self.names = [slot["name"] for slot in self.wanted["slots"]]
        try:
            slot = idle(self.names, self.slot.name)
        except ValueError as error:
            module.fail_json(msg=str(error))
        self.answer = {"slot": slot, "old": self.old, "held": Slot(slot).release()}

    def runs(self, release: str) -> bool:
        """Tell whether a release serves, and its container and unit are up."""
        if self.old["release"] != release or not shutil.which("docker"):
            return False
        form = '{{.State.Running}} {{index .Config.Labels "mcp.aws.release"}}'
        asked = self.module.run_command(["docker", "inspect", "--format", form, self.slot.project])
        active = self.module.run_command(["systemctl", "is-active", "--quiet", self.slot.unit])[0] == 0
        return active and asked[1].split() == ["true", release]

    def present(self) -> None:
        """Write a release unless it is there."""
        secrets = self.secrets()
        ready = self.wanted["ready_path"]
        # A server of MCP opens a stream to who would take one.
        options = "--fail" if ready else "--header Accept:application/json"
        unit = f"MCP_READY={ready or self.wanted['mcp_path'] or '/'}\nMCP_READY_OPTIONS={options}\n"
        environment, compose = releases.env_file(self.wanted["environment"]), self.wanted["compose"]
        name = releases.name(self.wanted["commit"], compose, environment, secrets, unit)
        files = {
            "compose.yml": (compose, 0o640),
            "mcp.env": (environment, 0o600),
            "secrets.env": (secrets, 0o600),
            "release.env": (f"MCP_RELEASE={name}\n{unit}", 0o640),
        }
        folder = RELEASES / name
        made = not (folder / releases.DETAILS).is_file()
        if made and not self.module.check_mode:
            told = {field: self.wanted[field] for field in ("image", "commit", "version", "repository")}
            SLOTS.mkdir(mode=0o755, parents=True, exist_ok=True)
            self.write(folder, files, Release(release=name, made=releases.now(), **told))
        slots = {SLOT_SETTINGS / f"{slot['name']}.env": (settings(**slot), 0o640) for slot in self.wanted["slots"]}
        spoilt = self.mend({} if made else {folder / file: kept for file, kept in files.items()}) | self.mend(slots)
        changed = made or spoilt
        self.module.exit_json(
            changed=changed,
            release=name,
            image=self.wanted["image"],
            commit=self.wanted["commit"],
            serves=self.runs(name),
            diff=self.difference(compose) if changed else {},
            **self.answer,
        )

    def mend(self, files: dict[Path, tuple[str, int]]) -> bool:
        """Bring files back to what they shall be; what runs goes on as it was started."""
        spoilt = {path: kept for path, kept in files.items() if not is_as(path, *kept)}
        for path, (text, mode) in {} if self.module.check_mode else spoilt.items():
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            put(path, text, mode)
        return bool(spoilt)

    def write(self, folder: Path, files: dict[str, tuple[str, int]], told: Release) -> None:
        """Write a release beside its place and move it there: a killed run leaves no half of one."""
        new = folder.with_name(f".{folder.name}")
        for half in (new, folder):
            shutil.rmtree(half, ignore_errors=True)
        new.mkdir(parents=True, mode=0o750)
        for name, (text, mode) in files.items():
            put(new / name, text, mode)
        told.write(new)
        new.rename(folder)

    def secrets(self) -> str:
        """Return the file of secrets; an empty one is an error."""
        if empty := [name for name, value in self.wanted["secrets"].items() if value in (None, "")]:
            self.module.fail_json(
                msg=f"stack_secrets has no value for {', '.join(sorted(empty))}. Give it one, or leave the name out. "
                "What runs on the host was left alone."
            )
        return releases.env_file(self.wanted["secrets"])

    def difference(self, compose: str) -> dict[str, str]:
        """Show the Compose files; environments by name only."""
        folder = RELEASES / self.old["release"]
        before = (folder / "compose.yml").read_text() if self.old["release"] and folder.is_dir() else ""
        return {"before": before, "after": compose, "before_header": str(folder), "after_header": "the new release"}

    def selected(self) -> None:
        """Find an earlier release, and give it today's secrets."""
        found = releases.choose(releases.read_all(RELEASES), self.old["release"], self.wanted["wanted"])
        if isinstance(found, str):
            self.module.fail_json(msg=found)
        self.fetch(found)
        file, secrets = RELEASES / found.release / "secrets.env", self.secrets()
        changed = file.read_text() != secrets
        if changed and not self.module.check_mode:
            put(file, secrets, 0o600)
        self.module.exit_json(
            changed=changed,
            release=found.release,
            image=found.image,
            commit=found.commit,
            serves=self.runs(found.release),
            **self.answer,
        )

    def fetch(self, found: Release) -> None:
        """Make sure that the image is there."""
        if self.module.run_command(["docker", "image", "inspect", "--format", "ok", found.image])[0] == 0:
            return
        pull = ["docker", "pull", "--quiet", found.image]
        code, _, said = self.module.run_command(pull, environ_update={"DOCKER_CONFIG": "/etc/mcp/docker"})
        if code:
            self.module.fail_json(
                msg=f"The image {found.image} of the release {found.release} is not on the host any more and cannot be "
                f"pulled: {said.strip()}. Deploy its commit {found.commit} instead. What runs was left alone."
            )

    def images(self, release: Release) -> set[str]:
        """Return the images of a release that were built from its commit."""
        text = (RELEASES / release.release / "compose.yml").read_text()
        return {image for image in re.findall(r'"?image"?: "?([^"\s]+)', text) if release.commit[:12] in image}

    def cleaned(self) -> None:
        """Delete the oldest releases, and the images that no release has any more."""
        everything = releases.read_all(RELEASES)
        held = [Slot(name).release() for name in self.names]
        deleted = releases.superfluous(everything, held, self.wanted["keep"])
        kept = {image for release in everything if release.release not in deleted for image in self.images(release)}
        gone = {image for release in everything if release.release in deleted for image in self.images(release)}
        images = gone - kept
        if not self.module.check_mode:
            for name in deleted:
                shutil.rmtree(RELEASES / name)
            if images:  # one that is in use stays until the next time
                self.module.run_command(["docker", "image", "rm", *sorted(images)])
        self.module.exit_json(changed=bool(deleted), deleted=deleted, **self.answer)


def is_as(path: Path, text: str, mode: int) -> bool:
    """Tell whether a file is root's, and has a content and a mode."""
    if not path.is_file():
        return False
    found = path.stat()
    return (stat.S_IMODE(found.st_mode), found.st_uid) == (mode, 0) and path.read_text() == text


def put(path: Path, text: str, mode: int) -> None:
    """Write a file in one step; nobody else can read it meanwhile."""
    new = path.with_name(f".{path.name}")
    new.unlink(missing_ok=True)
    new.touch(0o600)
    new.write_text(text)
    new.chmod(mode)
    new.replace(path)


def main() -> None:
    """Run the module."""
    text = {"type": "str", "default": ""}
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "selected", "cleaned"], "default": "present"},
            "slots": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    **{key: {"type": "str", "required": True} for key in ("name", "address", "subnet")},
                    "port": {"type": "int", "required": True},
                },
            },
            **dict.fromkeys(("commit", "version", "repository", "image", "compose", "ready_path", "wanted"), text),
            "mcp_path": {"type": "str", "default": "/"},
            "environment": {"type": "json", "no_log": True},
            "secrets": {"type": "json", "no_log": True},
            "keep": {"type": "int", "default": 5},
        },
        supports_check_mode=True,
    )
    try:
        getattr(Shelf(module), module.params["state"])()
    except OSError as error:
        module.fail_json(
            msg=f"The releases below {RELEASES} cannot be read or written: {error.strerror or error} "
            f"({error.filename}). What runs on the host was left alone."
        )


if __name__ == "__main__":
    main()
