"""A repository's own Compose file made fit for a slot: without what the host has, and what two slots cannot share."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils import compose_syntax as syntax
from ansible_collections.mcp.aws.plugins.module_utils.docker_build import Build

Service = dict[str, Any]

ENV_FILES = ["mcp.env", "secrets.env"]
# Of a build, what `docker_build` does not know.
UNKNOWN_BUILD = ("additional_contexts", "dockerfile_inline", "secrets", "ssh")
# What says "as that service" and makes no sense without it.
SHARED = ("network_mode", "ipc", "pid")


@dataclass(frozen=True)
class Wanted:
    """What the role asks for.

    :param build: of the server, as far as the role says it; its image, clone, commit and registry go for every image.
    :param names: environment that the role gives; it stands above what the file says.
    """

    build: Build
    file: str
    service: str
    omit: Sequence[str] = ()
    names: Sequence[str] = ()
    container_port: int = 8000
    host_address: str = "172.30.0.1"
    memory: str = ""
    logging: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Clone:
    """What the clone holds, asked by path relative to it.

    :param read: the text of a file, or nothing.
    :param tracked: whether the repository has content there, beside placeholders such as `.gitkeep`.
    """

    read: Callable[[str], str | None]
    tracked: Callable[[str], bool]


@dataclass(frozen=True)
class Slotted:
    """The Compose file to write, and the images that it wants, by service."""

    project: dict[str, Any]
    builds: dict[str, Build]


def fit(given: Mapping[str, Any], wanted: Wanted, clone: Clone) -> Slotted | list[str]:
    """Return the project for a slot, or sentences that say what stands against it.

    :param given: what `docker compose config --no-interpolate --no-path-resolution` prints.
    """
    services: dict[str, Service] = {name: dict(each or {}) for name, each in (given.get("services") or {}).items()}
    if problems := _misnamed(services, wanted):
        return problems
    # A service with a profile does not start with the others, so nothing can count on it here.
    gone = {*wanted.omit, *(name for name, each in services.items() if each.get("profiles") and name != wanted.service)}
    fitted = _Fitting(wanted, clone, gone)
    kept = {name: fitted.service(name, each) for name, each in services.items() if name not in gone}
    project: dict[str, Any] = {
        "services": kept,
        "networks": {"default": {"ipam": {"config": [{"subnet": "${MCP_SUBNET}"}]}}},
    }
    for kind in ("secrets", "configs"):
        if used := fitted.files(kind, kept, given.get(kind) or {}):
            project[kind] = used
    if fitted.volumes:
        project["volumes"] = {name: _volume(name, given) for name in sorted(fitted.volumes)}
    fitted.without_value(project)
    return fitted.problems or Slotted(project, fitted.builds)


def _misnamed(services: Mapping[str, Service], wanted: Wanted) -> list[str]:
    """Say which names the file does not have."""
    choice = f"It has: {', '.join(sorted(services)) or 'none'}."
    problems = [
        f"{variable} names the service `{name}`, which {wanted.file} does not have. {choice}"
        for variable, asked in (("stack_compose_service", [wanted.service]), ("stack_compose_omit", wanted.omit))
        for name in asked
        if name not in services
    ]
    if wanted.service in wanted.omit:
        problems.append(f"stack_compose_omit leaves out `{wanted.service}`, which stack_compose_service says to run.")
    return problems


def _volume(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a volume under a name that is not the slot's, so that it outlives one."""
    said = dict((given.get("volumes") or {}).get(name) or {})
    return said if said.get("external") else said | {"name": f"mcp_{name}"}


class _Fitting:
    """Goes through the services, and gathers problems, volumes and images on its way."""

    def __init__(self, wanted: Wanted, clone: Clone, gone: set[str]):
        self.wanted = wanted
        self.clone = clone
        self.gone = gone
        self.problems: list[str] = []
        self.volumes: set[str] = set()
        self.builds: dict[str, Build] = {}

    def service(self, name: str, given: Service) -> Service:
        """Return a service as a slot may run it."""
        service = {key: value for key, value in given.items() if key not in ("ports", "profiles", "scale", "develop")}
        self._forget_the_gone(name, service)
        self._image(name, service)
        self._environment(name, service)
        self._network(name, service)
        if volumes := [self._mount(name, syntax.volume(each)) for each in service.pop("volumes", None) or []]:
            service["volumes"] = volumes
        # Stopped with its slot it stays down, also when the engine starts again.
        if service.get("restart") == "always":
            service["restart"] = "unless-stopped"
        if self.wanted.logging and (name == self.wanted.service or not service.get("logging")):
            service["logging"] = dict(self.wanted.logging)
        if name == self.wanted.service:
            self._server(service)
        return service

    def files(self, kind: str, services: Mapping[str, Service], given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the secrets or configs that are used; none may be a file of the clone."""
        used = {
            item["source"] if isinstance(item, Mapping) else item
            for service in services.values()
            for item in service.get(kind) or []
        }
        for name in sorted(used & given.keys()):
            if not str(given[name].get("file", "/")).startswith("/"):
                self._problem(
                    f"{kind}.{name} is the file `{given[name]['file']}`, and a release has no files of the repository",
                    "have the server read it from its environment (stack_secrets)",
                )
        return {name: value for name, value in given.items() if name in used}

    def without_value(self, project: Mapping[str, Any]) -> None:
        """Find the variables that nobody gives."""
        known = {*self.wanted.names}
        for name in sorted({name for name in syntax.unset(project) if not name.startswith("MCP_")} - known):
            self._problem(f"`${{{name}}}` has no value", f"give stack_environment or stack_secrets a {name}")

    def _problem(self, what: str, remedy: str) -> None:
        self.problems.append(f"In {self.wanted.file}, {what}. Remedy: {remedy}.")

    def _forget_the_gone(self, name: str, service: Service) -> None:
        """Take out what refers to services that are left out."""
        needs = service.pop("depends_on", None) or {}
        if isinstance(needs, Mapping):
            left: Any = {other: how for other, how in needs.items() if other not in self.gone}
        else:
            left = [other for other in needs if other not in self.gone]
        links = [link for link in service.pop("links", None) or [] if link.partition(":")[0] not in self.gone]
        service |= {key: value for key, value in (("depends_on", left), ("links", links)) if value}
        shared = [str(service.get(key, "")).removeprefix("service:") for key in SHARED]
        shared += [source.partition(":")[0] for source in service.get("volumes_from") or []]
        for other in sorted({*shared} & self.gone):
            self._problem(f"the service {name} shares parts of {other}, which is left out", "leave out both or none")

    def _image(self, name: str, service: Service) -> None:
        """Name the image of a service, and say how it is built where it is."""
        server, build = name == self.wanted.service, service.pop("build", None)
        if build is None and not server:
            return
        said: dict[str, Any] = {"context": build} if isinstance(build, str) else dict(build or {})
        for key in UNKNOWN_BUILD:
            if said.get(key):
                self._problem(
                    f"services.{name}.build has `{key}`, which is not known here", "write a Dockerfile without"
                )
        base = self.wanted.build
        options: dict[str, Any] = {
            "image": base.image if server else f"{base.image}-{name}",
            "source": base.source,
            "commit": base.commit,
            "registry": base.registry,
        }
        if said:
            options |= {
                "context": self._context(name, str(said.get("context", "."))),
                "dockerfile": str(said.get("dockerfile", "Dockerfile")),
                "target": str(said.get("target", "")),
            }
        else:
            options |= {"context": base.context, "dockerfile": base.dockerfile, "target": base.target}
        options["build_args"] = syntax.arguments(said.get("args")) | dict(base.build_args if server else {})
        for key in sorted(key for key, value in options["build_args"].items() if "$" in str(value)):
            self._problem(
                f"the build argument {key} of {name} is a variable, and a build has none",
                "write its value" + (", or give it in stack_build_args" if server else ""),
            )
        self.builds[name] = Build(**options)
        service |= {"image": self.builds[name].reference, "pull_policy": "never"}

    def _context(self, name: str, given: str) -> str:
        """Return the context relative to the clone; the file's own paths begin at the file."""
        path = self._inside(given)
        if path is None or re.match(r"\w+://|git@", given):
            self._problem(f"services.{name}.build.context is `{given}`, outside of the repository", "move it inside")
        return path or "."

    def _inside(self, given: str) -> str | None:
        """Return a path of the file relative to the clone, or nothing when it is outside."""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(self.wanted.file), given))
        return None if path.startswith(("/", "..")) or given.startswith("~") else path

    def _environment(self, name: str, service: Service) -> None:
        """Let the role's environment stand above the file's, for the server and for who speaks of the same things."""
        own: dict[str, Any] = {}
        asked = syntax.paths(service.pop("env_file", None))
        for path in asked:
            inside = self._inside(path)
            own |= syntax.dotenv((self.clone.read(inside) if inside else None) or "")
        own |= syntax.mapping(service.pop("environment", None))
        given = {*self.wanted.names}
        if name == self.wanted.service or asked or given & own.keys():
            service["env_file"] = list(ENV_FILES)
        if left := {key: value for key, value in own.items() if key not in given}:
            service["environment"] = left

    def _network(self, name: str, service: Service) -> None:
        """Leave the default network alone, where every service is known under all names that it had."""
        networks = service.pop("networks", None) or {}
        details = [each or {} for each in networks.values()] if isinstance(networks, Mapping) else []
        aliases = {str(alias) for each in details for alias in each.get("aliases") or []}
        if called := service.pop("container_name", ""):
            aliases.add(str(called))
        if any(each.get("ipv4_address") or each.get("ipv6_address") for each in details):
            self._problem(
                f"the service {name} has a fixed address, and slots have networks of their own", "use its name"
            )
        if service.get("network_mode") == "host":
            self._problem(
                f"the service {name} uses the host's network, where two slots would meet", "take network_mode out"
            )
        if aliases and not service.get("network_mode"):
            service["networks"] = {"default": {"aliases": sorted(aliases)}}
        # The host answers under the names of the services that it stands for.
        hosts = syntax.hosts(service.pop("extra_hosts", None))
        ours = {other: [self.wanted.host_address] for other in ("host.docker.internal", *self.wanted.omit)}
        both = {**ours, **hosts, "host.docker.internal": [self.wanted.host_address]}
        service["extra_hosts"] = [f"{host}:{address}" for host, found in both.items() for address in found]

    def _mount(self, name: str, mount: dict[str, Any]) -> dict[str, Any]:
        """Return a mount that outlives slot and clone."""
        kind, source = mount.get("type", "volume"), str(mount.get("source") or "")
        if not source or kind not in ("bind", "volume"):
            return mount
        if "$" in source:
            self._problem(f"services.{name}.volumes has the variable source `{source}`", "write it out")
        elif kind == "volume":
            self.volumes.add(source)
        elif not source.startswith("/"):
            return self._data(name, source, mount)
        return mount

    def _data(self, name: str, source: str, mount: dict[str, Any]) -> dict[str, Any]:
        """Return a volume in place of a folder beside the Compose file, unless the repository has something there."""
        inside = self._inside(source)
        if inside is None or inside == "." or self.clone.tracked(inside):
            self._problem(
                f"services.{name}.volumes mounts `{source}` out of the clone, which the next deploy changes",
                "copy it into the image, or mount an absolute path of the host",
            )
            return mount
        volume = re.sub(r"[^\w.-]+", "_", inside).strip("._-") or "data"
        self.volumes.add(volume)
        kept = {key: value for key, value in mount.items() if key not in ("type", "source", "bind")}
        return {"type": "volume", "source": volume, **kept}

    def _server(self, service: Service) -> None:
        """Make a service the server of its slot."""
        service |= {
            "container_name": "mcp-${MCP_SLOT}",
            "labels": syntax.mapping(service.get("labels")) | {"mcp.aws.release": "${MCP_RELEASE}"},
            "ports": [f"${{MCP_ADDRESS}}:${{MCP_PORT}}:{self.wanted.container_port}"],
            "restart": "no",
        }
        # Many a server is no init, and would let a stop wait until it is killed.
        service.setdefault("init", True)
        deploy = service.pop("deploy", None) or {}
        if left := {key: value for key, value in deploy.items() if key not in ("replicas", "restart_policy")}:
            service["deploy"] = left
        limits = (deploy.get("resources") or {}).get("limits") or {}
        if self.wanted.memory and not service.get("mem_limit") and not limits.get("memory"):
            service["mem_limit"] = self.wanted.memory
