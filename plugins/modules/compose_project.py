#!/usr/bin/python
"""Ansible module: turn a repository's own Compose file into the one of a release."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils.compose_project import Clone, Wanted, fit
from ansible_collections.mcp.aws.plugins.module_utils.docker_build import Build

DOCUMENTATION = r"""
module: compose_project
short_description: Turn a repository's own Compose file into the one of a release
version_added: 0.2.0
description:
  - Reads the file with Docker Compose, variables left as they are, and returns a project that a slot can run. The
    repository is not changed.
  - The server gets the slot's container name and port, the role's image, environment, memory and log, and is restarted
    by systemd alone. No other service publishes a port, and all of them have the one network of their slot.
  - Services in O(omit), and those with a profile, are left out with everything that refers to them. The host answers
    under the names in O(omit).
  - Environment in O(names) stands above what the file says of it. What C(env_file) names is taken from the clone where
    the repository has it.
  - Volumes keep their content from slot to slot. A folder beside the file becomes a volume, unless the repository has
    something there, which is refused, as the clone moves on with the next deploy.
options:
  source: {description: Folder of the clone., type: path, required: true}
  file: {description: "The Compose file, relative to O(source).", type: str, required: true}
  service: {description: Which of its services is the server., type: str, default: server}
  omit: {description: Services that the host provides already., type: list, elements: str, default: []}
  names: {description: Names of the environment that the role gives., type: list, elements: str, default: []}
  commit: {description: Commit that the clone is at., type: str, required: true}
  image: {description: "Name of the server's image, and beginning of those of others.", type: str, default: mcp}
  registry: {description: "Repository in a registry, as in M(mcp.aws.docker_build).", type: str, default: ""}
  context: {description: "Context of the server, where its service has no C(build).", type: str, default: .}
  dockerfile: {description: "The same, of its Dockerfile.", type: str, default: Dockerfile}
  build_args: {description: Build arguments of the server; they stand above the file's., type: dict, default: {}}
  container_port: {description: Port that the server listens on., type: int, default: 8000}
  host_address: {description: Address of the host as containers see it., type: str, default: 172.30.0.1}
  memory: {description: Limit of the server where the file has none., type: str, default: ""}
  logging: {description: "Log of the server, and of every service that names none.", type: dict, default: {}}
attributes:
  check_mode:
    support: full
    description: Changes nothing. Where there is no clone yet, it answers with nothing.
requirements: [docker compose]
author: The mcp.aws maintainers (@mcp-aws)
"""

EXAMPLES = r"""
- name: Run the repository's own Compose file with the host's database
  mcp.aws.compose_project:
    source: /opt/mcp/source
    file: compose.yml
    service: app
    omit: [postgres]
    names: [DATABASE_URL]
    commit: 3f786850e387550fdab836ed7e6dc881de23001b
  register: project

- name: Build its images
  mcp.aws.docker_build:
    image: "{{ item.image }}"
    source: /opt/mcp/source
    commit: 3f786850e387550fdab836ed7e6dc881de23001b
    context: "{{ item.context }}"
    dockerfile: "{{ item.dockerfile }}"
    target: "{{ item.target }}"
    build_args: "{{ item.build_args }}"
  loop: "{{ project.builds }}"
"""

RETURN = r"""
compose:
  description: Text of the Compose file.
  type: str
  returned: success
image:
  description: Image of the server, name and tag.
  type: str
  returned: success
  sample: mcp:3f786850e387-0c5f2f6e
builds:
  description: What to build, the server first; options of M(mcp.aws.docker_build), and the name of the service.
  type: list
  elements: dict
  returned: success
  sample:
    - {service: app, image: mcp, context: server, dockerfile: Dockerfile, target: "", build_args: {}}
"""

PLACEHOLDERS = {".gitkeep", ".gitignore", ".keep"}
SERVER = ("file", "service", "omit", "names", "container_port", "host_address", "memory", "logging")
BUILD = ("image", "source", "commit", "context", "dockerfile", "build_args", "registry")
TOLD = ("image", "context", "dockerfile", "target", "build_args")


class Repository:
    """The clone on the host."""

    def __init__(self, module: AnsibleModule):
        self.module = module
        self.source = Path(module.params["source"])

    def read(self, path: str) -> str | None:
        """Return the text of a file of the clone, or nothing."""
        file = self.source / path
        return file.read_text() if file.is_file() else None

    def tracked(self, path: str) -> bool:
        """Tell whether the repository has content there."""
        command = ["git", "-C", str(self.source), "ls-files", "--", path]
        return any(Path(line).name not in PLACEHOLDERS for line in self.module.run_command(command)[1].splitlines())

    def project(self, file: str) -> dict[str, Any]:
        """Return what Compose reads in the file."""
        path = self.source / file
        if not path.is_file() or self.source.resolve() not in path.resolve().parents:
            found = sorted(str(each.relative_to(self.source)) for each in self.source.rglob("*compose*.y*ml"))
            choice = f"It has: {', '.join(found) or 'none'}."
            self.fail(f"stack_compose_file is `{file}`, and the repository has no such file. {choice}")
        words = ["--format", "json", "--no-interpolate", "--no-path-resolution"]
        command = ["docker", "compose", "--file", str(path), "config", *words]
        code, output, errors = self.module.run_command(command)
        if code:
            self.fail(f"Docker Compose cannot read {file} (stack_compose_file): {errors.strip()}")
        return dict(json.loads(output))

    def fail(self, why: str) -> NoReturn:
        """End with a sentence."""
        self.module.fail_json(msg=f"{why} What runs on the host was left alone.")
        raise AssertionError("fail_json does not return")


def main() -> None:
    """Run the module."""
    text = {"type": "str", "default": ""}
    words = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "path", "required": True},
            "file": {"type": "str", "required": True},
            "service": {"type": "str", "default": "server"},
            "omit": words,
            "names": words,
            "commit": {"type": "str", "required": True},
            "image": {"type": "str", "default": "mcp"},
            "registry": text,
            "context": {"type": "str", "default": "."},
            "dockerfile": {"type": "str", "default": "Dockerfile"},
            "build_args": {"type": "dict", "default": {}},
            "container_port": {"type": "int", "default": 8000},
            "host_address": {"type": "str", "default": "172.30.0.1"},
            "memory": text,
            "logging": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    asked, repository = module.params, Repository(module)
    if module.check_mode and not repository.source.is_dir():
        module.exit_json(changed=False, compose="", image="", builds=[])
    wanted = Wanted(build=Build(**{name: asked[name] for name in BUILD}), **{name: asked[name] for name in SERVER})
    answer = fit(repository.project(asked["file"]), wanted, Clone(repository.read, repository.tracked))
    if isinstance(answer, list):
        repository.fail(" ".join(answer))
    builds = [
        {"service": name, **{option: getattr(each, option) for option in TOLD}} for name, each in answer.builds.items()
    ]
    module.exit_json(
        changed=False,
        # JSON is YAML, and the host's Python writes no other.
        compose=json.dumps(answer.project, indent=2) + "\n",
        image=answer.builds[asked["service"]].reference,
        builds=sorted(builds, key=lambda each: each["service"] != asked["service"]),
    )


if __name__ == "__main__":
    main()
