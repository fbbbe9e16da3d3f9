"""From what a playbook published to a frozen dataclass: the base of all verdicts, and the register of their schemas."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Self, TypeVar, Union, get_args, get_origin, get_type_hints

SCHEMAS: dict[str, type[AnyVerdict]] = {}
Made = TypeVar("Made")


@dataclass(frozen=True)
class AnyVerdict:
    """What a playbook found. `kind` is the playbook's name, `name` the deployment's, empty where nobody said it.

    A kind joins as a frozen dataclass that names its schema: `class Backup(AnyVerdict, schema="mcp.aws/backup/1")`.
    What is published must hold the schema; `kind`, `name`, `ok` and every field with a default may be left out.
    """

    kind: str
    name: str
    ok: bool

    schema: ClassVar[str] = ""

    def __init_subclass__(cls, *, schema: str = "") -> None:
        super().__init_subclass__()
        if schema:
            cls.schema = schema
            SCHEMAS[schema] = cls

    @classmethod
    def judged(cls, _known: Mapping[str, Any]) -> bool:
        """Whether all is well, where the playbook did not say so itself; given the other fields."""
        return True

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Return the verdict that was published.

        :raises ValueError: something is missing or of another type.
        """
        known: dict[str, Any] = {"kind": cls.schema.split("/")[1], "name": ""} | _known(cls, data)
        known.setdefault("ok", cls.judged(known))
        return _made(cls, known)

    @property
    def words(self) -> str:
        """What was found, in a few words."""
        return "all is well" if self.ok else "not all is well"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values that JSON takes, in the form that `of` reads: times in ISO 8601."""
        whole: dict[str, Any] = json.loads(json.dumps(asdict(self), default=_plain))
        return {"schema": self.schema} | whole

    def __str__(self) -> str:
        return f"{self.kind}{f' {self.name}' if self.name else ''}: {self.words}"


def typed(data: object) -> AnyVerdict | None:
    """Return the verdict that one statistic holds; None when its schema is unknown, or it is not as that says."""
    if not isinstance(data, Mapping) or not isinstance(data.get("schema"), str):
        return None
    cls = SCHEMAS.get(data["schema"])
    try:
        return cls.of(data) if cls else None
    except ValueError:
        return None


def listed(texts: list[str], most: int = 5) -> str:
    """Return texts in a row; of many the first, and how many more there are."""
    more = len(texts) - most
    return ", ".join(texts) if more <= 0 else f"{', '.join(texts[:most])} and {more} more"


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


@cache
def _hints(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {item.name: hints[item.name] for item in fields(cls)}


def _known(cls: type, data: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that data holds; what nobody knew, null, is as if it were left out."""
    if not isinstance(data, Mapping):
        raise ValueError(f"{cls.__name__} is made of a mapping, not of {data!r}.")
    hints = _hints(cls)
    return {name: _value(hint, data[name]) for name, hint in hints.items() if data.get(name) is not None}


def _made(cls: type[Made], known: dict[str, Any]) -> Made:
    try:
        return cls(**known)
    except TypeError as error:  # a field that must be there is missing
        raise ValueError(str(error)) from error


def _value(hint: Any, raw: Any) -> Any:
    """Return one value as its annotation says.

    :raises ValueError: it is of another type.
    """
    kind, inner = get_origin(hint) or hint, get_args(hint)
    if kind is Any:
        return raw
    if kind in (Union, types.UnionType):
        return _value(next(one for one in inner if one is not types.NoneType), raw)
    if is_dataclass(kind) and isinstance(kind, type):
        return _made(kind, _known(kind, raw))
    if kind is tuple and isinstance(raw, list | tuple):
        return tuple(_value(inner[0], one) for one in raw)
    if kind is Mapping and isinstance(raw, Mapping):
        return {str(name): _value(inner[1], one) for name, one in raw.items()}
    if kind is datetime and isinstance(raw, str):
        return datetime.fromisoformat(raw)
    if kind is float and isinstance(raw, int | float):
        return float(raw)
    if isinstance(kind, type) and isinstance(raw, kind):
        return raw
    raise ValueError(f"{raw!r} is no {hint}.")
