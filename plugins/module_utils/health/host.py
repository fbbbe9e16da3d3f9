"""Rules over what a host says about itself: facts of the module `health_host_info`, and of a restart."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils.health.rules import Judgement, Rule, combine, join

SYSTEM, APPLICATION, OPERATIONS = "system", "application", "operations"
MISSING_UNIT = {"ActiveState": "is not there", "LoadState": "as no slot serves"}
REVISION = "org.opencontainers.image.revision"  # which the build of an image writes
RESTARTING = {
    "systemd": {"always", "on-failure", "on-abnormal", "on-abort"},
    "docker": {"always", "unless-stopped", "on-failure"},
}


def rules(expected: Mapping[str, Any]) -> list[Rule]:
    """Return the rules for a host as `expected` wants it (keys: `__health_expected` of the role `health`)."""
    unit, logs = expected["unit"], f"`docker logs --tail 50 {expected['project']}`"
    disk, cpu = expected["disk_limit_percent"], expected["cpu_limit_percent"]
    memory = expected["memory_available_min_mb"]
    given = expected.get("environment_given", True)
    postgresql, redis = str(expected["postgresql_major"]), str(expected["redis_major"])
    return [
        Rule(SYSTEM, "ssh", "SSH access", "login", "log in, become root",
             "`ansible mcp_servers -m ping -vvv`: security group, key, host key, `sudo -n true`.", login),
        Rule(SYSTEM, "cloud_init", "User data ran", "cloud_init", "finished, no errors",
             "`cloud-init status --long`, /var/log/cloud-init-output.log", cloud_init),
        Rule(SYSTEM, "docker", "Docker Engine", "docker", "answers",
             "`systemctl status docker`, `journalctl -u docker -n 50`", version("version")),
        Rule(SYSTEM, "compose", "Docker Compose", "compose", "version 2 or newer",
             "`docker compose version`; the plugin is in the role `docker`'s packages.", version("version", least=2)),
        Rule(SYSTEM, "postgresql", "PostgreSQL", "postgresql", f"version {postgresql}",
             f"`pg_lsclusters`, `journalctl -u postgresql@{postgresql}-main -n 50`", version("version", postgresql)),
        Rule(SYSTEM, "redis", "Redis", "redis", f"version {redis}",
             "`systemctl status redis-server`, `journalctl -u redis-server -n 50`", version("redis_version", redis)),
        Rule(SYSTEM, "units", "Services", "units", "active, enabled",
             "`systemctl status` and `journalctl -u` of the unit that is named.", units),
        Rule(SYSTEM, "unit", "Service of the server", "units", "active, enabled",
             f"`systemctl status {unit}`, `journalctl -u {unit} -n 50`",
             lambda part: units({unit: part.get(unit, MISSING_UNIT)})),
        Rule(SYSTEM, "failed_units", "Failed units", "failed_units", "none",
             "`systemctl --failed`, then `journalctl -u` of each.", lambda part: (not part, join(part))),
        Rule(SYSTEM, "cpu", "CPU usage", "cpu", f"<= {cpu} %",
             "`top -b -n 1 | head -20`, `docker stats --no-stream`", lambda part: cpu_usage(part, cpu)),
        Rule(SYSTEM, "memory", "Memory available", "memory", f">= {memory} MB",
             "`ps aux --sort=-rss | head`, `docker stats --no-stream`",
             lambda part: (part["available_mb"] >= memory, f"{part['available_mb']} of {part['total_mb']} MB")),
        Rule(SYSTEM, "disk", "Disk usage", "disks", f"<= {disk} %",
             "`du -xh --max-depth=3 / | sort -h | tail -20`, `docker system df`", lambda part: disk_usage(part, disk)),
        Rule(APPLICATION, "source", "Repository cloned", "source", "clean clone",
             "`git -C /opt/mcp/source status`; role `stack`.", source),
        Rule(APPLICATION, "environment", "Environment files", "environment_files",
             "0600 root" + (", not empty" if given else ""),
             "`stat` of the files; role `stack` writes them for each release.", lambda part: environment(part, given)),
        Rule(APPLICATION, "image", "Image built", "build", "from the release's commit",
             "`docker images`, `docker ps`, and release.json of the slot: the container runs another image.", image),
        Rule(APPLICATION, "containers", "Containers", "containers", "running, healthy",
             f"`docker ps --all`, {logs}, `journalctl -u {unit} -n 50`", containers),
        Rule(APPLICATION, "stored", "Written to PostgreSQL", "stored", "the row of this run",
             "Does the environment of the server lead to the database asked here? Logs of the container.", stored),
        Rule(APPLICATION, "cached", "Cached in Redis", "cached", "the key of this run",
             "Does the environment of the server lead to this Redis? See `redis-cli MONITOR` meanwhile.", cached),
        Rule(OPERATIONS, "slots", "Slots", "places", "the serving one runs, alone",
             "`proxy-slot show`, `docker ps`; two run while a deploy is under way; the next empties the idle one.",
             slots),
        Rule(OPERATIONS, "last_deploy", "Last deploy", "deploy", "its outcome is known",
             "`ansible-playbook mcp.aws.versions` lists deploys and who holds the lock; deploy again.", deploy),
        Rule(OPERATIONS, "restart_policy", "Restart policy", "keepers", "restarts by itself",
             f"`Restart=` in `systemctl cat {unit}`, or `restart:` in the Compose file.",
             lambda part: restart_policy(part, unit)),
    ]  # fmt: skip


def restart_rules(expected: Mapping[str, Any]) -> list[Rule]:
    """Return the rules over a restart that was forced."""
    limit, unit = expected["restart_limit_seconds"], expected["unit"]
    return [
        Rule(OPERATIONS, "restart", "Restart after a kill", "restart", f"ready within {limit} s",
             f"`journalctl -u {unit} -n 50`: what happens after the container's main process is killed?",
             lambda part: restart(part, limit)),
    ]  # fmt: skip


def complete(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Add the parts that need several answers."""
    together = {
        "build": ("release", "containers", "images"),
        "keepers": ("units", "containers"),
        "places": ("serving", "slots"),
    }
    return {**facts, **{name: combine(facts, *parts) for name, parts in together.items()}}


def login(part: Mapping[str, Any]) -> Judgement:
    return part["root"], f"{part['user']}@{part['hostname']}, {part['system']}" + ("" if part["root"] else ", not root")


def cloud_init(part: Mapping[str, Any]) -> Judgement:
    return not part["errors"], join(part["errors"], f"finished, {part['datasource']}")


def version(key: str, major: str = "", least: int = 0) -> Any:
    """Return a judge of a version: this major number, or at least that one."""

    def judge(part: Mapping[str, Any]) -> Judgement:
        found = str(part[key]).removeprefix("v").split()[0]
        first = found.split(".")[0]
        return first.isdigit() and (not major or first == major) and int(first) >= least, found

    return judge


def units(part: Mapping[str, Mapping[str, str]]) -> Judgement:
    """Every unit is active and enabled."""
    fine = {"enabled", "enabled-runtime", "alias"}
    states = {
        name.removesuffix(".service"): f"{unit['ActiveState']}, {unit.get('UnitFileState') or unit['LoadState']}"
        for name, unit in part.items()
        if unit["ActiveState"] != "active" or unit.get("UnitFileState") not in fine
    }
    if states:
        return False, "; ".join(f"{name} {state}" for name, state in states.items())
    return bool(part), join(name.removesuffix(".service") for name in part)


def cpu_usage(part: Mapping[str, Any], limit: float) -> Judgement:
    cores = f"{part['cores']} CPU" + ("s" if part["cores"] > 1 else "")
    return part["percent"] <= limit, f"{part['percent']} % of {cores}, load {part['load']}"


def disk_usage(part: list[Mapping[str, Any]], limit: float) -> Judgement:
    measured = join(f"{disk['path']} {disk['percent']} %, {disk['free_mb']} MB free" for disk in part)
    return bool(part) and all(disk["percent"] <= limit for disk in part), measured


def source(part: Mapping[str, Any]) -> Judgement:
    changed = f", {part['changed']} files changed" if part["changed"] else ""
    return bool(part["commit"]) and not part["changed"], f"{part['commit'][:12]} {part['subject'][:40]}{changed}"


def environment(part: list[Mapping[str, Any]], given: bool) -> Judgement:
    """One of the files may be empty, as a server need not have secrets; both where it was given nothing."""
    ok = bool(part) and all(file["mode"] == "0600" and file["owner"] == "root" for file in part)
    measured = join(
        f"{file['path'].rpartition('/')[2]} {file['mode']} {file['owner']}, {file['names']} variables" for file in part
    )
    return ok and (not given or sum(file["names"] for file in part) > 0), measured


def image(part: Mapping[str, Any]) -> Judgement:
    """Some container runs the release's image, and the image says that it was built from the release's commit."""
    wanted, commit = part["release"]["image"], part["release"]["commit"]
    built = {found["name"]: found for found in part["images"]}
    used = [container["image"] for container in part["containers"]]
    measured = [
        f"{name}, {built[name]['size_mb']} MB, {built[name]['created']}" if name in built else f"{name}, not there"
        for name in used
    ]
    if wanted not in used or wanted not in built:
        return False, f"{join(measured)}; the release has {wanted}"
    said = built[wanted]["labels"].get(REVISION, "no commit")
    return said == commit, join(measured) + ("" if said == commit else f", from {said[:12]}, not {commit[:12]}")


def slots(part: Mapping[str, Any]) -> Judgement:
    """A slot that does not serve holds no memory."""
    found, serving = part["slots"], part["serving"]["slot"]
    running = {name for name, slot in found.items() if slot["running"]}
    words = (
        f"{name} {'serves' if name == serving else 'runs' if name in running else 'is idle'}"
        f"{'' if name in running or name != serving else ' but does not run'}, {slot['release'] or 'empty'}"
        for name, slot in found.items()
    )
    return running == {serving}, "; ".join(words) or f"{serving} serves, no slot is known"


def deploy(part: Mapping[str, Any]) -> Judgement:
    """A run that holds the lock is under way, or died and will never say how it ended."""
    ended = f"{part['verb']} of {part['version']} at {part['started'][:19]}: {part['outcome']}"
    return not part["under_way"], part["under_way"] or ended


def containers(part: list[Mapping[str, Any]]) -> Judgement:
    fit = [c for c in part if c["status"] == "running" and c["health"] in ("healthy", "no health check")]
    return bool(part) and len(fit) == len(part), join(f"{c['name']} {c['status']}, {c['health']}" for c in part)


def stored(part: Mapping[str, Any]) -> Judgement:
    return part["rows"] == 1, f"{part['rows']} rows"


def cached(part: Mapping[str, Any]) -> Judgement:
    """Redis says -2 for a key that is not there, -1 for one without an end."""
    seconds = part["seconds_to_live"]
    left = {-2: "not there", -1: "present, without an end"}
    return seconds > -2, left.get(seconds, f"present, {seconds} s to live")


def restart_policy(part: Mapping[str, Any], unit: str) -> Judgement:
    """Either systemd or the engine brings the server back, and systemd starts it at boot."""
    shown = part["units"].get(unit, {})
    by_systemd = shown.get("Restart", "no")
    by_engine = [container["policy"] for container in part["containers"]]
    ok = by_systemd in RESTARTING["systemd"] or any(policy in RESTARTING["docker"] for policy in by_engine)
    measured = f"systemd {by_systemd}; container {join(by_engine)}; {shown.get('NRestarts', '?')} restarts so far"
    return ok and bool(by_engine), measured


def restart(part: Mapping[str, Any], limit: float) -> Judgement:
    seconds = float(part["seconds"])
    if int(part["pid"]) == int(part["killed"]):  # the answers were those of the process that was to be killed
        return False, f"process {part['killed']} lives on after it was killed"
    return seconds <= limit, f"ready, and its unit active, after {seconds:.1f} s"
