"""Whether policies allow a right: Effect, Action, Resource and Condition of their statements.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .rights import Right
from .settings import ACCOUNT

VARIABLES = {"${aws:PrincipalAccount}": ACCOUNT}


def allowed(documents: Iterable[Mapping[str, Any]], right: Right) -> bool:
    """Tell whether a statement allows the right and none denies it."""
    statements = [statement for document in documents for statement in _listed(document["Statement"])]
    effects = {statement["Effect"] for statement in statements if _speaks_of(statement, right)}
    return effects == {"Allow"}


def _speaks_of(statement: Mapping[str, Any], right: Right) -> bool:
    about = any(_like(pattern.lower(), right.action.lower()) for pattern in _listed(statement.get("Action", [])))
    if "NotAction" in statement:
        about = not any(_like(pattern.lower(), right.action.lower()) for pattern in _listed(statement["NotAction"]))
    there = any(_like(pattern, right.resource) for pattern in _listed(statement.get("Resource", [])))
    if not (about and there):
        return False
    conditions = statement.get("Condition", {}).items()
    return all(_met(operator, key, wanted, right) for operator, keys in conditions for key, wanted in keys.items())


def _met(operator: str, key: str, wanted: Any, right: Right) -> bool:
    if operator not in OPERATORS:
        raise NotImplementedError(f"The lab knows no condition operator {operator}; teach it to {__name__}.")
    found = right.context.get(key)
    return found is not None and any(OPERATORS[operator](str(value), found) for value in _listed(wanted))


def _like(pattern: str, text: str) -> bool:
    for name, value in VARIABLES.items():
        pattern = pattern.replace(name, value)
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, re.DOTALL) is not None


OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "ArnLike": _like,
    "Bool": lambda wanted, found: wanted.lower() == found.lower(),
    "StringEquals": lambda wanted, found: wanted == found,
    "StringLike": _like,
}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
