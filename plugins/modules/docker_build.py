#!/usr/bin/python
"""Ansible module: build the image of a commit, unless the engine has it already."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import shutil

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils.docker_build import LABEL, Build, explain, tail

DOCUMENTATION = r"""
module: docker_build
short_description: Build the image of a commit, unless the engine has it already
version_added: 0.1.0
description:
  - Runs C(docker build), and labels the image with a hash of commit, context, Dockerfile and build arguments.
  - An image of that name and hash is not built again.
  - A build that fails changes no image, and tells cause, remedy and the end of its output.
options:
  image:
    description: Name and tag.
    type: str
    required: true
  source:
    description: Folder of the clone.
    type: path
    required: true
  commit:
    description: Commit that the clone is at.
    type: str
    required: true
  context:
    description: Folder of the clone that the engine gets to see.
    type: str
    default: .
  dockerfile:
    description: The Dockerfile, relative to O(context).
    type: str
    default: Dockerfile
  build_args:
    description: Values for the ARG lines.
    type: dict
    default: {}
  timeout:
    description: Seconds that the build may take.
    type: int
    default: 1200
attributes:
  check_mode:
    support: full
    description: Tells whether a build would be done.
requirements: [docker]
author: The mcp.aws maintainers (@mcp-aws)
"""

EXAMPLES = r"""
- name: Build the server
  mcp.aws.docker_build:
    image: mcp:3f786850e387
    source: /opt/mcp/source
    commit: 3f786850e387550fdab836ed7e6dc881de23001b
"""

RETURN = r"""
id:
  description: Id of the image.
  type: str
  returned: when the image exists
  sample: sha256:393f53992145d4e66db06c6fc234cc485994eafdf13c53302514ff86dbc4b283
"""


def inspect(module: AnsibleModule, build: Build) -> str:
    """Return the id of the image if it was built from the same, else nothing."""
    if not shutil.which("docker"):
        return ""
    form = '{"id": {{json .Id}}, "labels": {{json .Config.Labels}}}'
    code, output, _errors = module.run_command(["docker", "image", "inspect", "--format", form, build.image])
    image = json.loads(output) if code == 0 else {}
    return str(image["id"]) if (image.get("labels") or {}).get(LABEL) == build.fingerprint() else ""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "image": {"type": "str", "required": True},
            "source": {"type": "path", "required": True},
            "commit": {"type": "str", "required": True},
            "context": {"type": "str", "default": "."},
            "dockerfile": {"type": "str", "default": "Dockerfile"},
            "build_args": {"type": "dict", "default": {}},
            "timeout": {"type": "int", "default": 1200},
        },
        supports_check_mode=True,
    )
    seconds = module.params.pop("timeout")
    build = Build(**{name: module.params[name] for name in Build.__dataclass_fields__})
    identity = inspect(module, build)
    if identity or module.check_mode:
        module.exit_json(changed=not identity, id=identity)

    command = ["timeout", str(seconds), module.get_bin_path("docker", required=True), *build.command()]
    code, output, errors = module.run_command(command, environ_update={"DOCKER_BUILDKIT": "1"})
    if code:
        cause, remedy = explain(output + errors)
        if code == 124:
            cause, remedy = (
                f"it took more than {seconds} s",
                "look at its last step below, or raise stack_build_timeout",
            )
        lines = "\n  ".join(tail(output + errors))
        disk = module.run_command(["df", "-h", "--output=target,size,avail,pcent", "/", "/var/lib/docker"])[1].strip()
        module.fail_json(
            msg=f"The image {build.image} cannot be built: {cause}. Remedy: {remedy}."
            f" What runs on the host was left alone.\n  {lines}" + (f"\n{disk}" if "disk" in cause else "")
        )
    module.exit_json(changed=True, id=inspect(module, build))


if __name__ == "__main__":
    main()
