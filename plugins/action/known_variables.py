"""Action plugin: refuse variables that carry a role's prefix but are unknown to it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

# Internal to ansible-core, but nothing public tells a name that somebody wrote from one that a plugin brought.
from ansible._internal._datatag._tags import Origin
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.mcp.aws.plugins.module_utils.run.variables import options, unknown

FastLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
COLLECTION_ROLES = Path(__file__).resolve().parents[2] / "roles"


def read_options(role: Path) -> dict[str, dict[str, Any]]:
    """Return the options of a role by name, given its directory."""
    specs = role / "meta" / "argument_specs.yml"
    try:
        content = FastLoader(specs.read_bytes()).get_single_data()
    except OSError as error:
        raise AnsibleActionFail(f"Role `{role.name}` has no readable {specs}: {error.strerror}.") from error
    return options(content or {})


def written(task_vars: Mapping[str, Any], extra_vars: Mapping[str, Any]) -> dict[str, str]:
    """Map each variable that a person wrote to where it was written.

    Names out of YAML and INI files and `-e name=value` carry their origin as a tag; names from inventory plugins
    (`instance_id` of aws_ec2) and facts carry none. Extra variables in JSON carry none either, so they are asked for.
    """
    origins = ((str(name), Origin.get_tag(name)) for name in task_vars)
    places = {name: place(origin.path, origin.line_num) for name, origin in origins if origin and origin.path}
    return places | dict.fromkeys(map(str, extra_vars), "extra variable")


def place(path: str, line: int | None) -> str:
    """Return `path:line`, the path relative to the working directory where it lies below it."""
    below = os.path.relpath(path)
    return f"{path if below.startswith('..') else below}:{line or 1}"


class ActionModule(ActionBase):
    """Compare the variables that people wrote with the argument specs of roles."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Fail when a variable begins with a role's name and is none of its options."""
        result = super().run(tmp, task_vars)
        _spec, args = self.validate_argument_spec(
            {"roles": {"type": "list", "elements": "str"}, "others": {"type": "dict", "default": {}}}
        )
        directory = self._roles_directory()
        roles = sorted(entry.name for entry in directory.iterdir() if (entry / "meta").is_dir())
        specs = {role: read_options(directory / role) for role in self._wanted(args["roles"], roles)}
        known = {role: frozenset(names) for role, names in specs.items()}
        listed = {role: f"roles/{role}/README.md" for role in known}
        for owner, names in args["others"].items():
            known[owner], listed[owner] = frozenset(names), ", ".join(names)

        places = written(task_vars or {}, self._task.get_variable_manager().extra_vars)
        found = unknown(places, known, roles)
        result.update(changed=False, unknown=[asdict(each) for each in found])
        if found:
            lines = [each.explain(places[each.name], listed[each.owner]) for each in found]
            return result | {"failed": True, "msg": "\n".join(lines)}
        # Roles that a play imports show it their defaults.
        result["places"] = {name: at for name, at in places.items() if "/defaults/main.yml:" not in at}
        every = {name: option for options in specs.values() for name, option in options.items()}
        return result | {"options": {name: every[name] for name in result["places"] if name in every}}

    def _roles_directory(self) -> Path:
        """Return the directory that the current role lies in, else this collection's."""
        return Path(self._task._role._role_path).parent if self._task._role else COLLECTION_ROLES

    def _wanted(self, asked: list[str] | None, roles: list[str]) -> list[str]:
        """Return the names of the roles to check."""
        if asked == ["all"]:
            return roles
        if asked:
            strangers = sorted(set(asked) - set(roles))
            if strangers:
                raise AnsibleActionFail(f"No such role: {', '.join(strangers)}. Roles are {', '.join(roles)}.")
            return asked
        if self._task._role:
            return [Path(self._task._role._role_path).name]
        raise AnsibleActionFail("Outside a role, say which ones to check: `roles: all` or a list of names.")
