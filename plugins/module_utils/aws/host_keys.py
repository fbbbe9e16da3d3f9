"""SSH host keys in an EC2 console: pure functions over text."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import binascii
import re

BLOCK = re.compile(r"-----BEGIN SSH HOST KEY KEYS-----(.*?)-----END SSH HOST KEY KEYS-----", re.DOTALL)
KEY = re.compile(r"\b(ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp\d+) (AAAA[0-9A-Za-z+/]+={0,2})")


def whole(kind: str, blob: str) -> bool:
    """Tell whether the key's data is complete and of that kind; a kernel message may have run through the line."""
    try:
        data = base64.b64decode(blob, validate=True)
    except binascii.Error:
        return False
    fields, rest = [], data
    while rest:
        length = 4 + int.from_bytes(rest[:4], "big")
        if length > len(rest):
            return False
        fields.append(rest[4:length])
        rest = rest[length:]
    return fields[:1] == [kind.encode()]


def keys_in_console(console: str) -> list[str]:
    """Return the keys (`kind data`) of the last complete block that cloud-init wrote, [] when there is none yet."""
    blocks = BLOCK.findall(console)
    return [f"{kind} {blob}" for kind, blob in KEY.findall(blocks[-1]) if whole(kind, blob)] if blocks else []


def tail(console: str, lines: int = 15) -> str:
    """Return the last lines that say something."""
    spoken = [line.rstrip() for line in console.splitlines() if line.strip()]
    return "\n".join(spoken[-lines:]) or "(nothing was written yet)"
