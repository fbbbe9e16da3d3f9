"""Filter plugin: the images and the Compose project of a release."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

DOCUMENTATION = r"""
name: compose_release
short_description: Name the images of a release and finish the project that Compose merged
version_added: 0.3.0
description:
  - Takes what C(docker compose config) says of a repository's Compose file with the role's override, and returns the
    project of the release, the images to build, and what two slots cannot share.
  - Tags are made of the commit and a hash of what an image is built from, so that the same input is the same image.
  - A folder beside the Compose file becomes a volume, unless the repository has files in it.
  - C(docker compose config) knows neither a tag that follows from a build nor what outlives a slot.
options:
  _input:
    description: The merged project, as JSON of C(docker compose config).
    type: dict
    required: true
  build:
    description: C(commit), C(registry), C(context), C(dockerfile) and C(build_args) that the role gives for the server.
    type: dict
    required: true
  file: {description: "The Compose file, relative to the repository.", type: str, default: ""}
  service: {description: Which service is the server., type: str, default: server}
  omit: {description: Services that the host provides., type: list, elements: str, default: []}
  given: {description: The project before the override., type: dict, default: {}}
  tracked: {description: Paths that the repository has., type: list, elements: str, default: []}
  unset: {description: Variables without a value., type: list, elements: str, default: []}
  source: {description: Folder of the clone., type: str, default: /opt/mcp/source}
author:
  - The mcp.aws maintainers
"""

EXAMPLES = r"""
# The image of a repository with a Dockerfile: mcp:3f786850e387-0c5f2f6e
image: "{{ ({} | mcp.aws.compose_release({'commit': commit, 'context': '.', 'dockerfile': 'Dockerfile'})).image }}"
"""

RETURN = r"""
_value:
  description:
    - C(image), the server's, with its tag; C(builds), the images to build, the server's first, each with C(image),
      C(path), C(dockerfile), C(target) and C(args); C(compose), the text of a Compose file, where C(@@NAME@@) became
      C(${NAME}); C(errors), a list of sentences.
  type: dict
"""

PLACEHOLDERS = {".gitkeep", ".gitignore", ".keep"}
# What docker_image_build has no option for.
UNKNOWN_BUILD = ("additional_contexts", "dockerfile_inline", "secrets", "ssh")


def compose_release(
    merged: Mapping[str, Any],
    build: Mapping[str, Any],
    file: str = "",
    service: str = "server",
    omit: list[str] | None = None,
    given: Mapping[str, Any] | None = None,
    tracked: list[str] | None = None,
    unset: list[str] | None = None,
    source: str = "/opt/mcp/source",
) -> dict[str, Any]:
    """Return image, builds, project and errors of a release."""
    project = {key: value for key, value in merged.items() if key != "name"}
    services = {name: dict(each) for name, each in (merged.get("services") or {service: {}}).items()}
    before = (given or {}).get("services") or services
    builds = []
    for name in sorted(services, key=lambda each: (each != service, each)):
        own = services[name].pop("build", None)
        if own is not None or name == service:
            builds.append(_build(name, own, build, name == service, source))
            services[name] |= {"image": builds[-1]["image"], "pull_policy": "never"}
        services[name].pop("develop", None)
    errors = [f"In {file}, {what}. Remedy: {remedy}." for what, remedy in _errors(before, merged, unset or [], source)]
    project["services"] = services
    volumes = dict(merged.get("volumes") or {})
    for name, each in services.items():
        if mounts := [dict(mount) for mount in each.get("volumes") or []]:
            each["volumes"] = mounts
        for mount in mounts:
            path = _inside(str(mount.get("source", "")), source)
            if mount.get("type") != "bind" or path is None:
                continue
            if path.startswith((".", "~")) or _has_content(path, tracked or []):
                errors.append(
                    f"In {file}, services.{name}.volumes mounts `{path}` out of the clone, which the next deploy"
                    " changes. Remedy: copy it into the image, or mount an absolute path of the host."
                )
            volume = re.sub(r"[^\w.-]+", "_", path).strip("._-") or "data"
            volumes[volume] = {"name": f"mcp_{volume}"}
            mount |= {"type": "volume", "source": volume}
            mount.pop("bind", None)
    if volumes:
        project["volumes"] = volumes
    return {
        "image": builds[0]["image"] if builds else "",
        "builds": builds,
        "compose": re.sub(r"@@(\w+)@@", r"${\1}", json.dumps(project, indent=2)) + "\n",
        "errors": [*_misnamed(before, file, service, omit or []), *errors],
    }


def _build(name: str, own: Mapping[str, Any] | None, base: Mapping[str, Any], server: bool, source: str) -> Any:
    """Return how an image is built, and its name with the tag."""
    if own is None:
        context, dockerfile, target, args = base["context"], base["dockerfile"], "", {}
    else:
        context = _inside(str(own.get("context", source)), source) or "."
        dockerfile, target = own.get("dockerfile", "Dockerfile"), own.get("target", "")
        args = {key: value.replace("$$", "$") for key, value in (own.get("args") or {}).items() if value is not None}
    args |= {key: str(value) for key, value in (base.get("build_args") or {}).items()} if server else {}
    made_of = {"build_args": args, "commit": base["commit"], "context": context, "dockerfile": dockerfile}
    content = hashlib.sha256(json.dumps(made_of | {"target": target}, sort_keys=True).encode()).hexdigest()
    repository = base.get("registry") or ("mcp" if server else f"mcp-{name}")
    return {
        "image": f"{repository}:{base['commit'][:12]}-{content[:8]}",
        "path": posixpath.normpath(posixpath.join(source, context)),
        "dockerfile": dockerfile,
        "target": target,
        "args": args,
    }


def _inside(path: str, source: str) -> str | None:
    """Return a path relative to the clone, or nothing when it is outside."""
    return posixpath.relpath(path, source) if f"{path}/".startswith(f"{source}/") else None


def _has_content(path: str, tracked: list[str]) -> bool:
    """Return whether the repository has files there, beside placeholders such as `.gitkeep`."""
    return any(f"{each}/".startswith(f"{path}/") and posixpath.basename(each) not in PLACEHOLDERS for each in tracked)


def _misnamed(services: Mapping[str, Any], file: str, service: str, omit: list[str]) -> Iterator[str]:
    """Yield sentences on names that the Compose file does not have."""
    if not file:
        return
    for variable, names in (("stack_compose_service", [service]), ("stack_compose_omit", omit)):
        for name in names:
            if name not in services:
                choice = f"It has: {', '.join(sorted(services)) or 'none'}."
                yield f"{variable} names the service `{name}`, which {file} does not have. {choice}"
    if service in omit:
        yield f"stack_compose_omit leaves out `{service}`, which stack_compose_service says to run."


def _errors(
    before: Mapping[str, Any], merged: Mapping[str, Any], unset: list[str], source: str
) -> Iterator[tuple[str, str]]:
    """Yield what cannot run in two slots, with the remedy."""
    for name, each in (merged.get("services") or {}).items():
        if each.get("network_mode") == "host":
            yield f"the service {name} uses the host's network, where two slots would meet", "take network_mode out"
        networks = before.get(name, {}).get("networks")
        details = [each or {} for each in networks.values()] if isinstance(networks, Mapping) else []
        if any(each.get("ipv4_address") or each.get("ipv6_address") for each in details):
            yield f"the service {name} has a fixed address, and slots have networks of their own", "use its name"
        build = each.get("build") or {}
        for key in UNKNOWN_BUILD:
            if build.get(key):
                yield f"services.{name}.build has `{key}`, which is not supported", "write a Dockerfile without"
        if _inside(str(build.get("context", source)), source) is None:
            yield f"services.{name}.build.context is `{build['context']}`, outside of the repository", "move it inside"
        for key in ("secrets", "configs"):
            for item in each.get(key) or []:
                path = ((merged.get(key) or {}).get(item["source"]) or {}).get("file", "")
                if (inside := _inside(path, source)) is not None:
                    yield (
                        f"{key}.{item['source']} is the file `{inside}`, and a release has no files of the repository",
                        f"give stack_secrets a {item['source'].upper().replace('-', '_')}",
                    )
    for name in unset:
        yield f"`${{{name}}}` has no value", f"give stack_environment or stack_secrets a {name}"


class FilterModule:
    """Names the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"compose_release": compose_release}
