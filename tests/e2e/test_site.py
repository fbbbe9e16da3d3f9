"""The main job: green, unchanged when repeated, and the same from a folder where nothing of this checkout lies."""

import json
import subprocess
import time
from pathlib import Path

from runner import Stack
from tests.e2e.conftest import ROOT, Server, ansible, as_json, recap


def test_main_job_ends_with_every_criterion_green(site: subprocess.CompletedProcess[str]) -> None:
    assert "green" in site.stdout
    assert all(host["failed"] == host["unreachable"] == 0 for host in recap(site.stdout).values()), site.stdout[-3000:]


def test_second_run_changes_nothing_from_another_folder_too(server: Server, tmp_path: Path) -> None:
    began = time.monotonic()
    again = ansible("mcp.aws.site", cwd=tmp_path)
    print(f"the second run took {time.monotonic() - began:.0f} s")
    assert again.returncode == 0, again.stdout[-6000:]
    numbers = recap(again.stdout)
    assert set(numbers) == {"localhost", "mcp-lab"}
    assert {host: counts["changed"] for host, counts in numbers.items()} == {"localhost": 0, "mcp-lab": 0}, again.stdout


def test_check_mode_announces_no_change_on_a_finished_stack(server: Server) -> None:
    check = ansible("site.yml", "--check", "--diff")
    assert check.returncode == 0, check.stdout[-6000:]
    assert {host: counts["changed"] for host, counts in recap(check.stdout).items()} == {"localhost": 0, "mcp-lab": 0}


def test_runner_gives_the_same_verdict_as_data(server: Server) -> None:
    run = Stack(ROOT / "inventory/lab").verify()
    assert run.ok
    assert run.verdict is not None
    assert run.verdict.ok, str(run)
    measured = {check.id: check.measured for check in run.verdict.checks}
    print(json.dumps(measured, indent=1))
    assert len(measured) >= 30
    assert all(measured.values()), "a check without a measured value says nothing"


def test_command_line_of_the_runner(server: Server) -> None:
    done = subprocess.run(
        ["python", "runner.py", "verify", "-i", "inventory/lab", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert as_json(done.stdout)["verdict"]["ok"] is True
