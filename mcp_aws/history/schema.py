"""The tables of the history, and how an older file comes to them."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sqlite3

# One entry a version: a file that has seen the first n of them gets the rest.
STEPS = (
    """
    CREATE TABLE run (
        ident TEXT PRIMARY KEY, verb TEXT NOT NULL, checked INTEGER NOT NULL, status TEXT NOT NULL, ok INTEGER NOT NULL,
        started TEXT NOT NULL, duration REAL NOT NULL, changed INTEGER NOT NULL, hosts INTEGER NOT NULL,
        user TEXT NOT NULL, summary TEXT NOT NULL, artifacts TEXT NOT NULL
    );
    CREATE INDEX run_started ON run (started);
    CREATE TABLE task (
        ident TEXT NOT NULL REFERENCES run ON DELETE CASCADE, number INTEGER NOT NULL, key TEXT NOT NULL,
        path TEXT NOT NULL, seconds REAL NOT NULL, hosts INTEGER NOT NULL, changed INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        PRIMARY KEY (ident, number)
    ) WITHOUT ROWID;
    CREATE INDEX task_key ON task (key);
    CREATE TABLE change (
        ident TEXT NOT NULL REFERENCES run ON DELETE CASCADE, number INTEGER NOT NULL, host TEXT NOT NULL,
        role TEXT NOT NULL, task TEXT NOT NULL, item TEXT NOT NULL, PRIMARY KEY (ident, number)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE failure (
        ident TEXT NOT NULL REFERENCES run ON DELETE CASCADE, number INTEGER NOT NULL, host TEXT NOT NULL,
        task TEXT NOT NULL, message TEXT NOT NULL, file TEXT NOT NULL, line INTEGER NOT NULL,
        PRIMARY KEY (ident, number)
    ) WITHOUT ROWID;
    CREATE TABLE red (
        ident TEXT NOT NULL REFERENCES run ON DELETE CASCADE, number INTEGER NOT NULL, host TEXT NOT NULL,
        id TEXT NOT NULL, measured TEXT NOT NULL, most TEXT NOT NULL, PRIMARY KEY (ident, number)
    ) WITHOUT ROWID;
    """,
)


def prepare(database: sqlite3.Connection) -> None:
    """Bring a file to the newest version; many processes may do so at once.

    :raises sqlite3.DatabaseError: when a newer version of this library has written it.
    """
    database.execute("PRAGMA foreign_keys = ON")
    database.execute("PRAGMA synchronous = NORMAL")  # with WAL a power cut may cost the last runs, never the file
    if _version(database) == len(STEPS):
        return
    database.execute("PRAGMA auto_vacuum = FULL")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("BEGIN IMMEDIATE")
    with database:
        done = _version(database)  # another process may have been quicker
        if done > len(STEPS):
            raise sqlite3.DatabaseError(f"it is of version {done}, newer than this program's {len(STEPS)}")
        for step in STEPS[done:]:
            for statement in filter(str.strip, step.split(";")):
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {len(STEPS)}")


def _version(database: sqlite3.Connection) -> int:
    [(version,)] = database.execute("PRAGMA user_version")
    return int(version)
