"""Kernel settings by name: where the kernel keeps them, and whether two values mean the same."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def place(name: str, root: Path = Path("/proc/sys")) -> Path:
    """The file of a setting. As in sysctl.d the first separator says which one parts the name: `a.b/c` is `a/b.c`."""
    slashes = name.partition(".")[0].count("/") > 0
    return root / (name if slashes else name.translate(str.maketrans("./", "/.")))


def same(one: str, other: str) -> bool:
    """Whether two values are the same; the kernel parts numbers with tabs."""
    return one.split() == other.split()


def lines(settings: Mapping[str, object]) -> list[str]:
    """The settings as lines of sysctl.d. The dash: a kernel that lacks or refuses one still gets all others at boot."""
    return [f"-{name} = {' '.join(str(value).split())}" for name, value in sorted(settings.items())]
