#!/usr/bin/python
"""Ansible module: tell what a PostgreSQL cluster holds, and compare it with what another one held."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_fingerprint_info
short_description: Tell what a PostgreSQL cluster holds, and compare it
version_added: 0.1.0
description:
  - Reads every row of every table. Tells rows and a checksum of each table, the position of each sequence, the
    extensions, how many functions, indexes, views and triggers there are, and roles with their verifiers as a checksum.
  - Works as the system user C(postgres) over a Unix socket, and changes nothing.
  - C(community.postgresql) reads neither rows nor large objects, and compares no two clusters.
options:
  bin: {type: path, required: true, description: Folder of the client programs.}
  socket: {type: path, required: true, description: Folder of the server's socket.}
  port: {type: int, default: 5432, description: Port of the server.}
  expected:
    description: What another cluster held, as RV(fingerprint) told it. The module fails when this one differs.
    type: dict
attributes:
  check_mode: {support: full, description: It changes nothing.}
  diff_mode: {support: none, description: There is nothing to change.}
author: [The mcp.aws maintainers (@mcp-aws)]
"""

EXAMPLES = r"""
- name: Look at the restored cluster
  mcp.aws.postgresql_fingerprint_info:
    bin: /usr/lib/postgresql/15/bin
    socket: /run/postgresql
    expected: "{{ before.fingerprint }}"
"""

RETURN = r"""
fingerprint:
  description: A short value of everything by its name.
  returned: always
  type: dict
  sample: {"app: table public.t": "1000 rows, sum 5766", "role app": "9a0364b9e99bb480dd25e1f0284c8555"}
tables:
  description: How many tables were read.
  returned: always
  type: int
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils.postgresql import fingerprint


def ask(module: AnsibleModule, database: str, statements: str) -> str:
    """Return what the server answers; the first error ends the module."""
    params = module.params
    psql = [f"{params['bin']}/psql", "-AtXqw", "-v", "ON_ERROR_STOP=1", "-h", params["socket"], "-p", params["port"]]
    command = ["runuser", "-u", "postgres", "--", *map(str, psql), "-d", fingerprint.conninfo(database)]
    status, out, err = module.run_command(command, data=statements, cwd="/")
    if status != 0:
        module.fail_json(msg=f"Cannot read database {database}: {err.strip()}")
    return str(out)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "bin": {"type": "path", "required": True},
            "socket": {"type": "path", "required": True},
            "port": {"type": "int", "default": 5432},
            "expected": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    found = fingerprint.read(ask(module, "postgres", fingerprint.CLUSTER))
    for database in fingerprint.databases(ask(module, "postgres", fingerprint.DATABASES)):
        found |= fingerprint.read(ask(module, database, fingerprint.DATABASE), f"{database}: ")
    expected = module.params["expected"]
    if expected is not None and (lines := fingerprint.differences(expected, found)):
        module.fail_json(msg="The cluster does not hold what it should: " + "; ".join(lines), fingerprint=found)
    tables = sum(": table " in name for name in found)
    module.exit_json(changed=False, fingerprint=found, tables=tables)


if __name__ == "__main__":
    main()
