"""Where settings of several roles must agree with each other: pure functions over values."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SSH, HIGHEST_PORT = 22, 65535
# One port, named by each role that has to do with it.
SERVICE = ("stack_port", "load_balancer_target_port", "network_service_port", "health_service_port")
LISTENER = ("load_balancer_port", "network_listener_port", "health_listener_port")


def disagreements(settings: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with ports; settings that are not there are not judged."""
    return [*impossible(settings), *different(settings, SERVICE), *different(settings, LISTENER), *taken(settings)]


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
    """Look for ports of the server that something else has."""
    found = [name for name in SERVICE if settings.get(name) == SSH]
    return [f"{', '.join(found)} is {SSH}, the port of SSH. Choose another, for example 8000."] if found else []
