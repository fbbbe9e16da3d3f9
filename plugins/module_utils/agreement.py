"""Where settings of several roles must agree with each other: pure functions over values."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils.agreement_slots import slots

SSH, TLS, HIGHEST_PORT = 22, 443, 65535
# One port, named by each role that has to do with it.
SERVICE = ("proxy_port", "load_balancer_target_port", "network_service_port", "health_service_port")
LISTENER = ("load_balancer_port", "health_listener_port")


def disagreements(settings: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with ports and slots; settings that are not there are not judged."""
    # With a certificate clients are served on another port than the one that redirects there.
    listener = () if settings.get("load_balancer_certificate_arn") else different(settings, LISTENER)
    service = different(settings, SERVICE)
    return [*impossible(settings), *service, *listener, *taken(settings), *unreachable(settings), *slots(settings)]


def impossible(settings: Mapping[str, Any]) -> list[str]:
    """Look for numbers that no port has."""
    ports = {name: value for name, value in settings.items() if name.endswith("_port") and isinstance(value, int)}
    return [
        f"{name} is {port}: a port is a number from 1 to {HIGHEST_PORT}."
        for name, port in ports.items()
        if not 1 <= port <= HIGHEST_PORT
    ]


def different(settings: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    """Compare the names of one port."""
    ports = {name: settings[name] for name in names if name in settings}
    if len(set(ports.values())) < 2:
        return []
    listed = ", ".join(f"{name} {port}" for name, port in ports.items())
    return [f"These are one port, but differ: {listed}. Give them the same number."]


def taken(settings: Mapping[str, Any]) -> list[str]:
    """Look for the port of the service among those that something else has."""
    found = [name for name in SERVICE if settings.get(name) == SSH]
    return [f"{', '.join(found)} is {SSH}, the port of SSH. Choose another, for example 8000."] if found else []


def unreachable(settings: Mapping[str, Any]) -> list[str]:
    """Look for ports of the load balancer that the network does not let clients reach."""
    opened, listening = settings.get("network_client_ports"), [settings.get("load_balancer_port")]
    listening += [TLS] if settings.get("load_balancer_certificate_arn") else []
    if opened is None or None in listening or {str(port) for port in listening} <= {str(port) for port in opened}:
        return []
    wanted = ", ".join(map(str, listening))
    return [
        f"network_client_ports is {opened}, but the load balancer listens on {wanted}, which clients could not reach. "
        f"Set it to [{wanted}]."
    ]
