"""What the playbooks that work on hosts find out, by host: configure, deploy, rollback, versions."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_aws.text import count
from mcp_aws.verdicts.reading import AnyVerdict, listed


@dataclass(frozen=True)
class ConfiguredHost:
    """The versions that services told when they answered: Docker's engine and PostgreSQL. Empty where none did."""

    docker: str = ""
    postgresql: str = ""


@dataclass(frozen=True)
class Configure(AnyVerdict, schema="mcp.aws/configure/1"):
    """What runs on the hosts that came to the end, by host."""

    hosts: Mapping[str, ConfiguredHost] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The versions of each host."""
        versions = {host: {"Docker": one.docker, "PostgreSQL": one.postgresql} for host, one in self.hosts.items()}
        texts = [
            f"{host} has {', '.join(f'{name} {version}' for name, version in own.items() if version)}"
            for host, own in versions.items()
            if any(own.values())
        ]
        return listed(texts) or count(len(self.hosts), "host")


@dataclass(frozen=True)
class DeployedHost:
    """How a deploy or a rollback ended on one host.

    `outcome` is `ok`, `unchanged`, `refused` (the release before serves on) or `failed`. `before` and `now` name the
    releases that served and serve, `tried` the one that was to serve; `commit` and `slot` are of that one. `now` is
    empty when nobody knows. `seconds` is the time under the deploy lock, None where it is unknown.
    """

    outcome: str
    before: str = ""
    now: str = ""
    tried: str = ""
    commit: str = ""
    slot: str = ""
    reason: str = ""
    evidence: str = ""
    seconds: float | None = None

    @property
    def ok(self) -> bool:
        """Whether what should serve does."""
        return self.outcome in ("ok", "unchanged")


@dataclass(frozen=True)
class Deploy(AnyVerdict, schema="mcp.aws/deploy/1"):
    """What a deploy did on each host that it got to. Check mode deploys nothing, and has none."""

    hosts: Mapping[str, DeployedHost] = field(default_factory=dict)

    @classmethod
    def judged(cls, known: Mapping[str, Any]) -> bool:
        """Whether the release serves on every host."""
        return all(host.ok for host in known.get("hosts", {}).values())

    @property
    def words(self) -> str:
        """What each host serves."""
        return listed([f"{host} {_served(one)}" for host, one in self.hosts.items()]) or "no host"


@dataclass(frozen=True)
class Rollback(Deploy, schema="mcp.aws/rollback/1"):
    """What a rollback did on each host that it got to. Check mode has none."""


@dataclass(frozen=True)
class Serving:
    """The slot that serves, and the release in it; empty texts where nothing serves."""

    slot: str = ""
    release: str = ""


@dataclass(frozen=True)
class Release:
    """One release that a host keeps. `made` and `served` are when, in ISO 8601; `served` is empty when it never did."""

    release: str
    version: str = ""
    commit: str = ""
    repository: str = ""
    image: str = ""
    made: str = ""
    served: str = ""
    serving: bool = False
    choosable: bool = False
    slots: tuple[str, ...] = ()


@dataclass(frozen=True)
class VersionsHost:
    """What one host serves and keeps: the serving release first, then those that served last.

    `lock` is who deploys now, empty for nobody; `deploys` are the last records, the newest last.
    """

    serving: Serving = field(default_factory=Serving)
    releases: tuple[Release, ...] = ()
    slots: Mapping[str, str] = field(default_factory=dict)
    lock: Mapping[str, Any] = field(default_factory=dict)
    deploys: tuple[Mapping[str, Any], ...] = ()

    @property
    def choosable(self) -> tuple[Release, ...]:
        """The releases that a rollback can choose; without a choice it takes the first."""
        return tuple(release for release in self.releases if release.choosable)


@dataclass(frozen=True)
class Versions(AnyVerdict, schema="mcp.aws/versions/1"):
    """What each host serves, and what it can go back to."""

    hosts: Mapping[str, VersionsHost] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What each host serves, and how many releases it can go back to."""
        return (
            listed(
                [
                    f"{host} serves {one.serving.release or 'nothing'} and can go back to {len(one.choosable)}"
                    for host, one in self.hosts.items()
                ]
            )
            or "no host"
        )


def _served(host: DeployedHost) -> str:
    what = f"serves {host.now or '?'}"
    changed = f" instead of {host.before}" if host.before and host.now and host.before != host.now else ""
    refused = f" ({host.outcome} {host.tried})".replace(" )", ")") if not host.ok else ""
    return what + changed + refused
