"""Action plugin: judge every setting of a deployment at once, before a role is applied."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.mcp.aws.plugins.action.known_variables import COLLECTION_ROLES, written
from ansible_collections.mcp.aws.plugins.module_utils import agreement, settings
from ansible_collections.mcp.aws.plugins.module_utils.run.variables import unknown
from ansible_collections.mcp.aws.plugins.plugin_utils.role_settings import Role, Settings


class ActionModule(ActionBase):
    """Read the roles' variables on the control node; nothing is sent anywhere."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the settings with their problems; fail only without what everything else follows from."""
        result = super().run(tmp, task_vars)
        _spec, args = self.validate_argument_spec(
            {
                "roles": {"type": "list", "elements": "str", "required": True},
                "others": {"type": "dict", "default": {}},
            }
        )
        roles = self._read(args["roles"])
        places = written(task_vars or {}, self._task.get_variable_manager().extra_vars)
        found = self._settings(roles, task_vars or {}, places)
        found.problems = self._unknown(roles, args["others"], places)
        foundation = self._foundation(found)
        wrong = settings.foundation(foundation)
        if wrong:
            result.update(failed=True, msg=settings.numbered([*found.problems, *wrong], places))
            return result
        found.problems += settings.two_regions(foundation)
        for role in roles:
            found.examine(role, whole=role.name in args["roles"])
        found.problems += agreement.disagreements(found.values)
        mine = {*settings.FOUNDATION}.union(*(role.names for role in roles if role.name in args["roles"]))
        # About what is wrong by itself AWS need not be asked.
        mine -= {problem.partition(" ")[0] for problem in found.problems} - set(settings.FOUNDATION)
        told = {name: value for name, value in found.values.items() if name in mine}
        result.update(changed=False, problems=found.problems, settings=told, places=places)
        return result

    def _read(self, wanted: list[str]) -> list[Role]:
        """Read the collection's roles, among which the wanted ones must be."""
        folders = [folder for folder in sorted(COLLECTION_ROLES.iterdir()) if (folder / "meta").is_dir()]
        strangers = sorted(set(wanted) - {folder.name for folder in folders})
        if strangers:
            raise AnsibleActionFail(f"No such role: {', '.join(strangers)}.")
        return [Role.read(folder, self._loader) for folder in folders]

    def _settings(self, roles: list[Role], task_vars: dict[str, Any], places: dict[str, str]) -> Settings:
        """Lay defaults below, and what roles keep to themselves above, what the play sees."""
        variables: dict[str, Any] = {}
        for layer in ([role.defaults for role in roles], [task_vars], [role.private for role in roles]):
            for part in layer:
                variables |= part
        return Settings(self._templar.copy_with_new_env(available_variables=variables), variables, places)

    @staticmethod
    def _unknown(roles: list[Role], others: dict[str, list[str]], places: dict[str, str]) -> list[str]:
        known = {role.name: role.names for role in roles}
        listed = {role.name: f"roles/{role.name}/README.md" for role in roles}
        for owner, names in others.items():
            known[owner], listed[owner] = frozenset(names), ", ".join(names)
        strangers = unknown(places, known, [role.name for role in roles])
        return [each.explain(places[each.name], listed[each.owner]) for each in strangers]

    @staticmethod
    def _foundation(found: Settings) -> dict[str, Any]:
        values = {}
        for name in settings.FOUNDATION:
            try:
                values[name] = found.value(name)
            except (AnsibleError, KeyError):  # what is missing is told as such
                continue
        found.values |= {name: values[name] for name in ("mcp_name", "mcp_region", "mcp_tags") if name in values}
        return values
