"""Releases: an image, a Compose file and an environment that belong together, and what is kept of them."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DETAILS, SERVED = "release.json", "served"
ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "$": r"\$", "\n": r"\n", "\r": r"\r"})


def now() -> str:
    """Return the time in UTC, to the microsecond, as text that sorts."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def env_file(values: Mapping[str, object]) -> str:
    """Return an environment file as Compose reads it: in double quotes every character stands for itself."""
    return "".join(f'{name}="{str(values[name]).translate(ESCAPES)}"\n' for name in sorted(values))


@dataclass(frozen=True)
class Release:
    """What is told of a release.

    :param version: what was asked for; `commit` is what that was.
    :param served: when it last began to serve, UTC ISO 8601, from a file of its own; nothing while it never did.
    """

    release: str
    image: str
    commit: str
    version: str
    repository: str
    made: str
    served: str | None = None

    @classmethod
    def read(cls, folder: Path) -> Release:
        """Read a release.

        :raises OSError: when there is none.
        :raises ValueError: when the file is damaged.
        """
        try:
            known = json.loads((folder / DETAILS).read_text())
        except RecursionError:
            known = None
        found: dict[str, Any] = (
            {name: known.get(name) for name in cls.__dataclass_fields__} if isinstance(known, dict) else {}
        )
        if (
            not all(isinstance(value, str) for name, value in found.items() if name != "served" or value is not None)
            or not found
        ):
            raise ValueError(f"{folder / DETAILS} is damaged")
        if (folder / SERVED).is_file():
            found["served"] = (folder / SERVED).read_text().strip()
        return cls(**found)

    def write(self, folder: Path) -> None:
        """Write it in one step."""
        new = folder / f".{DETAILS}"
        new.write_text(json.dumps(asdict(self), indent=1) + "\n")
        new.replace(folder / DETAILS)

    def matches(self, wanted: str) -> bool:
        """Tell whether a person means this one: by its name, version or the beginning of its commit."""
        return wanted in (self.release, self.version) or (len(wanted) >= 7 and self.commit.startswith(wanted))


def name(commit: str, *contents: str) -> str:
    """Return the name of a release: its commit, and a hash of all that it consists of."""
    whole = hashlib.sha256("\0".join(contents).encode()).hexdigest()
    return f"{commit[:12]}-{whole[:8]}"


def read_all(folder: Path) -> list[Release]:
    """Return all releases, those that served last first; damaged ones are left out."""
    found = []
    for each in folder.glob("*/" + DETAILS):
        try:
            found.append(Release.read(each.parent))
        except (OSError, ValueError):
            continue
    return sorted(found, key=lambda release: (release.served or "", release.made), reverse=True)


def choose(releases: Sequence[Release], serving: str, wanted: str) -> Release | str:
    """Return the release to go back to, or a sentence that says why there is none.

    :param releases: the last that served first.
    :param wanted: a release, commit or version; empty means the one that served before.
    """
    others = [release for release in releases if release.release != serving and release.served]
    choice = "; ".join(f"{each.release} (version {each.version}, served {(each.served or '')[:19]})" for each in others)
    if not others:
        return "There is no earlier release to go back to: none but the serving one has served on this host."
    if not wanted:
        return others[0]
    if found := [release for release in others if release.matches(wanted)]:
        return found[0]
    serves = any(release.release == serving and release.matches(wanted) for release in releases)
    why = "which serves already" if serves else "and no such release is kept"
    return f"stack_rollback_to is `{wanted}`, {why}. To choose from: {choice}."


def superfluous(releases: Sequence[Release], held: Sequence[str], keep: int) -> list[str]:
    """Return the releases to delete: those that never served, and the oldest beyond a number; never one in a slot."""
    served = [release.release for release in releases if release.served]
    kept = {*served[:keep], *held}
    return [release.release for release in releases if release.release not in kept]


def overview(releases: Iterable[Release], slots: Mapping[str, str], serving: str) -> dict[str, Any]:
    """Return releases as data: the serving one first, then those to go back to, then those that never served.

    :param releases: the last that served first.
    :param slots: the release that each slot holds.
    :param serving: the slot that serves.
    """
    now = slots.get(serving, "")
    known = [
        asdict(each)
        | {
            "serving": each.release == now,
            "slots": sorted(slot for slot, held in slots.items() if held == each.release),
            "choosable": bool(each.served) and each.release != now,
        }
        for each in releases
    ]
    known.sort(key=lambda each: (not each["serving"], not each["choosable"]))
    return {"releases": known, "serving": {"slot": serving, "release": now}, "slots": dict(slots)}
