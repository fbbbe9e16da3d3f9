"""What becomes of the lines that real services write while their logs are rotated, and of the disk they take."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import secrets
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from questions import eventually, journal, run, variables
from testinfra.host import Host

RULES = "/etc/logrotate.d/00-log-rotation"
CHECK = Path("roles/log_rotation/files/check_rules.py")
# With a state of its own, so that it need not wait for the timer's run.
FORCE = "logrotate --force --state /run/forced /etc/logrotate.conf"
REDIS = variables()["log_rotation_rules"][0]
MARK = f"molecule-{secrets.token_hex(4)}"
REDIS_CLI = f"REDISCLI_AUTH={variables()['redis_password']} redis-cli"


def apply(**extra: Any) -> tuple[bool, str]:
    """Apply the role again, with other variables; whether it went well, and what it said."""
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
    words = ["ansible-playbook", "-i", os.environ["MOLECULE_INVENTORY_FILE"], "molecule/shared/converge.yml"]
    env = {**os.environ, "ANSIBLE_CONFIG": str(folder / "ansible.cfg")}
    done = subprocess.run([*words, "-e", json.dumps(extra)], capture_output=True, text=True, check=False, env=env)
    return done.returncode == 0, " ".join((done.stdout + done.stderr).split())


def rotate(host: Host) -> tuple[bool, str]:
    """Let the unit run, as its timer does; whether it went well, and its journal."""
    host.run("systemctl reset-failed logrotate")  # the limit of starts in a row is no concern of the tests
    done = host.run("systemctl start logrotate")
    return done.rc == 0, journal(host, "logrotate")


def numbers(host: Host, folder: str, mark: str) -> list[int]:
    """The numbers behind a mark in all files of a folder, sorted."""
    found = host.check_output(f"zgrep -Eoh '{mark} [0-9]+' {folder}/*").splitlines()
    return sorted(int(line.split()[-1]) for line in found)


def complete(host: Host, folder: str, mark: str, count: int) -> None:
    """Every number is found, and found once."""
    found = numbers(host, folder, mark)
    assert sorted(set(range(1, count + 1)) - set(found)) == [], f"lost of {count}"
    assert len(found) == count, "written twice"


def lua(mark: str, lines: int, length: int = 0) -> str:
    """A command that lets Redis log numbered lines; it is given the number before the first one."""
    line = f"'{mark} ' .. (ARGV[1] + i) .. string.rep(' x', {length})"
    return f'EVAL "for i = 1, {lines} do redis.log(redis.LOG_WARNING, {line}) end" 0'


def test_rules_of_packages_stay_and_nothing_is_rotated_twice(host: Host) -> None:
    changed = host.run("dpkg --verify logrotate postgresql-common redis-server").stdout
    assert "logrotate" not in changed
    status, said = run(host, "logrotate", "--debug", "/etc/logrotate.conf")
    assert status == 0, said
    assert "error:" not in said, said
    assert "ignore duplicate log entry for /var/log/postgresql/postgresql-12-main.log" in said
    assert "ignore duplicate log entry for /var/log/redis/redis-server.log" in said


def test_timer_runs_within_the_hour(host: Host) -> None:
    timer = host.check_output("systemctl show logrotate.timer -p TimersCalendar -p ActiveState -p UnitFileState")
    assert "OnCalendar=*-*-* *:00/15:00" in timer
    assert "*-*-* 00:00:00" not in timer
    assert {"ActiveState=active", "UnitFileState=enabled"} <= set(timer.splitlines())


def postgresql(mark: str, lines: int, pause: float = 0) -> str:
    """A command that lets PostgreSQL log numbered lines."""
    loop = f"FOR n IN 1..{lines} LOOP RAISE LOG '{mark} %', n; PERFORM pg_sleep({pause}); END LOOP"
    return shlex.join(["runuser", "-u", "postgres", "--", "psql", "-qXc", f"DO $$ BEGIN {loop}; END $$"])


def test_postgresql_loses_no_line(host: Host) -> None:
    writer = f"{postgresql(MARK, 4000, 0.0005)} & writer=$!"
    rotations = f"for n in 1 2 3 4 5; do {FORCE} || exit 1; sleep 0.3; done; kill -0 $writer && wait $writer"
    done = host.run(f"{writer}; {rotations}")
    assert done.rc == 0, done.stdout + done.stderr
    complete(host, "/var/log/postgresql", f"LOG: +{MARK}", 4000)
    assert len(host.check_output(f"zgrep -l {MARK} /var/log/postgresql/*").splitlines()) > 3


def test_sandbox_of_the_unit_lets_postgresql_be_told(host: Host) -> None:
    log = "/var/log/postgresql/postgresql-12-main.log"
    host.check_output(postgresql(f"before-{MARK}", 2000))
    good, said = rotate(host)
    assert good, said
    assert host.file(log).size == 0
    host.check_output(postgresql(f"after-{MARK}", 1))
    assert eventually(lambda: host.file(log).contains(f"after-{MARK} 1"))
    complete(host, "/var/log/postgresql", f"LOG: +before-{MARK}", 2000)


def test_redis_loses_no_line(host: Host) -> None:
    commands = f"for n in $(seq 0 50 1950); do echo {shlex.quote(lua(MARK, 50))} $n; sleep 0.03; done"
    writer = f"({commands}) | {REDIS_CLI} > /tmp/said & writer=$!"
    done = host.run(f"{writer}; for n in 1 2 3; do {FORCE} || exit 1; sleep 0.2; done; wait $writer; cat /tmp/said")
    assert done.rc == 0, done.stdout + done.stderr
    complete(host, "/var/log/redis", MARK, 2000)
    assert len(host.check_output(f"grep -l {MARK} /var/log/redis/*").splitlines()) > 2


def test_nobody_else_reads_the_logs(host: Host) -> None:
    for folder, owner in (("/var/log/postgresql", "postgres adm"), ("/var/log/redis", "redis adm")):
        seen = host.check_output(f"stat -c '%U %G %a' {folder}/*.log {folder}/*.log.*").splitlines()
        assert {line.rsplit(" ", 1)[0] for line in seen} == {owner}, seen
        assert {line[-1] for line in seen} == {"0"}, seen
    assert host.file("/var/log/postgresql/postgresql-12-main.log").mode == 0o640
    assert host.file("/var/log/redis/redis-server.log").mode == 0o640


def test_disk_stays_bounded_in_a_flood(host: Host) -> None:
    size, growth = 100 * 1024, 80 * 1024
    bound = (REDIS["keep"] + 1) * (size + growth)
    assert f"# Rule redis: a log takes {REDIS['keep'] + 1} x {REDIS['size']} at most" in host.file(RULES).content_string
    taken = []
    for step in range(8):
        host.check_output(f"echo {shlex.quote(lua('flood', 70, 500))} {70 * step} | {REDIS_CLI}")
        good, said = rotate(host)
        assert good, said
        taken.append(int(host.check_output("cat /var/log/redis/* | wc -c")))
    assert 2 * size < max(taken) <= bound, taken


def test_log_belongs_to_the_user_of_its_rule(host: Host) -> None:
    folder = "/var/log/no body"
    host.check_output(
        f"install -d -o nobody '{folder}' && runuser -u nobody -- sh -c 'echo line > \"{folder}/a b.log\"'"
    )
    assert host.run(FORCE).rc == 0
    assert host.check_output(f"stat -c '%U %G %a' '{folder}/a b.log'") == "nobody nogroup 600"
    assert host.file(f"{folder}/a b.log.1").content_string == "line\n"


def test_container_without_a_limit_is_cut_and_others_are_left(host: Host) -> None:
    for name, size in (("endless", "101M"), ("limited", "99M")):
        folder = f"/var/lib/docker/containers/{name}"
        host.check_output(f"mkdir -p {folder} && truncate -s {size} {folder}/{name}-json.log")
    before = host.check_output("stat -c %i /var/lib/docker/containers/endless/endless-json.log")
    good, said = rotate(host)
    assert good, said
    told = host.check_output("stat -c '%n %i %s' /var/lib/docker/containers/*/*").splitlines()
    host.check_output("rm -r /var/lib/docker/containers/endless /var/lib/docker/containers/limited")
    assert f"/var/lib/docker/containers/endless/endless-json.log {before} 0" in told
    assert len([line for line in told if "limited" in line]) == 1, told


def test_full_disk_loses_nothing_and_is_told(host: Host) -> None:
    host.check_output("mount -t tmpfs -o size=1m,mode=0755 tmpfs /mnt")
    write = "for n in $(seq {} {}); do echo line $n $(head -c 40 /dev/urandom | base64 -w 0); done >> /mnt/small.log"
    host.check_output(write.format(1, 1500))
    assert rotate(host)[0]
    host.check_output(write.format(1501, 3000))
    host.run("cat /dev/zero > /mnt/filler")
    for _ in range(2):
        good, said = rotate(host)
        assert not good, said
        assert "No space left on device" in said, said
        assert host.check_output("systemctl is-failed logrotate") == "failed"
        complete(host, "/mnt", "line", 3000)
    host.check_output("rm /mnt/filler")
    good, said = rotate(host)
    assert good, said
    complete(host, "/mnt", "line", 3000)
    assert host.file("/mnt/small.log.2.gz").exists


@pytest.fixture
def no_collector(host: Host) -> Iterator[None]:
    """PostgreSQL as Debian sets it up."""
    setting = "/etc/postgresql/12/main/conf.d/zz.conf"
    host.check_output(f"echo 'logging_collector = off' > {setting} && chmod 644 {setting}")
    host.check_output("systemctl restart postgresql@12-main")
    yield
    host.check_output(f"rm {setting} && systemctl restart postgresql@12-main")


@pytest.mark.usefixtures("no_collector")
def test_postgresql_that_would_lose_lines_is_not_rotated(host: Host) -> None:
    before = host.check_output("ls -i /var/log/postgresql")
    done = host.run(FORCE)
    assert done.rc != 0
    assert "Set logging_collector = on for it, or method: copytruncate for the rule postgresql" in done.stderr
    assert host.check_output("ls -i /var/log/postgresql") == before
    good, said = apply(log_rotation_rules=[{"name": "postgresql", "method": "copytruncate"}])
    assert good, said
    done = host.run(FORCE)
    assert done.rc == 0, done.stderr
    assert host.file("/var/log/postgresql/postgresql-12-main.log").size == 0
    good, said = apply()
    assert good, said


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ('"/a" {\n    size 3Q\n}', "unknown unit 'Q'"),
        ('"/a" {\n    su nobdy nogroup\n}', "unknown user 'nobdy'"),
        ("{\n    daily\n}", "lines must begin with a keyword or a filename"),
        ('"/a" {\n    missingok\n    postrotate\n        if true\n    endscript\n}', "Syntax error"),
    ],
    ids=["size", "user", "no paths", "script"],
)
def test_check_names_the_rule_and_the_reason(host: Host, rule: str, says: str) -> None:
    text = f'# Rule good: small.\n"/b" {{\n    missingok\n}}\n# Rule bad: large.\n{rule}\n'
    write = f"printf %s {shlex.quote(text)} > /run/rules"
    told = host.run(f"{write}; python3 -c {shlex.quote(CHECK.read_text())} /run/rules; rm /run/rules")
    assert told.stderr.startswith("rule bad: "), told.stderr
    assert says in told.stderr


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"log_rotation_rules": [{"name": "a", "paths": ["/a"], "directives": ["dayly"]}]}, ["rule a", "dayly"]),
        (
            {"log_rotation_rules": [{"name": "all", "paths": ["/var/log/redis/*"]}]},
            ["rule all", "duplicate log entry for /var/log/redis/"],
        ),
        ({"log_rotation_timer": "hurly"}, ["log_rotation_timer", "hurly"]),
    ],
    ids=["directive", "same log", "timer"],
)
def test_bad_input_leaves_the_old_in_force(host: Host, extra: dict[str, Any], says: list[str]) -> None:
    before = host.file(RULES).content_string
    good, said = apply(**extra)
    assert not good, said
    assert [words for words in [*says, "stays as it was"] if words not in said] == [], said
    assert host.file(RULES).content_string == before


def test_role_finds_nothing_to_do_after_all_that(host: Host) -> None:
    good, said = apply()
    assert good, said
    assert "changed=0" in said, said
    assert eventually(lambda: rotate(host)[0]), journal(host, "logrotate")
