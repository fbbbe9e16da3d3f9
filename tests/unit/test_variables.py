"""Which names a role knows, whose they are, and what is said about those that nobody knows."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.run.variables import Unknown, nearest, options, owner, unknown

SPECS = {
    "argument_specs": {
        "main": {"options": {"postgresql_port": {"type": "int"}, "postgresql_users": {"type": "list"}}},
        "read": {"options": {"postgresql_only_read": {"type": "bool"}}},
        "bare": None,
    }
}
KNOWN = {"postgresql": frozenset({"postgresql_port", "postgresql_users"}), "log": frozenset({"log_level"})}
ROLES = ["log", "log_rotation", "postgresql", "redis"]


def test_options_of_all_entry_points() -> None:
    assert options(SPECS).keys() == {"postgresql_port", "postgresql_users", "postgresql_only_read"}


@pytest.mark.parametrize("specs", [{}, {"argument_specs": None}, {"argument_specs": {"main": {}}}])
def test_no_options(specs: dict[str, object]) -> None:
    assert options(specs) == {}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("postgresql_port", "postgresql"),
        ("log_rotation_keep", "log_rotation"),
        ("log_level", "log"),
        ("logs_retention", None),
        ("postgresql", None),
        ("__postgresql_facts", None),
        ("ansible_host", None),
        ("mcp_name", None),
    ],
)
def test_owner(name: str, role: str | None) -> None:
    assert owner(name, ROLES) == role


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("postgresql_prot", "postgresql_port"),
        ("postgresql_user", "postgresql_users"),
        ("postgresql_colour", None),  # the long prefix alone makes nothing alike
    ],
)
def test_nearest(name: str, expected: str | None) -> None:
    assert nearest(name, "postgresql", KNOWN["postgresql"]) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["postgresql_port", "log_level", "mcp_name", "ansible_facts"], []),
        (["postgresql_state", "log_state"], []),
        (["redis_anything"], []),  # not among the checked roles
        (["log_rotation_keep"], []),  # another role's, whatever `log` thinks
        (["__postgresql_private"], []),
        (["postgresql_prot"], [Unknown("postgresql_prot", "postgresql", "postgresql_port")]),
        (
            ["postgresql_colour", "log_levl", "log_level"],
            [Unknown("log_levl", "log", "log_level"), Unknown("postgresql_colour", "postgresql", None)],
        ),
    ],
)
def test_unknown(names: list[str], expected: list[Unknown]) -> None:
    assert unknown(names, KNOWN, ROLES) == expected


def test_explanation_names_place_and_remedy() -> None:
    found = Unknown("postgresql_prot", "postgresql", "postgresql_port")
    assert found.explain("all.yml:7", "roles/postgresql/README.md") == (
        "`postgresql_prot` (all.yml:7) is not a variable of `postgresql`: did you mean `postgresql_port`?"
        " All of them: roles/postgresql/README.md."
    )


def test_explanation_without_a_likely_name() -> None:
    assert "remove it" in Unknown("log_x", "log", None).explain("extra variable", "")
