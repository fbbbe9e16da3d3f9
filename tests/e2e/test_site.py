"""The main job: green, unchanged when repeated, and the same from a folder where nothing of this checkout lies."""

import json
import subprocess
import time
from pathlib import Path

from mcp_aws.verdicts import Configure, Deploy, Provision, Verdict
from runner import Stack
from tests.e2e.conftest import INVENTORY, NAME, ROOT, Server, ansible, as_json, aws, judged, recap


def test_main_job_ends_with_every_criterion_green(site: subprocess.CompletedProcess[str]) -> None:
    met, criteria = judged(site.stdout)
    assert met == criteria >= 30, site.stdout[-3000:]
    hosts = recap(site.stdout)
    assert {"localhost", NAME} <= set(hosts), site.stdout[-3000:]
    assert {name: host for name, host in hosts.items() if host["failed"] or host["unreachable"]} == {}


def test_second_run_changes_nothing_from_another_folder_too(server: Server, tmp_path: Path) -> None:
    began = time.monotonic()
    again = ansible("mcp.aws.site", cwd=tmp_path)
    print(f"the second run took {time.monotonic() - began:.0f} s")
    assert again.returncode == 0, again.stdout[-6000:]
    numbers = recap(again.stdout)
    assert set(numbers) >= {"localhost", NAME}
    assert {host: counts["changed"] for host, counts in numbers.items() if counts["changed"]} == {}, again.stdout


def test_a_plan_announces_what_was_changed_by_hand_and_an_apply_repairs_it(server: Server) -> None:
    group = next(group["GroupId"] for group in server.instance["SecurityGroups"])
    everybody = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    aws("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[everybody])
    aws("logs").put_retention_policy(logGroupName=f"/mcp/{NAME}", retentionInDays=3)
    server.shell(f"chmod 0644 /opt/mcp/slots/{server.slot}/secrets.env")
    plan = Stack(INVENTORY).plan()
    assert {change.role for change in plan.changes} == {"network", "logs", "stack"}, str(plan)
    applied = Stack(INVENTORY).site()
    announced = {(change.role, change.task, change.item) for change in plan.changes}
    assert {(change.role, change.task, change.item) for change in applied.changes} == announced
    told = applied.verdicts
    assert set(told) == {"preflight", "provision", "configure", "deploy", "verify"}
    provision, configure, deploy, verify = (told[name] for name in ("provision", "configure", "deploy", "verify"))
    assert isinstance(provision, Provision)
    assert isinstance(configure, Configure)
    assert isinstance(deploy, Deploy)
    assert provision.instance_ids == (server.instance["InstanceId"],)
    assert configure.hosts[NAME].docker
    assert configure.hosts[NAME].postgresql.startswith("12.")
    release = server.shell(f"basename $(readlink /opt/mcp/slots/{server.slot})")
    assert (deploy.ok, deploy.hosts[NAME].now) == (True, release), str(deploy)
    assert isinstance(verify, Verdict)
    assert verify.ok, str(applied)


def test_a_plan_of_a_finished_stack_is_empty(server: Server) -> None:
    done = subprocess.run(
        ["python", "runner.py", "plan", "-i", str(INVENTORY), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    plan = as_json(done.stdout)
    assert (plan["drift"], plan["changes"], plan["unpredicted"]) == (False, [], [])


def test_command_line_gives_the_same_verdict_as_data(server: Server) -> None:
    done = subprocess.run(
        ["python", "runner.py", "verify", "-i", str(INVENTORY), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    verdict = as_json(done.stdout)["verdict"]
    assert verdict["ok"] is True
    measured = {check["id"]: check["measured"] for check in verdict["checks"]}
    print(json.dumps(measured, indent=1))
    assert len(measured) >= 30
    assert all(measured.values()), "a check without a measured value says nothing"
