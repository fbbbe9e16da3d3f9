"""What the running Redis says of itself, whom it lets in, and what bad input, kills and full disks do to it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from questions import eventually, journal, listeners, outside_address, run, variables
from testinfra.host import Host

UNIT = "redis-server"
PASSWORD = variables()["redis_password"]
USERS = {user["name"]: user["password"] for user in variables()["redis_users"]}
BOTH = {"127.0.0.1", "172.30.0.1"}


def ask(
    host: Host, *words: str, password: str | None = PASSWORD, user: str = "default", address: str = "127.0.0.1"
) -> str:
    env = {} if password is None else {"REDISCLI_AUTH": password}
    login = [] if user == "default" else ["--user", user]
    return run(host, "redis-cli", "-h", address, *login, *words, env=env)[1].strip()


def admin(host: Host, *words: str) -> str:
    return host.check_output("redis-admin " + " ".join(words))


def app(host: Host, *words: str) -> str:
    return ask(host, *words, user="app", password=USERS["app"])


def pid(host: Host) -> str:
    return host.check_output(f"systemctl show -P MainPID {UNIT}")


def answers(host: Host) -> bool:
    return eventually(lambda: ask(host, "ping") == "PONG")


def converge(**settings: Any) -> tuple[bool, str]:
    """Whether the role succeeded with other variables, and what it said."""
    project = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
    inventory = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent
    command = ["ansible-playbook", "-i", str(inventory), "-e", json.dumps(settings), "molecule/shared/converge.yml"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120)
    return done.returncode == 0, " ".join((done.stdout + done.stderr).split())


def test_server_runs_and_starts_at_boot_after_docker(host: Host) -> None:
    assert host.service(UNIT).is_running, journal(host, UNIT)
    assert host.service(UNIT).is_enabled
    assert "docker.service" in host.check_output(f"systemctl show -p After {UNIT}")


def test_limits_and_sandbox_in_force(host: Host) -> None:
    names = "MemoryMax,LimitNOFILE,OOMScoreAdjust,Restart,StartLimitIntervalUSec,ReadWritePaths,UMask"
    shown = dict(line.split("=", 1) for line in host.check_output(f"systemctl show {UNIT} -p {names}").splitlines())
    sized = int(admin(host, "config get maxmemory").split()[1])
    assert int(shown["MemoryMax"]) == sized * 2 + 128 * 2**20
    assert shown["LimitNOFILE"] == "65535"
    assert (shown["Restart"], shown["StartLimitIntervalUSec"], shown["UMask"]) == ("always", "0", "0027")
    assert "/etc/redis" not in shown["ReadWritePaths"]
    assert shown["OOMScoreAdjust"] == "-400"  # a container's kernel may not let it go below 0


def test_version(host: Host) -> None:
    assert "redis_version:7." in ask(host, "info", "server")


def test_listens_on_loopback_and_bridge_alone(host: Host) -> None:
    assert listeners(host, 6379) == dict.fromkeys(BOTH, "redis-server")


def test_process_belongs_to_redis(host: Host) -> None:
    assert host.check_output("ps -C redis-server -o user=") == "redis"


def test_settings_in_force(host: Host) -> None:
    wanted = {
        "maxmemory-policy": "allkeys-lru",
        "maxclients": "1000",
        "save": "3600 1 300 100 60 10000",
        "stop-writes-on-bgsave-error": "yes",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "aof-use-rdb-preamble": "yes",
        "auto-aof-rewrite-percentage": "100",
        "auto-aof-rewrite-min-size": str(64 * 2**20),
        "enable-debug-command": "no",
        "enable-module-command": "no",
        "enable-protected-configs": "no",
        "timeout": "300",
    }
    lines = admin(host, "config get", *wanted).splitlines()
    assert dict(zip(lines[::2], lines[1::2], strict=True)) == wanted
    assert "normal 67108864 16777216 60" in admin(host, "config get client-output-buffer-limit")


def test_memory_is_sized_by_the_host(host: Host) -> None:
    memory = int(host.check_output("awk '/^MemTotal/ {print $2}' /proc/meminfo")) // 1024
    sized = int(admin(host, "config get maxmemory").split()[1]) / 2**20
    assert abs(sized - memory / 10) <= 1


def test_password_lets_in_over_the_bridge(host: Host) -> None:
    assert ask(host, "set", "molecule", "7", address="172.30.0.1") == "OK"
    assert ask(host, "get", "molecule") == "7"


@pytest.mark.parametrize("user", ["default", *USERS])
@pytest.mark.parametrize(("password", "says"), [(None, "NOAUTH"), ("wrong", "WRONGPASS"), ("", "NOAUTH")])
def test_stranger_is_refused(host: Host, user: str, password: str | None, says: str) -> None:
    said = ask(host, "get", "molecule", password=password, user=user)
    assert says in said
    assert "NOAUTH" in said


def test_outside_address_does_not_answer(host: Host) -> None:
    assert "Connection refused" in ask(host, "ping", address=outside_address(host))


def test_secrets_are_nowhere_in_clear(host: Host) -> None:
    for secret in [PASSWORD, *USERS.values()]:
        assert run(host, "grep", "-rF", "--", secret, "/etc/redis", "/etc/systemd/system", "/var/log/redis")[0] == 1
    kept = {name: host.file(f"/etc/redis/{name}") for name in ("admin.secret", "users.acl", "redis.conf")}
    assert {name: (file.user, file.group, oct(file.mode)) for name, file in kept.items()} == {
        "admin.secret": ("root", "root", "0o600"),
        "users.acl": ("root", "redis", "0o640"),
        "redis.conf": ("root", "redis", "0o640"),
    }


@pytest.mark.parametrize("user", ["default", "app"])
@pytest.mark.parametrize(
    "command", ["flushall", "config get *", "debug sleep 0", "shutdown", "module list", "keys *", "acl list", "save"]
)
def test_dangerous_command_is_off(host: Host, user: str, command: str) -> None:
    said = ask(host, *command.split(), user=user, password=(USERS | {"default": PASSWORD})[user])
    assert said.startswith(("NOPERM", "ERR DEBUG command not allowed")), said


def test_user_stays_within_keys_channels_and_commands(host: Host) -> None:
    assert app(host, "set", "app:1", "one") == "OK"
    assert app(host, "set", "other", "one").startswith("NOPERM")
    assert app(host, "publish", "news", "hello") == "0"
    assert app(host, "publish", "other", "hello").startswith("NOPERM")
    assert ask(host, "get", "app:1", user="reader", password=USERS["reader"]) == "one"
    assert ask(host, "set", "app:1", "two", user="reader", password=USERS["reader"]).startswith("NOPERM")


def test_administrator_cannot_do_what_settings_forbid(host: Host) -> None:
    assert "enable-debug-command" in host.run("redis-admin debug object molecule").stdout
    assert "protected config" in host.run("redis-admin config set dir /tmp").stdout
    assert "enable-module-command" in host.run("redis-admin module load /tmp/x.so").stdout
    assert "ERR" in host.run("redis-admin acl save").stdout


def test_memory_evicts_or_refuses_as_the_policy_says(host: Host) -> None:
    fill = "EVAL \"for i = 1, 40 do redis.call('set', ARGV[1] .. i, string.rep('x', 100000)) end\" 0 big:"
    lines = "\n".join(f"{fill}{number}:" for number in range(40))
    try:
        host.check_output(f"redis-admin > /dev/null <<'END'\n{lines}\nEND")
        used = dict(line.split(":", 1) for line in admin(host, "info all").splitlines() if ":" in line)
        assert int(used["evicted_keys"]) > 0
        assert int(used["used_memory"]) <= int(used["maxmemory"]) * 1.1
        admin(host, "config set maxmemory-policy noeviction maxmemory 20mb")
        assert "OOM command not allowed" in ask(host, "set", "one-more", "x" * 100)
        assert ask(host, "ping") == "PONG"
    finally:
        host.check_output(f"systemctl restart {UNIT}")
        admin(host, "flushall")
    assert ask(host, "set", "one-more", "x") == "OK"


def test_writes_survive_a_kill(host: Host) -> None:
    before = pid(host)
    written = "\n".join(f"SET kept:{number} {number}" for number in range(500))
    host.check_output(f"redis-admin > /dev/null <<'END'\n{written}\nEND\nkill -9 {before}")
    assert answers(host), journal(host, UNIT)
    assert pid(host) != before
    assert ask(host, "mget", *(f"kept:{number}" for number in range(500))).split() == [str(n) for n in range(500)]
    assert set(listeners(host, 6379)) == BOTH


def test_full_disk_refuses_writes_and_goes_on_reading(host: Host) -> None:
    data = "/var/lib/redis"
    script = f"systemctl stop {UNIT} && mount -t tmpfs -o size=4m,uid=redis,gid=redis,mode=750 none {data}"
    host.check_output(f"{script} && systemctl start {UNIT}")
    try:
        assert ask(host, "set", "small", "yes") == "OK"
        host.run(f"head -c 8m /dev/zero > {data}/filler")
        assert eventually(lambda: "MISCONF" in ask(host, "set", "large", "x" * 60000)), journal(host, UNIT)
        assert ask(host, "get", "small") == "yes"
        host.check_output(f"rm {data}/filler")
        assert eventually(lambda: ask(host, "set", "small", "again") == "OK"), journal(host, UNIT)
    finally:
        host.check_output(f"systemctl stop {UNIT} && umount {data} && systemctl start {UNIT}")
    assert ask(host, "get", "kept:7") == "7"


def test_log_goes_on_in_a_new_file_when_it_was_renamed(host: Host) -> None:
    log = "/var/log/redis/redis-server.log"
    host.check_output(f"mv {log} {log}.1")
    admin(host, "bgsave")
    assert eventually(lambda: host.file(log).exists and "saving" in host.file(log).content_string)
    assert (host.file(log).user, oct(host.file(log).mode)) == ("redis", "0o640")


def test_users_change_without_a_restart(host: Host) -> None:
    before, password = pid(host), "a new one"
    late: dict[str, Any] = {"name": "late", "password": "later", "keys": ["late:*"]}
    good, said = converge(redis_password=password, redis_users=[late])
    assert good, said
    assert ask(host, "ping", password=password) == "PONG"
    assert "WRONGPASS" in ask(host, "ping")
    assert ask(host, "set", "late:1", "x", user="late", password=late["password"]) == "OK"
    assert "WRONGPASS" in app(host, "ping")
    assert set(admin(host, "acl users").split()) == {"admin", "default", "late"}

    good, said = converge(redis_default_user=False, redis_password="")
    assert good, said
    assert "NOAUTH" in ask(host, "ping", password=None)
    assert "WRONGPASS" in ask(host, "ping", password=password)
    assert app(host, "ping") == "PONG"

    # What an interrupted run wrote and did not load, the next run loads.
    admin(host, "acl setuser intruder on nopass +@all '~*'")
    host.check_output("sed -i 's/&file:.*/\\&file:interrupted/' /etc/redis/users.acl")
    good, said = converge()
    assert good, said
    assert "intruder" not in admin(host, "acl users")
    assert ask(host, "ping") == "PONG"
    assert pid(host) == before


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"redis_settings": {"list-max-listpack-sizes": 5}}, "the setting `list-max-listpack-sizes 5`: Bad directive"),
        ({"redis_settings": {"maxmemory": "1gb", "user": "x on"}}, "Use redis_maxmemory, redis_users"),
        (
            {"redis_users": [{"name": "bad", "password": "p", "commands": ["+nothing"]}]},
            "the user `bad`, the rule `+noth",
        ),
        ({"redis_port": 7000}, "redis_port: redis-server.service cannot restart: port 7000 is held by python3"),
    ],
)
def test_bad_input_leaves_the_old_settings_in_force(host: Host, settings: dict[str, Any], says: str) -> None:
    host.run("systemd-run --unit taken python3 -m http.server 7000 --bind 127.0.0.1")
    files = "cat /etc/redis/redis.conf /etc/redis/users.acl"
    before = host.check_output(files)
    good, said = converge(**settings)
    assert not good
    assert says in said, said
    assert answers(host), journal(host, UNIT)
    assert app(host, "ping") == "PONG"
    assert host.check_output(files) == before
