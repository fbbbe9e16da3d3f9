"""PostgreSQL's words, written and read as pure functions: SQL, SCRAM verifiers, and why a configuration was refused."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import stringprep
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

# What a role is unless its flags say otherwise, by the columns of pg_roles without their `rol`.
ATTRIBUTES = {
    "super": ("SUPERUSER", False),
    "createdb": ("CREATEDB", False),
    "createrole": ("CREATEROLE", False),
    "inherit": ("INHERIT", True),
    "canlogin": ("LOGIN", True),
    "replication": ("REPLICATION", False),
    "bypassrls": ("BYPASSRLS", False),
}
IN_SCHEMA = {"table": "TABLES", "sequence": "SEQUENCES", "function": "FUNCTIONS"}
# What the server says in each log, whatever it refuses.
NOISE = (
    r"configuration file .* contains errors|could not load .*pg_hba|[Ll]og output|is shut down|without restarting"
    r"|^parameter .* (?:changed to|reset to default)"
)
NO_CHARACTERS = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,
)


def psql(folder: Path = Path("/usr/lib/postgresql")) -> str:
    """The newest psql, which talks to every older server; Debian's `psql` is a slower script that chooses one."""
    found = {
        int(path.parents[1].name): path for path in folder.glob("[1-9]*/bin/psql") if path.parents[1].name.isdigit()
    }
    return str(found[max(found)]) if found else "psql"


def literal(text: str) -> str:
    """A string constant; the server's `standard_conforming_strings` is on."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A quoted name."""
    return '"' + name.replace('"', '""') + '"'


def names(text: str) -> list[str]:
    """The names of a comma-separated list."""
    return [part.strip() for part in text.split(",") if part.strip()]


def prepared(password: str) -> str:
    """The password as SASLprep (RFC 4013) makes it, or as it is where SASLprep refuses it: so does the server."""
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in password if not stringprep.in_table_b1(char)
    )
    result = unicodedata.normalize("NFKC", mapped)
    if not result or any(refuses(char) for char in result for refuses in NO_CHARACTERS):
        return password
    if any(stringprep.in_table_d1(char) for char in result) and (
        any(stringprep.in_table_d2(char) for char in result)
        or not (stringprep.in_table_d1(result[0]) and stringprep.in_table_d1(result[-1]))
    ):
        return password
    return result


def verifier(password: str, salt: bytes, iterations: int = 4096) -> str:
    """What the server keeps of a password: `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` (RFC 5803)."""
    salted = hashlib.pbkdf2_hmac("sha256", prepared(password).encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{parts[0]}${parts[1]}:{parts[2]}"


def is_password(password: str, kept: str) -> bool:
    """Whether the server's verifier is one of this password."""
    found = re.fullmatch(r"SCRAM-SHA-256\$(\d+):([^$]+)\$[^:]+:.+", kept)
    if not found:
        return False
    return hmac.compare_digest(verifier(password, base64.b64decode(found[2]), int(found[1])), kept)


def attributes(flags: Iterable[str]) -> dict[str, bool]:
    """The attributes that a role's flags ask for.

    :raises ValueError: for a flag that is none.
    """
    wanted = {column: usual for column, (_, usual) in ATTRIBUTES.items()}
    columns = {word: column for column, (word, _) in ATTRIBUTES.items()}
    for flag in flags:
        word = flag.upper()
        if word.removeprefix("NO") not in columns:
            raise ValueError(
                f"{flag} is no flag of a user; there are {', '.join(columns)}, each also with NO before it"
            )
        wanted[columns[word.removeprefix("NO")]] = not word.startswith("NO")
    return wanted


def role_changes(user: Mapping[str, Any], kept: Mapping[str, Any] | None, salt: bytes) -> list[str]:
    """The statements that make a role as `user` wants it, from the row of pg_authid that there is."""
    name, changes = identifier(user["name"]), []
    before = kept or {}
    if kept is None:
        changes.append(f"CREATE ROLE {name};")
    # The cluster's first user is a superuser for good.
    wanted = {} if user["name"] == "postgres" else attributes(user["flags"])
    words = [("" if on else "NO") + ATTRIBUTES[column][0] for column, on in wanted.items() if before.get(column) != on]
    if user["password"] and not is_password(user["password"], before.get("password") or ""):
        words.append(f"PASSWORD {literal(verifier(user['password'], salt))}")
    if words:
        changes.append(f"ALTER ROLE {name} {' '.join(words)};")
    changes += [
        f"GRANT {identifier(group)} TO {name};" for group in user["groups"] if group not in before.get("groups", [])
    ]
    return changes


def privilege(entry: Mapping[str, Any]) -> str:
    """The statement that grants or revokes one entry of the privileges.

    :raises ValueError: when the entry lacks what its type needs, or names what is no privilege.
    """
    kind, objects, schema = entry["type"], names(entry["objs"] or ""), entry["schema"] or "public"
    if not re.fullmatch(r"[A-Za-z ,]+", entry["privs"]):
        raise ValueError(f"{entry['privs']} is no privilege")
    if not objects:
        raise ValueError(f"{entry['privs']} on {kind} names no objs")
    if kind == "default_privs":
        on = objects[0]
    elif objects == ["ALL_IN_SCHEMA"] and kind in IN_SCHEMA:
        on = f"ALL {IN_SCHEMA[kind]} IN SCHEMA {identifier(schema)}"
    elif kind in ("database", "schema"):
        on = f"{kind.upper()} {', '.join(identifier(name) for name in objects)}"
    elif kind == "function":
        raise ValueError("privileges on functions are given for ALL_IN_SCHEMA")
    else:
        on = f"{kind.upper()} {', '.join(f'{identifier(schema)}.{identifier(name)}' for name in objects)}"
    who = ", ".join("PUBLIC" if name == "PUBLIC" else identifier(name) for name in names(entry["roles"]))
    absent = entry["state"] == "absent"
    statement = (
        f"{'REVOKE' if absent else 'GRANT'} {entry['privs'].upper()} ON {on} {'FROM' if absent else 'TO'} {who};"
    )
    if kind != "default_privs":
        return statement
    if on not in (*IN_SCHEMA.values(), "TYPES"):
        raise ValueError(f"default_privs have objs of TABLES, SEQUENCES, FUNCTIONS or TYPES, not {on}")
    makers = names(entry["target_roles"] or "")
    by = f" FOR ROLE {', '.join(identifier(name) for name in makers)}" if makers else ""
    return f"ALTER DEFAULT PRIVILEGES{by} IN SCHEMA {identifier(schema)} {statement}"


def reason(log: str) -> str:
    """Why the server refused a configuration, from the lines it wrote about it."""
    said = [(level, text) for level, text in re.findall(r"\b([A-Z]+):  (.*)", log) if not re.search(NOISE, text)]
    grave = [text for level, text in said if level in ("ERROR", "FATAL", "PANIC")]
    following = [*(level for level, _ in said), ""][1:]
    faults = [
        text
        for (level, text), after in zip(said, following, strict=True)
        if level == "LOG" and (after in ("CONTEXT", "HINT") or re.search(r"parameter|syntax error|invalid", text))
    ]
    more = [text for level, text in said if level in ("CONTEXT", "HINT")]
    return "; ".join(dict.fromkeys([*faults, *grave, *more])).rstrip(".") or "it gave no reason"


def settings(text: str) -> dict[str, str]:
    """The settings of a configuration file, as they are written."""
    return dict(re.findall(r"^(\w[\w.]*) = (.*)$", text, re.MULTILINE))
