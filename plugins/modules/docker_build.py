#!/usr/bin/python
"""Ansible module: have the image of a commit, built or pulled, unless the engine has it already."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import shutil
from typing import NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils import docker_registry
from ansible_collections.mcp.aws.plugins.module_utils.docker_build import CAUSES, LABEL, Build, Causes, explain, tail

DOCUMENTATION = r"""
module: docker_build
short_description: Have the image of a commit, built or pulled, unless the engine has it already
version_added: 0.1.0
description:
  - Labels the image with a hash of commit, context, Dockerfile, stage and build arguments, and tags it with the commit
    and the beginning of that hash. An image of that name and hash is neither pulled nor built again.
  - With a registry, an image that the engine lacks is pulled; one that the registry lacks is built and pushed.
    A push that is refused because the tag is there, as another host was faster, is followed by a pull.
  - What fails changes no other image, and tells cause, remedy and the end of its output.
options:
  image:
    description: Name of the image, without a tag.
    type: str
    required: true
  registry:
    description:
      - Repository in a registry, as C(123456789012.dkr.ecr.us-east-1.amazonaws.com/example), which takes the place of
        O(image). Empty means none.
    type: str
    default: ""
  docker_config:
    description: Folder with the C(config.json) that pull and push log in with.
    type: path
    default: /etc/mcp/docker
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
  target:
    description: Stage of the Dockerfile. Empty means the last.
    type: str
    default: ""
  build_args:
    description: Values for the ARG lines.
    type: dict
    default: {}
  timeout:
    description: Seconds that a build, pull or push may take each.
    type: int
    default: 1200
attributes:
  check_mode:
    support: full
    description: Tells whether there is something to build, pull or push. The registry is not asked.
requirements: [docker]
author: The mcp.aws maintainers (@mcp-aws)
"""

EXAMPLES = r"""
- name: Build the server
  mcp.aws.docker_build:
    image: mcp
    source: /opt/mcp/source
    commit: 3f786850e387550fdab836ed7e6dc881de23001b
  register: built

- name: Pull the server, or build and push it
  mcp.aws.docker_build:
    image: mcp
    registry: 123456789012.dkr.ecr.us-east-1.amazonaws.com/example
    source: /opt/mcp/source
    commit: 3f786850e387550fdab836ed7e6dc881de23001b
"""

RETURN = r"""
image:
  description: Name and tag.
  type: str
  returned: success
  sample: mcp:3f786850e387-0c5f2f6e
id:
  description: Id of the image. In check mode empty, where there is none yet.
  type: str
  returned: success
  sample: sha256:393f53992145d4e66db06c6fc234cc485994eafdf13c53302514ff86dbc4b283
built:
  description: Whether it was built.
  type: bool
  returned: success
pulled:
  description: Whether it was pulled.
  type: bool
  returned: success
pushed:
  description: Whether it was pushed.
  type: bool
  returned: success
"""

VERBS = {"build": "built", "pull": "pulled", "push": "pushed"}


class Engine:
    """The Docker engine of the host, asked for one image."""

    def __init__(self, module: AnsibleModule, build: Build):
        self.module = module
        self.build = build

    def identity(self) -> str:
        """Return the id of the image if it was built from the same, else nothing."""
        if not shutil.which("docker"):
            return ""
        form = '{"id": {{json .Id}}, "labels": {{json .Config.Labels}}}'
        code, output, _errors = self.module.run_command(
            ["docker", "image", "inspect", "--format", form, self.build.reference]
        )
        image = json.loads(output) if code == 0 else {}
        return str(image["id"]) if (image.get("labels") or {}).get(LABEL) == self.build.fingerprint() else ""

    def make(self) -> None:
        """Build the image."""
        if code_and_output := self._docker(*self.build.command(), environment={"DOCKER_BUILDKIT": "1"}):
            self._fail("build", *code_and_output, CAUSES)

    def pull(self) -> bool:
        """Pull the image, and tell whether the registry has it."""
        if code_and_output := self._docker("pull", "--quiet", self.build.reference, environment=self._login()):
            if docker_registry.absent(code_and_output[1]):
                return False
            self._fail("pull", *code_and_output, docker_registry.CAUSES)
        if not self.identity():
            self.module.fail_json(
                msg=f"The registry has another image under {self.build.reference}, not made from this commit with these"
                " options by this role. Remedy: delete that image in the registry, then deploy again."
                " What runs on the host was left alone."
            )
        return True

    def push(self) -> bool:
        """Push the image, and tell whether the registry took it; it does not when another host was faster."""
        if code_and_output := self._docker("push", "--quiet", self.build.reference, environment=self._login()):
            if docker_registry.taken(code_and_output[1]):
                return False
            self._fail("push", *code_and_output, docker_registry.CAUSES)
        return True

    def _login(self) -> dict[str, str]:
        return {"DOCKER_CONFIG": self.module.params["docker_config"]}

    def _docker(self, *arguments: str, environment: dict[str, str]) -> tuple[int, str] | None:
        """Run docker with a deadline; return status and output of what failed, nothing of what went well."""
        command = ["timeout", str(self.module.params["timeout"]), self.module.get_bin_path("docker", required=True)]
        code, output, errors = self.module.run_command([*command, *arguments], environ_update=environment)
        return (code, output + errors) if code else None

    def _fail(self, verb: str, code: int, output: str, causes: Causes) -> NoReturn:
        cause, remedy = explain(output, causes)
        if code == 124:
            cause = f"it took more than {self.module.params['timeout']} s"
            remedy = "look at its last step below, or raise stack_build_timeout"
        disk = ["df", "-h", "--output=target,size,avail,pcent", "/", "/var/lib/docker"]
        evidence = "\n  ".join(tail(output)) + (
            f"\n{self.module.run_command(disk)[1].strip()}" if "disk" in cause else ""
        )
        self.module.fail_json(
            msg=f"The image {self.build.reference} cannot be {VERBS[verb]}: {cause}. Remedy: {remedy}."
            f" What runs on the host was left alone.\n  {evidence}"
        )
        raise AssertionError("fail_json does not return")


def obtain(engine: Engine, identity: str) -> dict[str, bool]:
    """Have the image on the host, and in the registry where there is one; return what that took."""
    build, pulled, pushed = engine.build, False, False
    if not identity and build.registry:
        pulled = engine.pull()
    built = not identity and not pulled
    if built:
        engine.make()
    if build.registry:
        pushed = not pulled and engine.push()
        # The registry's image is the one that every host runs, though ours was made from the same.
        pulled = pulled or (not pushed and engine.pull())
        docker_registry.remember(build.reference, engine.identity())
    return {"built": built, "pulled": pulled, "pushed": pushed}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "image": {"type": "str", "required": True},
            "registry": {"type": "str", "default": ""},
            "docker_config": {"type": "path", "default": "/etc/mcp/docker"},
            "source": {"type": "path", "required": True},
            "commit": {"type": "str", "required": True},
            "context": {"type": "str", "default": "."},
            "dockerfile": {"type": "str", "default": "Dockerfile"},
            "target": {"type": "str", "default": ""},
            "build_args": {"type": "dict", "default": {}},
            "timeout": {"type": "int", "default": 1200},
        },
        supports_check_mode=True,
    )
    build = Build(**{name: module.params[name] for name in Build.__dataclass_fields__})
    engine = Engine(module, build)
    identity = engine.identity()
    there = bool(identity) and (not build.registry or docker_registry.has(build.reference, identity))
    done = {verb: False for verb in VERBS.values()}
    if not there and not module.check_mode:
        done = obtain(engine, identity)
        identity = engine.identity()
    module.exit_json(changed=not there, image=build.reference, id=identity, **done)


if __name__ == "__main__":
    main()
