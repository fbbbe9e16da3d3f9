"""EC2's own verbs act on the host, and everything comes back with nobody's help."""

import time

from tests.e2e.conftest import Server, ansible, aws


def first_process_began(server: Server) -> str:
    """When the host's first process began, or nothing while the host is away."""
    return server.shell("awk '{ print $22 }' /proc/1/stat", check=False)


def wait_for_another_boot(server: Server, before: str, seconds: float) -> None:
    """Wait until SSH answers on a host that booted anew."""
    deadline = time.monotonic() + seconds
    while first_process_began(server) in ("", before):
        assert time.monotonic() < deadline, "the host did not boot anew"
        time.sleep(1)


def test_everything_is_back_after_a_reboot(server: Server) -> None:
    before = first_process_began(server)
    aws("ec2").reboot_instances(InstanceIds=[server.instance["InstanceId"]])
    wait_for_another_boot(server, before, 120)
    print(f"ready {server.wait_until_ready(120):.1f} s after SSH answered again")
    assert server.shell("timeout 120 systemctl is-system-running --wait", check=False) == "running"
    verdict = ansible("mcp.aws.verify")
    assert verdict.returncode == 0, verdict.stdout[-6000:]
    assert "green" in verdict.stdout


def test_stopped_instance_is_away_and_a_started_one_is_back(server: Server) -> None:
    ids = [server.instance["InstanceId"]]
    aws("ec2").stop_instances(InstanceIds=ids)
    assert first_process_began(server) == ""
    aws("ec2").start_instances(InstanceIds=ids)
    server.wait_until_ready(120)
