"""A role's argument specs are the truth: its defaults, its names, its README and its scenario agree with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mcp.aws.docs.generate import render

CHECKOUT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (CHECKOUT / "roles").iterdir() if (path / "tasks").is_dir())

every_role = pytest.mark.parametrize("role", ROLES)


class Loader(yaml.SafeLoader):
    """Reads Ansible's own tags, such as `!unsafe`, as plain text."""


Loader.add_multi_constructor("!", lambda loader, _tag, node: loader.construct_scalar(node))


def _read(path: Path) -> Any:
    return Loader(path.read_text()).get_single_data()


def _load(role: str, path: str) -> Any:
    return _read(CHECKOUT / "roles" / role / path)


def _options(role: str, entry: str = "main") -> dict[str, Any]:
    return _load(role, "meta/argument_specs.yml")["argument_specs"][entry].get("options") or {}


@every_role
def test_defaults_are_those_of_the_argument_specs(role: str) -> None:
    specified = {name: option["default"] for name, option in _options(role).items() if "default" in option}
    assert (_load(role, "defaults/main.yml") or {}) == specified


@every_role
def test_options_without_a_default_say_whether_they_are_required(role: str) -> None:
    silent = [name for name, option in _options(role).items() if not {"default", "required"} & option.keys()]
    assert not silent


@every_role
def test_every_name_begins_with_the_role(role: str) -> None:
    specs = _load(role, "meta/argument_specs.yml")["argument_specs"]
    names = [name for entry in specs for name in _options(role, entry)]
    assert not [name for name in names if not name.startswith(f"{role}_")]


@every_role
def test_what_a_role_keeps_to_itself_is_marked_private(role: str) -> None:
    """A public name outside the argument specs would be refused by `known_variables`."""
    directory = CHECKOUT / "roles" / role
    names = [name for path in sorted((directory / "vars").glob("*.yml")) for name in _read(path) or {}]
    for path in sorted((directory / "tasks").rglob("*.yml")):
        for task in _tasks(_read(path)):
            names += [task["register"]] if "register" in task else []
            names += task.get("ansible.builtin.set_fact", {})
    assert not [name for name in names if not name.startswith(f"__{role}") and name != f"{role}_state"]


def _tasks(nodes: list[dict[str, Any]] | None) -> Iterator[dict[str, Any]]:
    """Yield tasks, those inside blocks too."""
    for node in nodes or []:
        yield node
        for part in ("block", "rescue", "always"):
            yield from _tasks(node.get(part))


@every_role
def test_every_option_is_described(role: str) -> None:
    assert not [name for name, option in _options(role).items() if not {"description", "type"} <= option.keys()]


@every_role
def test_meta(role: str) -> None:
    meta = _load(role, "meta/main.yml")
    assert meta["galaxy_info"]["license"] == "GPL-3.0-or-later"
    assert meta["galaxy_info"]["min_ansible_version"] == "2.19"
    assert meta["dependencies"] == []


@every_role
def test_the_first_task_refuses_unknown_variables(role: str) -> None:
    assert "mcp.aws.known_variables" in _load(role, "tasks/main.yml")[0]


@every_role
def test_readme_is_current(role: str) -> None:
    directory = CHECKOUT / "roles" / role
    assert (directory / "README.md").read_text() == render(directory), "call `make docs`"


@every_role
def test_scenario(role: str) -> None:
    directory = CHECKOUT / "molecule" / role
    assert (directory / "molecule.yml").is_file()
    assert list(directory.glob("test_*.py"))
