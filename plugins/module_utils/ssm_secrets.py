"""What is to be done with secrets in the SSM Parameter Store: pure functions over names and tags, never over values."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ALPHABET = (
    string.ascii_letters + string.digits
)  # no character that a URL, a shell or a configuration file could trip over
DEFAULT_KEY = "alias/aws/ssm"


@dataclass(frozen=True)
class Parameter:
    """What the Parameter Store tells of a parameter without its value."""

    kind: str
    key: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """Names of parameters by what is done to them."""

    create: list[str]
    rotate: list[str]
    tag: list[str]

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        return bool(self.create or self.rotate or self.tag)


def full_name(path: str, name: str) -> str:
    """Return the name of a secret in the Parameter Store."""
    return f"{path.rstrip('/')}/{name}"


def plan(names: Iterable[str], found: Mapping[str, Parameter], tags: Mapping[str, str], rotate: Iterable[str]) -> Plan:
    """Return what makes every name exist with these tags, and those of `rotate` have a new value."""
    names, rotate = list(names), set(rotate)
    return Plan(
        create=[name for name in names if name not in found],
        rotate=[name for name in names if name in found and name in rotate],
        tag=[name for name in names if name in found and found[name].tags != tags],
    )


def problems(found: Mapping[str, Parameter]) -> list[str]:
    """Return a sentence for each parameter that is no secret."""
    return [
        f"The SSM parameter `{name}` is a {parameter.kind}, so that its value lies there unencrypted. "
        "Delete it: the next run makes a secret in its place."
        for name, parameter in found.items()
        if parameter.kind != "SecureString"
    ]


def strangers(rotate: Iterable[str], names: Iterable[str]) -> list[str]:
    """Return a sentence when a name to rotate is none of the secrets."""
    known = list(names)
    unknown = [name for name in rotate if name not in known]
    if not unknown:
        return []
    return [f"No such secret to rotate: {', '.join(f'`{name}`' for name in unknown)}. There are {', '.join(known)}."]


def other_key(found: Mapping[str, Parameter], key: str) -> list[str]:
    """Return the names whose values are encrypted with another key than this one."""
    wanted = short_key(key or DEFAULT_KEY)
    return [name for name, parameter in found.items() if short_key(parameter.key) != wanted]


def short_key(key: str) -> str:
    """Return the id or alias of a KMS key, which may be given with its ARN."""
    return key.rpartition(":")[2].removeprefix("key/")


def new_value(length: int) -> str:
    """Return letters and digits from the system's random source."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def picture(
    found: Mapping[str, Parameter], plan: Plan, tags: Mapping[str, str]
) -> tuple[dict[str, object], dict[str, object]]:
    """Return the parameters before and after for a diff, in which no value is shown."""
    before: dict[str, object] = {name: {"tags": dict(parameter.tags)} for name, parameter in found.items()}
    after: dict[str, object] = {name: {"tags": dict(tags)} for name in [*found, *plan.create]}
    after |= {name: {"tags": dict(tags), "value": "a new one"} for name in plan.rotate}
    return before, after
