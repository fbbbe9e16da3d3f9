"""What stands in the way of a major upgrade of PostgreSQL, and which step comes next: pure functions."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

UNFINISHED = ("running", "compared")
MARGIN = 256 * 1024 * 1024  # bytes that stay free: write-ahead log, logs, the packages


def conninfo(database: str) -> str:
    """Name a database so that no character in its name is read as anything else."""
    escaped = database.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{escaped}'"


def serving(clusters: Iterable[Mapping[str, Any]], port: int) -> int:
    """Return the version of the running cluster `main` on the port, 0 when none runs."""
    for cluster in clusters:
        if cluster["cluster"] == "main" and cluster["running"] and int(cluster["port"]) == port:
            return int(float(cluster["version"]))
    return 0


def exists(clusters: Iterable[Mapping[str, Any]], version: int) -> bool:
    """Whether the cluster `main` of a version is there, running or not."""
    return any(cluster["cluster"] == "main" and int(float(cluster["version"])) == version for cluster in clusters)


def next_step(state: Mapping[str, Any], running: int, to: int) -> str:
    """Return what a run has to do.

    :param state: what earlier runs left: `phase`, `from` and `to`, or nothing.
    :param running: the version that serves, 0 for none.
    :param to: the version that is wanted.
    :return: `upgrade`; `again` for a run that ended before the data was compared, `forward` for one that ended after;
        `nothing`.
    """
    if state.get("phase") == "running":
        return "again"
    if state.get("phase") == "compared":
        return "forward"
    return "nothing" if running and running == to else "upgrade"


def standing_in_the_way(facts: Mapping[str, Any]) -> list[str]:
    """Return a sentence with its remedy for everything that forbids the upgrade."""
    return [*_versions(facts), *_cluster(facts), *_space(facts)]


def _versions(facts: Mapping[str, Any]) -> Iterable[str]:
    old, new, state = facts["from"], facts["to"], facts["state"]
    if not new:
        yield "No version is wanted: say which one, such as -e postgresql_upgrade_to=15."
    elif not old and state.get("phase") not in UNFINISHED:
        yield f"No PostgreSQL runs on port {facts['port']}: start it, or run the playbook configure (pg_lsclusters)."
    elif new < old:
        yield f"PostgreSQL {old} cannot become {new}: only a newer major version can be upgraded to."
    if state.get("phase") in UNFINISHED and new != state["to"]:
        yield f"An upgrade to {state['to']} was begun: end it first with -e postgresql_upgrade_to={state['to']}."
    elif state.get("phase") == "rolled back" and facts["target_exists"]:
        yield (
            f"Cluster {state['to']}/main still holds what was written before the rollback of {state['time']}: "
            "drop it with -e postgresql_upgrade_finish=true."
        )
    elif facts["target_exists"] and state.get("phase") not in UNFINISHED:
        yield f"There is a cluster {new}/main already, and not of this role: pg_dropcluster {new} main, if it is empty."
    elif state.get("phase") == "upgraded" and new > state["to"]:
        yield (
            f"Cluster {state['from']}/main of the upgrade before is still kept: "
            "drop it with -e postgresql_upgrade_finish=true."
        )
    if facts["not_ready"]:
        yield (
            f"The application is not ready before the upgrade: {facts['not_ready']}. "
            "Repair it first, or nobody could tell what the upgrade did to it."
        )
    if facts["missing"]:
        yield (
            f"No repository has {', '.join(facts['missing'])}: see postgresql_upgrade_packages and "
            "postgresql_upgrade_repository_url."
        )


def _cluster(facts: Mapping[str, Any]) -> Iterable[str]:
    if facts["prepared"]:
        yield (
            f"Prepared transactions are open: {', '.join(facts['prepared'])}. "
            "COMMIT PREPARED or ROLLBACK PREPARED ends them."
        )
    if facts["tablespaces"]:
        yield f"Tablespaces are not carried over: {', '.join(facts['tablespaces'])}. Move their objects to pg_default."
    if facts["replication"]:
        yield (
            f"Replication would be cut: {', '.join(facts['replication'])}. "
            "Drop slots, subscriptions and standbys; make them again afterwards."
        )
    if facts["closed"]:
        yield (
            f"These databases let nobody in, so they cannot be dumped: {', '.join(facts['closed'])}. "
            "ALTER DATABASE ... ALLOW_CONNECTIONS true, or drop them."
        )
    for database, names in sorted(facts["extensions"].items()):
        if lacking := sorted(set(names) - set(facts["available"])):
            yield (
                f"PostgreSQL {facts['to']} has no extension {', '.join(lacking)}, which database {database} uses: "
                "add its package to postgresql_upgrade_packages, or drop the extension."
            )
    if facts["refused"]:
        yield (
            f"PostgreSQL {facts['to']} refuses a setting of today: {facts['refused']}. "
            "Take it out of postgresql_settings, run the playbook configure, and come again."
        )


def _space(facts: Mapping[str, Any]) -> Iterable[str]:
    """Room for a dump and for a second cluster, each as large as the data in the worst case."""
    wanted: dict[int, int] = {}
    for place in facts["places"]:
        wanted[place["device"]] = wanted.get(place["device"], MARGIN) + facts["bytes"]
    told = set()
    for place in facts["places"]:
        if place["free"] < wanted[place["device"]] and place["device"] not in told:
            told.add(place["device"])
            yield (
                f"{place['path']} has {place['free'] >> 20} MiB free, the upgrade wants "
                f"{wanted[place['device']] >> 20} MiB: enlarge the volume or free some space."
            )
