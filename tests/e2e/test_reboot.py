"""EC2's own verbs act on the host, and everything comes back with nobody's help."""

from tests.e2e.conftest import Server, ansible, aws


def boot_id(server: Server) -> str:
    return server.shell("cat /proc/sys/kernel/random/boot_id; stat -c %Y /proc/1")


def test_everything_is_back_after_a_reboot(server: Server) -> None:
    before = server.shell("stat -c %Z /proc/1")
    aws("ec2").reboot_instances(InstanceIds=[server.instance["InstanceId"]])
    deadline = 120
    while deadline and (after := reboot_stamp(server)) in ("", before):
        deadline -= 1
    assert after not in ("", before), "the host did not reboot"
    print(f"ready {server.wait_until_ready(120):.1f} s after SSH answered again")
    verdict = ansible("mcp.aws.verify")
    assert verdict.returncode == 0, verdict.stdout[-6000:]
    assert "green" in verdict.stdout


def reboot_stamp(server: Server) -> str:
    """When the host's first process began, or nothing while the host is away."""
    try:
        return server.shell("sleep 1; stat -c %Z /proc/1", check=False)
    except OSError:
        return ""
