"""What a PostgreSQL cluster holds, as names and short values, and what differs between two clusters."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Mapping

TOLD = 20  # differences that a failure names; more of them say nothing more

DATABASES = "SELECT json_agg(datname ORDER BY datname) FROM pg_database WHERE datallowconn"

# Each statement answers lines of JSON with `name` and `value`, and says the same in every version since 10.
CLUSTER = r"""
SELECT json_build_object('name', 'role ' || rolname, 'value', md5(concat_ws('|', rolsuper, rolinherit, rolcreaterole,
  rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit, rolpassword, rolvaliduntil)))
FROM pg_authid WHERE rolname !~ '^pg_';
SELECT json_build_object('name', concat('membership of ', m.rolname, ' in ', r.rolname),
  'value', bool_or(a.admin_option))
FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles r ON r.oid = a.roleid
WHERE m.rolname !~ '^pg_' GROUP BY m.rolname, r.rolname;
SELECT json_build_object('name', 'database ' || datname, 'value', concat_ws(' ', pg_get_userbyid(datdba),
  pg_encoding_to_char(encoding), datcollate, datctype, datconnlimit, datistemplate)) FROM pg_database;
SELECT json_build_object('name', concat('settings of ', coalesce(r.rolname, 'every role'), ' in ',
  coalesce(d.datname, 'every database')), 'value', md5(s.setconfig::text))
FROM pg_db_role_setting s
LEFT JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole;
"""

# Not compared: what belongs to the system or to an extension, as it comes with the version; and the rows of
# materialized views, which a restore computes anew.
OWN = """NOT EXISTS (SELECT FROM pg_namespace n WHERE n.oid = {schema}
    AND (n.nspname ~ '^pg_' OR n.nspname = 'information_schema'))
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '{catalog}'::regclass AND d.objid = {oid}
    AND d.deptype IN ('e', 'i'))"""
RELATION = OWN.format(catalog="pg_class", oid="c.oid", schema="c.relnamespace")
FUNCTION = OWN.format(catalog="pg_proc", oid="p.oid", schema="p.pronamespace")

# A sequence depends internally on its identity column, and is the user's all the same.
SEQUENCE = RELATION.replace("('e', 'i')", "('e')")

# The order of rows differs between clusters: the value of a table is a sum over its rows.
DATABASE = rf"""
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL search_path = pg_catalog;
SET LOCAL datestyle = 'ISO, MDY';
SET LOCAL timezone = 'UTC';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 1;
SET LOCAL row_security = off;
SELECT format($f$SELECT json_build_object('name', %L, 'value', concat(count(*), ' rows, sum ',
  coalesce(sum(('x' || left(md5(row(r.*)::text), 15))::bit(60)::bigint), 0))) FROM ONLY %s AS r$f$,
  'table ' || c.oid::regclass, c.oid::regclass)
FROM pg_class c WHERE relkind = 'r' AND {RELATION}
\gexec
SELECT format($f$SELECT json_build_object('name', %L, 'value', concat(last_value, ' ', is_called)) FROM %s$f$,
  'sequence ' || c.oid::regclass, c.oid::regclass)
FROM pg_class c WHERE relkind = 'S' AND {SEQUENCE}
\gexec
SELECT json_build_object('name', concat('relations of kind ', relkind), 'value', count(*))
FROM pg_class c WHERE relkind IN ('v', 'm', 'p', 'f', 'c') AND {RELATION} GROUP BY relkind;
SELECT json_build_object('name', 'indexes', 'value', count(*))
FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid AND x.indisvalid AND {RELATION};
SELECT json_build_object('name', 'functions', 'value', count(*)) FROM pg_proc p WHERE {FUNCTION};
SELECT json_build_object('name', 'triggers', 'value', count(*))
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid AND NOT t.tgisinternal AND {RELATION};
SELECT json_build_object('name', 'large objects', 'value', count(*)) FROM pg_largeobject_metadata;
SELECT json_build_object('name', 'extension ' || extname, 'value', 'there') FROM pg_extension;
COMMIT;
"""  # noqa: S608 - all of it stands above


def conninfo(database: str) -> str:
    """Name a database so that no character in its name is read as anything else."""
    escaped = database.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{escaped}'"


def databases(output: str) -> list[str]:
    """Read the names that DATABASES answers; JSON, as a name may hold a line's end."""
    return [str(name) for name in json.loads(output)]


def read(output: str, place: str = "") -> dict[str, str]:
    """Turn the lines of JSON into values by name, the name of the database before each."""
    lines = (json.loads(line) for line in output.split("\n") if line.startswith("{"))
    return {f"{place}{line['name']}": str(line["value"]) for line in lines}


def differences(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Say in one line each what is not as it was."""
    names = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
    lines = [f"{name}: {expected.get(name, 'not there')}, then {found.get(name, 'not there')}" for name in names[:TOLD]]
    return lines + ([f"and {len(names) - TOLD} more"] if len(names) > TOLD else [])
