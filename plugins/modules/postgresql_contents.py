#!/usr/bin/python
"""Makes users, databases, extensions and privileges of a PostgreSQL cluster."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils import postgresql
from ansible_collections.mcp.aws.plugins.module_utils.postgresql import identifier

DOCUMENTATION = r"""
module: postgresql_contents
short_description: Make users, databases, extensions and privileges
version_added: 0.3.0
description:
  - Brings what a cluster holds to what four lists say, in two questions to the server where nothing differs.
  - Sends SCRAM verifiers, never passwords, so that neither a log nor another process sees one.
  - Takes away nothing that the lists do not name, except a named user's further attributes.
  - Needs C(psql) on the host, and root, who may become C(postgres).
options:
  port: {type: int, default: 5432, description: Port of the server.}
  users:
    description: Users.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {type: str, required: true, description: Name of the user.}
      password: {type: str, description: Password in clear.}
      flags: {type: list, elements: str, default: [], description: Attributes such as C(CREATEDB) or C(NOLOGIN).}
      groups: {type: list, elements: str, default: [], description: Roles to be a member of.}
  databases:
    description: Databases.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {type: str, required: true, description: Name of the database.}
      owner: {type: str, description: Its owner.}
      extensions: {type: list, elements: str, default: [], description: Extensions to create in it.}
  privileges:
    description: Privileges, which are compared by their effect on the catalogs.
    type: list
    elements: dict
    default: []
    suboptions:
      database: {type: str, required: true, description: Database that holds the objects.}
      roles: {type: str, required: true, description: "Who gets them, separated by commas; C(PUBLIC) is everybody."}
      type:
        description: Kind of object.
        type: str
        required: true
        choices: [database, default_privs, function, schema, sequence, table]
      objs: {type: str, required: true, description: "Objects, separated by commas, or C(ALL_IN_SCHEMA)."}
      schema: {type: str, default: public, description: Schema of the objects.}
      privs: {type: str, required: true, description: Privileges, separated by commas.}
      target_roles: {type: str, description: Whose future objects V(default_privs) are about.}
      state: {type: str, choices: [present, absent], default: present, description: Whether to grant or to revoke.}
attributes:
  check_mode: {support: full, description: Says what would be done; privileges are tried and rolled back.}
  diff_mode: {support: none, description: The list of changes says it.}
author: [The mcp.aws maintainers (@mcp-aws)]
"""

EXAMPLES = r"""
- name: Make a database with its owner
  mcp.aws.postgresql_contents:
    users: [{name: app, password: "{{ app_password }}"}]
    databases: [{name: app, owner: app, extensions: [pg_stat_statements]}]
"""

RETURN = r"""
changes:
  description: What was done, without passwords.
  returned: always
  type: list
  elements: str
"""

ROLES = """SELECT json_object_agg(r.rolname, json_build_object(
    'super', rolsuper, 'createdb', rolcreatedb, 'createrole', rolcreaterole, 'inherit', rolinherit,
    'canlogin', rolcanlogin, 'replication', rolreplication, 'bypassrls', rolbypassrls, 'password', rolpassword,
    'groups', (SELECT coalesce(json_agg(g.rolname), '[]') FROM pg_auth_members m JOIN pg_authid g ON g.oid = m.roleid
               WHERE m.member = r.oid))) FROM pg_authid r"""
OWNERS = "SELECT coalesce(json_object_agg(datname, pg_get_userbyid(datdba)), '{}') FROM pg_database"
EXTENSIONS = "SELECT coalesce(json_agg(extname), '[]') FROM pg_extension"
# Every access list that a privilege can change.
ACCESS = """SELECT md5(coalesce(string_agg(line, '|' ORDER BY line), '')) FROM (
    SELECT 'c' || oid || relacl::text FROM pg_class UNION ALL
    SELECT 'n' || oid || nspacl::text FROM pg_namespace UNION ALL
    SELECT 'p' || oid || proacl::text FROM pg_proc UNION ALL
    SELECT 'd' || oid || datacl::text FROM pg_database UNION ALL
    SELECT 'f' || oid || defaclacl::text FROM pg_default_acl) AS lists (line)"""


class Contents:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module, self.params = module, module.params
        self.changes: list[str] = []
        self.made = False

    def ask(self, doing: str, *statements: str, database: str = "postgres") -> list[str]:
        """The lines of answer to statements, which come by standard input: other processes see a command line."""
        words = [postgresql.psql(), "-AtXq", "-v", "ON_ERROR_STOP=1", "-p", str(self.params["port"]), "-d", database]
        script = ";\n".join(statement.rstrip(";") for statement in statements) + ";\n"
        status, out, err = self.module.run_command(
            ["runuser", "-u", "postgres", "--", *words], data=script, cwd="/", environ_update={"LC_ALL": "C.UTF-8"}
        )
        if status != 0:
            first = next((line for line in err.splitlines() if "ERROR" in line or "error" in line), err.strip())
            self.module.fail_json(msg=f"Cannot {doing}: {first.split('ERROR:  ')[-1]}")
        return out.splitlines()

    def change(self, doing: str, *statements: str, database: str = "postgres") -> None:
        """Do something, and say so."""
        self.changes.append(doing)
        if not self.module.check_mode:
            self.ask(doing, *statements, database=database)

    def apply(self) -> None:
        """Do what is needed, and no more."""
        roles, owners = (json.loads(line) for line in self.ask("ask the server", flat(ROLES), OWNERS))
        for user in self.params["users"]:
            statements = postgresql.role_changes(user, roles.get(user["name"]), os.urandom(16))
            if statements:
                verb = "change" if user["name"] in roles else "make"
                self.change(f"{verb} the user {user['name']}", *statements)
                self.made |= user["name"] not in roles
        for database in self.params["databases"]:
            self.own(database, owners)
        named = [database["name"] for database in self.params["databases"]]
        for name in dict.fromkeys([*named, *(entry["database"] for entry in self.params["privileges"])]):
            self.fill(name, not self.module.check_mode or name in owners)
        self.module.exit_json(changed=bool(self.changes), changes=self.changes)

    def own(self, database: dict[str, Any], owners: dict[str, str]) -> None:
        """Make a database, or give it to its owner."""
        name, owner = database["name"], database["owner"]
        if name not in owners:
            by = f" OWNER {identifier(owner)}" if owner else ""
            self.change(f"make the database {name}", f"CREATE DATABASE {identifier(name)}{by}")
            self.made = True
        elif owner and owners[name] != owner:
            statement = f"ALTER DATABASE {identifier(name)} OWNER TO {identifier(owner)}"
            self.change(f"give the database {name} to {owner}", statement)

    def fill(self, name: str, there: bool) -> None:
        """Make the extensions of a database, and grant its privileges."""
        named = [database for database in self.params["databases"] if database["name"] == name]
        wanted = [extension for database in named for extension in database["extensions"]]
        grants = [postgresql.privilege(entry) for entry in self.params["privileges"] if entry["database"] == name]
        present = json.loads(self.ask(f"look into {name}", EXTENSIONS, database=name)[0]) if wanted and there else []
        for extension in wanted:
            if extension not in present:
                doing = f"create the extension {extension} in {name}"
                self.change(doing, f"CREATE EXTENSION {identifier(extension)}", database=name)
        if self.module.check_mode and self.made:
            self.changes += [f"{grant.rstrip(';')} in {name}" for grant in grants]
        elif grants:
            self.grant(name, grants)

    def grant(self, name: str, grants: list[str]) -> None:
        """Try all privileges and take them back; repeat those for good that changed an access list."""
        trials = [part for grant in grants for part in (grant, flat(ACCESS))]
        before, *answers = self.ask(f"grant in {name}", "BEGIN", flat(ACCESS), *trials, "ROLLBACK", database=name)
        for grant, after in zip(grants, answers, strict=True):
            if after != before:
                self.change(f"{grant.rstrip(';')} in {name}", grant, database=name)
            before = after


def flat(query: str) -> str:
    """A query on one line."""
    return " ".join(query.split())


def main() -> None:
    """Entry point."""
    text, needed = {"type": "str"}, {"type": "str", "required": True}
    words = {"type": "list", "elements": "str", "default": []}
    user = {"name": needed, "password": {"type": "str", "no_log": True}, "flags": words, "groups": words}
    privilege = {
        "database": needed,
        "roles": needed,
        "type": {
            "type": "str",
            "required": True,
            "choices": ["database", "default_privs", "function", "schema", "sequence", "table"],
        },
        "objs": needed,
        "schema": {"type": "str", "default": "public"},
        "privs": needed,
        "target_roles": text,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    lists = {"users": user, "databases": {"name": needed, "owner": text, "extensions": words}, "privileges": privilege}
    module = AnsibleModule(
        argument_spec={
            "port": {"type": "int", "default": 5432},
            **{
                name: {"type": "list", "elements": "dict", "default": [], "options": options}
                for name, options in lists.items()
            },
        },
        supports_check_mode=True,
    )
    try:
        Contents(module).apply()
    except ValueError as error:
        module.fail_json(msg=f"{error}.")


if __name__ == "__main__":
    main()
