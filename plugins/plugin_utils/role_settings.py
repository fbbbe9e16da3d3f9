"""The variables of a role as a play would see them, without applying the role."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError, AnsibleUndefinedVariable
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.mcp.aws.plugins.action.known_variables import FastLoader
from ansible_collections.mcp.aws.plugins.module_utils.run.variables import options as names_of
from ansible_collections.mcp.aws.plugins.module_utils.settings import checked, ownerless


@dataclass(frozen=True)
class Role:
    """The files of a role that speak of variables."""

    name: str
    names: frozenset[str]
    options: dict[str, dict[str, Any]]
    defaults: dict[str, Any]
    private: dict[str, Any]

    @classmethod
    def read(cls, folder: Path, loader: DataLoader) -> Role:
        """Read a role, given its folder."""

        def content(path: str) -> dict[str, Any]:
            file = folder / path
            return (loader.load_from_file(str(file), trusted_as_template=True) or {}) if file.is_file() else {}

        # Specs are no templates: the plain parser reads them several times as fast.
        specs = FastLoader((folder / "meta" / "argument_specs.yml").read_bytes()).get_single_data()
        options = specs.get("argument_specs", {}).get("main", {}).get("options") or {}
        return cls(folder.name, names_of(specs), options, content("defaults/main.yml"), content("vars/main.yml"))


@dataclass
class Settings:
    """Values that were worked out, and what is wrong with them."""

    templar: Templar
    variables: dict[str, Any]
    places: Mapping[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def value(self, name: str) -> Any:
        """Return a variable's value; an error of Ansible when it cannot be worked out."""
        return self.templar.template(self.variables[name])

    def examine(self, role: Role, *, whole: bool) -> None:
        """Work out a role's options and let its own rules judge them.

        A default that cannot be worked out yet gets its value in the course of a run, from another role.

        :param whole: the role is applied on this machine; what another's templates need may be known to its host alone.
        """
        wrongs: list[str] = []
        for name, option in role.options.items():
            if name not in self.variables or not (whole or name in self.places or self._plain(name)):
                continue
            try:
                value, wrong = checked(name, self.value(name), option, role.name)
            except AnsibleError as error:
                unknown_yet = isinstance(error, AnsibleUndefinedVariable) and not whole
                if name in self.places and not unknown_yet:
                    self.problems.append(f"{name} cannot be worked out: {brief(error)}. Correct it.")
                continue
            wrongs += [*wrong, *(ownerless(name, value) if whole else [])]
            # Nothing asks AWS about dictionaries, and they may hold credentials.
            if not wrong and not option.get("no_log") and not isinstance(value, dict):
                self.values[name] = value
        self.problems += wrongs
        if whole and f"__{role.name}_problems" in role.private:
            self._judge(role, blind=bool(wrongs))

    def _plain(self, name: str) -> bool:
        return not self.templar.is_template(self.variables[name])

    def _judge(self, role: Role, *, blind: bool) -> None:
        """Let a role's rules judge; over values of the wrong type they may stumble, and those were told."""
        try:
            self.problems += self.value(f"__{role.name}_problems")
        except AnsibleError as error:
            if not blind:
                self.problems.append(f"The rules of the role {role.name} cannot judge its settings: {brief(error)}.")


def brief(error: AnsibleError) -> str:
    """Return the cause in the last words of an error of Ansible."""
    return str(error.__cause__ or error).strip().splitlines()[-1].rstrip(".")
