"""Where the slots of a server must agree with the proxy and the database: pure functions over values."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations
from typing import Any

Slots = Sequence[Mapping[str, Any]]
EVERYWHERE, LOOPBACK = str(IPv4Address(0)), "127.0.0.1"


def slots(settings: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the slots; settings that are not there are not judged."""
    filled, asked = settings.get("stack_slots"), settings.get("proxy_slots")
    if filled is None:
        return []
    apart = asked is not None and places(filled) != places(asked)
    said = (
        f"stack_slots and proxy_slots are the same slots, but differ: {listed(filled)}; {listed(asked or [])}. "
        "Give both the same names, addresses and ports."
    )
    return [*([said] if apart else []), *numbers(filled, settings.get("proxy_port")), *ranges(filled)]


def numbers(filled: Slots, proxy_port: int | None) -> list[str]:
    """Look for too few slots, and for ports that are taken."""
    ports = [slot.get("port") for slot in filled]
    twice = sorted({str(port) for port in ports if ports.count(port) > 1})
    sentences = {
        "stack_slots has fewer than two slots: one serves while the other is filled. Add one.": len(filled) < 2,
        f"stack_slots has the port {', '.join(twice)} twice. Each slot needs its own.": twice,
        f"proxy_port and the port of a slot in stack_slots are both {proxy_port}, but the proxy stands before them. "
        "Change one.": proxy_port in ports,
    }
    return [sentence for sentence, wrong in sentences.items() if wrong]


def ranges(filled: Slots) -> list[str]:
    """Look for slots that share a range of addresses."""
    try:
        own = {str(slot.get("name")): IPv4Network(slot["subnet"]) for slot in filled if "subnet" in slot}
    except ValueError as error:
        return [f"stack_slots has no range of addresses: {error}. Write 172.30.1.0/25, say."]
    return [
        f"The ranges of the slots {one} and {other} in stack_slots overlap. Give each its own."
        for one, other in combinations(own, 2)
        if own[one].overlaps(own[other])
    ]


def places(given: Slots) -> list[tuple[str, str, str]]:
    """Return names, addresses and ports in one order; the proxy asks what listens everywhere on loopback."""
    found = [tuple(str(slot.get(key)) for key in ("name", "address", "port")) for slot in given]
    return sorted((name, LOOPBACK if address == EVERYWHERE else address, port) for name, address, port in found)


def listed(given: Slots) -> str:
    """Return slots in words."""
    return ", ".join(f"{name} {address}:{port}" for name, address, port in places(given))
