"""What playbooks publish, read back as the type of its kind: from data as it comes, and from the plugins themselves."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mcp_aws import verdicts
from mcp_aws.verdicts import AnyVerdict, Check, Deploy, DeployedHost, Instance, Preflight, Provision, Release, Verdict
from mcp_aws.verdicts.reading import SCHEMAS, typed

NOW = datetime(2026, 11, 26, 15, tzinfo=UTC)
DISK = {"id": "disk", "section": "system", "title": "Disk", "ok": False, "measured": "91 %", "limit": "< 80 %"}
JUDGED: dict[str, Any] = {
    "schema": "mcp.aws/verdict/1",
    "kind": "verify",
    "name": "mcp-lab",
    "ok": False,
    "started": NOW.isoformat(),
    "finished": NOW.isoformat(),
    "checks": [{**DISK, "hint": "See df.", "host": "mcp-1"}, {**DISK, "id": "load", "title": "Load", "ok": True}],
    "skipped": [],
}
INSTANCE = {"instance_id": "i-1", "name": "mcp", "public_ip": "192.0.2.1", "protected": False}
ENDED = {"before": "r0", "tried": "r1", "now": "r1", "seconds": 7}
SERVES = {"release": "r1", "serving": True, "served": None, "slots": ["blue"]}
SERVED = "2026-11-25T10:00:00+00:00"
BEFORE = {"release": "r0", "choosable": True, "served": SERVED}

# What a playbook publishes, and what is said of it in one line.
SAID: list[tuple[str, dict[str, Any], str]] = [
    ("verdict", JUDGED, "verify mcp-lab: 1 of 2 green; red: Disk"),
    (
        "preflight",
        {"name": "mcp", "account_id": "123", "region": "eu-central-1", "notes": ["A quota was not looked at."]},
        "preflight mcp: all checks passed in account 123, eu-central-1",
    ),
    ("preflight", {"problems": ["No such zone.\nChoose.", "No key."]}, "preflight: 2 problems: No such zone."),
    (
        "provision",
        {"name": "mcp", "instances": [INSTANCE], "load_balancer_dns_name": "mcp-1.elb.test"},
        "provision mcp: i-1 (192.0.2.1) behind mcp-1.elb.test",
    ),
    ("provision", {"ok": False}, "provision: no instance behind no load balancer, but a task has failed"),
    (
        "configure",
        {"hosts": {"a": {"docker": "20.10.24", "postgresql": "12.22"}, "b": {}}},
        "configure: a has Docker 20.10.24, PostgreSQL 12.22",
    ),
    ("configure", {"hosts": {"a": {}, "b": {}}}, "configure: 2 hosts"),
    ("deploy", {"hosts": {"a": {**ENDED, "outcome": "ok"}}}, "deploy: a serves r1 instead of r0"),
    ("deploy", {"hosts": {"a": {"outcome": "unchanged", "before": "r1", "now": "r1"}}}, "deploy: a serves r1"),
    (
        "rollback",
        {"hosts": {"a": {**ENDED, "outcome": "refused", "now": "r0"}, "b": {"outcome": "failed"}}},
        "rollback: a serves r0 (refused r1), b serves ? (failed)",
    ),
    (
        "versions",
        {"hosts": {"a": {"serving": {"slot": "blue", "release": "r1"}, "releases": [SERVES, BEFORE]}, "b": {}}},
        "versions: a serves r1 and can go back to 1, b serves nothing and can go back to 0",
    ),
    (
        "teardown",
        {"deleted": {name: ["x"] for name in ("vpc", "role", "topic", "alarms", "bucket", "secrets")}},
        "teardown: deleted vpc, role, topic, alarms, bucket and 1 more.",
    ),
    ("teardown", {"stays": ["The bucket is kept."]}, "teardown: there was nothing to delete. The bucket is kept."),
    ("rotate_secrets", {"rotated": ["/mcp/token"]}, "rotate_secrets: new values: /mcp/token"),
]


def published(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a statistic with its schema."""
    return {"schema": f"mcp.aws/{kind}/1", **data}


def read(schema: str, /, **data: Any) -> AnyVerdict:
    """Return what a statistic says, which must be readable."""
    found = typed(published(schema, data))
    assert found is not None
    return found


@pytest.mark.parametrize(("kind", "data", "line"), SAID)
def test_a_verdict_says_in_one_line_what_was_found(kind: str, data: dict[str, Any], line: str) -> None:
    found = read(kind, **data)
    assert str(found) == line
    assert found.kind == line.split()[0].rstrip(":")


@pytest.mark.parametrize(("kind", "data", "line"), SAID)
def test_a_verdict_is_the_same_after_json(kind: str, data: dict[str, Any], line: str) -> None:
    found = read(kind, **data)
    assert typed(json.loads(json.dumps(found.as_dict()))) == found


def test_every_kind_is_tried() -> None:
    assert {f"mcp.aws/{kind}/1" for kind, _data, _line in SAID} == SCHEMAS.keys()


def test_the_parts_have_types_of_their_own() -> None:
    verify = read("verdict", **JUDGED)
    assert isinstance(verify, Verdict)
    assert verify.red == (Check("disk", "system", "Disk", False, "91 %", "< 80 %", "See df.", "mcp-1"),)
    assert verify.finished - NOW == verify.started - verify.finished
    provision = read("provision", instances=[INSTANCE], subnet_ids=["subnet-1", "subnet-2"])
    assert isinstance(provision, Provision)
    assert provision.instances == (Instance("i-1", "mcp", public_ip="192.0.2.1"),)
    assert (provision.instance_ids, provision.subnet_ids) == (("i-1",), ("subnet-1", "subnet-2"))
    versions = read("versions", hosts={"a": {"releases": [SERVES, BEFORE], "lock": {"who": "ann"}, "deploys": [{}]}})
    assert isinstance(versions, verdicts.Versions)
    assert versions.hosts["a"].choosable == (Release("r0", served=SERVED, choosable=True),)
    assert versions.hosts["a"].lock == {"who": "ann"}


@pytest.mark.parametrize(
    ("kind", "data", "ok"),
    [
        ("preflight", {"problems": []}, True),
        ("preflight", {"problems": ["No."]}, False),
        ("deploy", {"hosts": {"a": {"outcome": "ok"}, "b": {"outcome": "unchanged"}}}, True),
        ("deploy", {"hosts": {"a": {"outcome": "ok"}, "b": {"outcome": "refused"}}}, False),
        ("rollback", {"hosts": {"a": {"outcome": "failed"}}}, False),
        ("teardown", {}, True),
        ("teardown", {"ok": False}, False),
    ],
)
def test_a_verdict_is_judged_where_the_playbook_does_not(kind: str, data: dict[str, Any], ok: bool) -> None:
    assert read(kind, **data).ok is ok


@pytest.mark.parametrize(
    "data",
    [
        None,
        "text",
        {},
        {"schema": 1},
        {"schema": "mcp.aws/verdict/2"},
        published("verdict", {"kind": "verify"}),
        published("verdict", {**JUDGED, "started": "soon"}),
        published("verdict", {**JUDGED, "checks": [{"id": "disk"}]}),
        published("verdict", {**JUDGED, "checks": ["disk"]}),
        published("deploy", {"hosts": ["a"]}),
        published("deploy", {"hosts": {"a": {"outcome": "ok", "seconds": "seven"}}}),
        published("preflight", {"ok": "yes"}),
    ],
)
def test_what_cannot_be_read_is_no_verdict(data: object) -> None:
    assert typed(data) is None
    assert verdicts.read_all({"other": 1, "verdict": data}) == {}
    assert verdicts.read({"verdict": data}, "verify") is None


def test_a_run_of_several_playbooks_holds_what_each_found() -> None:
    host = {"hosts": {"a": {"outcome": "ok"}}}
    stats = {"verdict": JUDGED, "provision": published("provision", {}), "deploy": published("deploy", host), "mine": 1}
    assert set(verdicts.read_all(stats)) == {"verify", "provision", "deploy"}
    kinds = {verb: type(verdicts.read(stats, verb)) for verb in ("site", "verify", "provision", "deploy")}
    assert kinds == {"site": Verdict, "verify": Verdict, "provision": Provision, "deploy": Deploy}
    assert verdicts.read({"preflight": published("preflight", {})}, "site") is None


def test_a_kind_joins_with_a_dataclass() -> None:
    @dataclass(frozen=True)
    class Backup(AnyVerdict, schema="mcp.aws/backup/9"):
        seconds: float | None = None
        files: tuple[str, ...] = ()

    try:
        found = verdicts.read({"x": {"schema": "mcp.aws/backup/9", "seconds": 3, "files": ["a"], "newer": 1}}, "backup")
    finally:
        del SCHEMAS["mcp.aws/backup/9"]
    assert found == Backup("backup", "", True, 3.0, ("a",))
    assert str(found) == "backup: all is well"


PLAY = """
- hosts: a,b
  gather_facts: false
  connection: local
  vars:
    __stack_verb: deploy
    __stack_version: v2
    __stack_outcome: "{{ {'a': 'ok', 'b': 'refused'}[inventory_hostname] }}"
    __stack_release: {release: r2, commit: c2, slot: green, old: {slot: blue, release: r1}}
    folder: "FOLDER/{{ inventory_hostname }}"
  tasks:
    - ansible.builtin.include_role: {name: mcp.aws.stack, tasks_from: lock}
    - ansible.builtin.include_role: {name: mcp.aws.stack, tasks_from: unlock}
    - mcp.aws.deploy_info:
        path: "{{ folder }}"
        releases: "{{ folder }}"
        slots: "{{ folder }}"
        serving: "{{ folder }}/none"
      register: __versions
    - ansible.builtin.set_stats:
        data: {versions: {schema: mcp.aws/versions/1, hosts: "{{ {inventory_hostname: __versions_published} }}"}}
        per_host: false
        aggregate: true
  vars_files: [ROOT/playbooks/vars/versions.yml]
"""


def statistics(playbook: Path, *arguments: str) -> dict[str, Any]:
    """Run a playbook on two names for this machine, and return its custom statistics."""
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-i", "a,b,", playbook, *arguments],
        env=os.environ | {"ANSIBLE_SHOW_CUSTOM_STATS": "true", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"^\tRUN: (.*)$", done.stdout, re.M)
    return dict(json.loads(found[1])) if found else {}


def test_deploys_and_versions_are_published_by_host(tmp_path: Path) -> None:
    playbook = tmp_path / "play.yml"
    playbook.write_text(PLAY.replace("FOLDER", str(tmp_path)).replace("ROOT", str(Path(__file__).parents[2])))
    state = ["-e", f"__stack_state={tmp_path}/{{{{ inventory_hostname }}}}"]
    assert set(statistics(playbook, *state, "--check")) == {"versions"}, "a check has deployed nothing"
    found = verdicts.read_all(statistics(playbook, *state))
    assert set(found) == {"deploy", "versions"}
    deploy, versions = found["deploy"], found["versions"]
    assert isinstance(deploy, Deploy)
    assert isinstance(versions, verdicts.Versions)
    assert not deploy.ok
    assert all(host.seconds is not None and host.seconds < 60 for host in deploy.hosts.values()), deploy
    assert {name: replace(host, seconds=None) for name, host in deploy.hosts.items()} == {
        "a": DeployedHost("ok", "r1", "r2", "r2", "c2", "green"),
        "b": DeployedHost("refused", "r1", "r1", "r2", "c2", "green"),
    }
    assert {name: [one["outcome"] for one in host.deploys] for name, host in versions.hosts.items()} == {
        "a": ["ok"],
        "b": ["refused"],
    }


def test_preflight_finds_nothing_to_say_of_an_unknown_account() -> None:
    found = read("preflight", problems=["No credentials."], account_id="", image_id=None)
    assert found == Preflight("preflight", "", False, problems=("No credentials.",))
