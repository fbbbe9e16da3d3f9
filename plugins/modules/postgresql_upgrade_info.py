#!/usr/bin/python
"""Ansible module: look at what a major upgrade of PostgreSQL would meet."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_upgrade_info
short_description: Look at what a major upgrade of PostgreSQL would meet
version_added: 0.1.0
description:
  - Tells which version serves, which step comes next, and everything that stands in the way with its remedy.
  - Works on Debian's clusters, those of postgresql-common. Changes nothing.
options:
  to: {type: int, default: 0, description: "The wanted major version, V(0) when none is."}
  port: {type: int, default: 5432, description: Port of the cluster in use.}
  packages: {type: list, elements: str, default: [], description: Packages of the wanted version.}
  new_repository: {type: bool, default: false, description: Whether a repository will be added for the packages.}
  state_file: {type: path, required: true, description: Where the role keeps what earlier runs came to.}
  backup_folder: {type: path, required: true, description: Where dumps go.}
  units: {type: list, elements: str, default: [], description: Units that use the database.}
  ready_url: {type: str, default: "", description: "Page that answers 200 when they can work, or nothing."}
attributes:
  check_mode: {support: full, description: It changes nothing.}
  diff_mode: {support: none, description: There is nothing to change.}
author: [The mcp.aws maintainers (@mcp-aws)]
"""

EXAMPLES = r"""
- name: Look at the clusters
  mcp.aws.postgresql_upgrade_info:
    to: 15
    state_file: /var/backups/postgresql/upgrade.json
    backup_folder: /var/backups/postgresql
"""

RETURN = r"""
from:
  description: The version that serves, 0 when none does.
  returned: always
  type: int
step:
  description: V(upgrade), V(again), V(forward) or V(nothing).
  returned: always
  type: str
state:
  description: What earlier runs came to.
  returned: always
  type: dict
problems:
  description: What stands in the way, one sentence each.
  returned: always
  type: list
  elements: str
databases:
  description: The databases with C(oid), C(name), C(bytes) and C(conninfo), which names it to every client program.
  returned: always
  type: list
  elements: dict
units:
  description: Those of O(units) that run.
  returned: always
  type: list
  elements: str
missing:
  description: Those of O(packages) that are not installed.
  returned: always
  type: list
  elements: str
locale:
  description: C(encoding), C(collate) and C(ctype) of new databases.
  returned: when a version serves
  type: dict
"""

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils import apt
from ansible_collections.mcp.aws.plugins.module_utils import postgresql_upgrade as upgrade

DATABASES = """SELECT coalesce(json_agg(json_build_object('oid', oid, 'name', datname, 'open', datallowconn,
  'bytes', pg_database_size(oid)) ORDER BY oid), '[]') FROM pg_database WHERE datname <> 'template0'"""
CLUSTER = """SELECT json_build_object(
  'locale', (SELECT json_build_object('encoding', pg_encoding_to_char(encoding), 'collate', datcollate,
             'ctype', datctype) FROM pg_database WHERE datname = 'template0'),
  'prepared', array(SELECT gid FROM pg_prepared_xacts ORDER BY 1),
  'tablespaces', array(SELECT spcname FROM pg_tablespace WHERE spcname !~ '^pg_' ORDER BY 1),
  'replication', array(SELECT 'slot ' || slot_name FROM pg_replication_slots
                       UNION ALL SELECT 'subscription ' || subname FROM pg_subscription
                       UNION ALL SELECT 'standby ' || coalesce(application_name, '') FROM pg_stat_replication))"""


class Look:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params = module.params

    def psql(self, query: str, database: str = "postgres") -> str:
        """Return the answer of the cluster in use."""
        words = ["psql", "-AtXqw", "-p", str(self.params["port"]), "-d", upgrade.conninfo(database), "-c", query]
        status, out, err = self.module.run_command(["runuser", "-u", "postgres", "--", *words], cwd="/")
        if status != 0:
            self.module.fail_json(msg=f"Cannot ask database {database}: {err.strip()}")
        return str(out).strip()

    def clusters(self) -> list[dict[str, Any]]:
        """Return what pg_lsclusters tells."""
        if not Path("/usr/bin/pg_lsclusters").exists():
            return []
        return list(json.loads(self.module.run_command(["pg_lsclusters", "--json"], check_rc=True)[1] or "[]"))

    def state(self) -> dict[str, Any]:
        """Return what earlier runs left."""
        path = Path(self.params["state_file"])
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def missing(self) -> list[str]:
        """Return the packages that are not installed."""
        if not self.params["packages"]:
            return []
        query = ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}|${Package}|${Version}\n"]
        _, out, _ = self.module.run_command([*query, *self.params["packages"]])
        return apt.missing(self.params["packages"], out)

    def has_no_candidate(self, package: str) -> bool:
        """Whether no repository of the host has a package."""
        _, out, _ = self.module.run_command(["apt-cache", "policy", package])
        return "Candidate:" not in out or "Candidate: (none)" in out

    def places(self, old: int) -> list[dict[str, Any]]:
        """Return the file systems that have to take a copy of the data."""
        result = []
        for wanted in (f"/var/lib/postgresql/{old}", self.params["backup_folder"]):
            path = Path(wanted)
            while not path.exists():
                path = path.parent
            room = os.statvfs(path)
            result.append({"path": wanted, "device": path.stat().st_dev, "free": room.f_bavail * room.f_frsize})
        return result

    def refused(self, old: int, new: int) -> str:
        """Return the first thing in the settings of today that the new version, once installed, does not take."""
        postgres = f"/usr/lib/postgresql/{new}/bin/postgres"
        for settings in sorted(Path(f"/etc/postgresql/{old}/main/conf.d").glob("*.conf")) if old else []:
            words = [postgres, "-C", "max_connections", "-D", "/var/lib/postgresql", "-c", f"config_file={settings}"]
            status, _, err = self.module.run_command(["runuser", "-u", "postgres", "--", *words], cwd="/")
            if status != 0:
                return next((line for line in err.splitlines() if "skipping missing" not in line), "no reason given")
        return ""

    def facts(self) -> dict[str, Any]:
        """Return all that is known before the running cluster is asked."""
        clusters, to = self.clusters(), self.params["to"]
        missing = self.missing()
        unknown = [] if self.params["new_repository"] else [name for name in missing if self.has_no_candidate(name)]
        running = upgrade.serving(clusters, self.params["port"])
        return {
            **{name: [] for name in ("prepared", "tablespaces", "replication", "closed", "available", "places")},
            "extensions": {},
            "from": running,
            "to": to,
            "port": self.params["port"],
            "state": self.state(),
            "target_exists": upgrade.exists(clusters, to),
            "missing": unknown,
            "installed": not missing,
            "bytes": 0,
            "not_ready": "",
            "refused": "",
        }

    def ask(self, facts: dict[str, Any]) -> list[dict[str, Any]]:
        """Add what the running cluster says, and return its databases."""
        databases: list[dict[str, Any]] = json.loads(self.psql(DATABASES))
        facts |= json.loads(self.psql(CLUSTER))
        facts["closed"] = [each["name"] for each in databases if not each["open"]]
        facts["bytes"] = sum(each["bytes"] for each in databases)
        facts["places"] = self.places(facts["from"])
        if facts["installed"] and facts["to"] > facts["from"]:
            folder = Path(f"/usr/share/postgresql/{facts['to']}/extension")
            facts["available"] = [path.stem for path in folder.glob("*.control")]
            names = "SELECT extname FROM pg_extension ORDER BY 1"
            facts["extensions"] = {
                each["name"]: self.psql(names, each["name"]).split("\n") for each in databases if each["open"]
            }
            facts["refused"] = self.refused(facts["from"], facts["to"])
        return [{**each, "conninfo": upgrade.conninfo(each["name"])} for each in databases]

    def not_ready(self) -> str:
        """Return what is wrong with the page of the application."""
        try:
            with urllib.request.urlopen(self.params["ready_url"], timeout=10):  # noqa: S310 - the operator's own
                return ""
        except (OSError, ValueError) as error:
            return f"{self.params['ready_url']}: {error}"

    def tell(self) -> None:
        """Look, judge, and end."""
        facts = self.facts()
        active = [unit for unit in self.params["units"] if self.is_active(unit)]
        step = upgrade.next_step(facts["state"], facts["from"], facts["to"])
        # An upgrade that was cut off may have left the server where nobody can ask it.
        databases = self.ask(facts) if step == "upgrade" and facts["from"] not in (0, facts["to"]) else []
        if step == "upgrade" and active and self.params["ready_url"]:
            facts["not_ready"] = self.not_ready()
        self.module.exit_json(
            changed=False,
            **{"from": facts["from"]},
            step=step,
            state=facts["state"],
            problems=[] if step == "nothing" else upgrade.standing_in_the_way(facts),
            databases=databases,
            bytes=facts["bytes"],
            units=active,
            missing=self.missing(),
            locale=facts.get("locale", {}),
        )

    def is_active(self, unit: str) -> bool:
        """Whether a unit runs or is about to."""
        _, out, _ = self.module.run_command(["systemctl", "show", "-p", "ActiveState", "--value", unit])
        return out.strip() in ("active", "activating", "reloading")


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "to": {"type": "int", "default": 0},
            "port": {"type": "int", "default": 5432},
            "packages": {"type": "list", "elements": "str", "default": []},
            "new_repository": {"type": "bool", "default": False},
            "state_file": {"type": "path", "required": True},
            "backup_folder": {"type": "path", "required": True},
            "units": {"type": "list", "elements": "str", "default": []},
            "ready_url": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    Look(module).tell()


if __name__ == "__main__":
    main()
