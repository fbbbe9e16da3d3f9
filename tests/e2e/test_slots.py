"""Deploys and rollbacks on the real site, while a client asks: without a gap, whoever is killed in the middle."""

import os
import signal
import subprocess
import time

import pytest

from mcp_aws.verdicts import Rollback
from runner import Stack
from tests.e2e import tiny
from tests.e2e.conftest import INVENTORY, Server, ansible
from tests.e2e.meanwhile import Answers, asking, beginning


def deploy(*arguments: str) -> str:
    """Run the playbook deploy, expect that it goes through, and give what it printed, in one line."""
    done = ansible("mcp.aws.deploy", *arguments)
    assert done.returncode == 0, done.stdout[-6000:]
    return " ".join(f"{done.stdout} {done.stderr}".split())


WITHOUT_LOCKS = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /run/lock && exec "$@"', "sh")


def wait_until_filled(server: Server, run: subprocess.Popen[str]) -> None:
    """Wait until a deploy has started its server in the other slot, which is not ready yet."""
    deadline = time.monotonic() + 90
    while server.shell("ls /run/mcp; docker ps --quiet | wc -l").split()[-1] != "2":
        assert run.poll() is None, run.communicate()[0][-4000:]
        assert time.monotonic() < deadline, "the slot was not filled"
        time.sleep(0.5)


def without_failure(answers: Answers, last: str) -> None:
    """Assert that no request failed, and that the version that serves at the end is the wanted one."""
    assert answers.failed == []
    assert answers.good[-1][1] == f"version {last}"


@pytest.fixture(scope="module")
def reference(site: subprocess.CompletedProcess[str]) -> str:
    """The release of the reference server, which serves before and after these tests."""
    server = Server()
    tiny.publish(server)
    return server.shell(f"basename $(readlink /opt/mcp/slots/{server.slot})")


@pytest.mark.usefixtures("reference")
def test_control_node_killed_in_the_middle_of_a_deploy(server: Server) -> None:
    with asking(server) as answers:
        with beginning("mcp.aws.deploy", *tiny.version("slow", delay=30)) as first:
            wait_until_filled(server, first)
            second = ansible("mcp.aws.deploy", *tiny.version("one"))
            assert second.returncode == 4, second.stdout[-4000:]
            assert f"deploy of {INVENTORY.name} has been running since" in second.stdout + second.stderr
            # Where that lock of the control node is not seen, as from another one, the host has its own.
            elsewhere = ansible("mcp.aws.deploy", *tiny.version("one"), before=WITHOUT_LOCKS)
            assert elsewhere.returncode == 2, elsewhere.stdout[-4000:]
            assert "holds the lock since" in elsewhere.stdout
            # The host goes on with the task that it was given; who takes the lock over waits for its end.
            os.killpg(first.pid, signal.SIGKILL)
        assert "Took the lock over, as that run is dead" in deploy(*tiny.version("one"))
        time.sleep(0.5)
    without_failure(answers, "one")


def test_engine_killed_in_the_middle_of_a_deploy(server: Server) -> None:
    with asking(server) as answers:
        with beginning("mcp.aws.deploy", *tiny.version("late", delay=5)) as run:
            wait_until_filled(server, run)
            server.shell("kill -9 $(pidof dockerd)")
            output = run.communicate(timeout=180)[0]
        # It may go through, as the engine is back within seconds; a refused one says why.
        assert run.returncode == 0 or "was refused" in output, output[-4000:]
        deploy(*tiny.version("two"))
        time.sleep(0.5)
    without_failure(answers, "two")


def test_rollback_is_seen_before_it_has_ended(server: Server, reference: str) -> None:
    with asking(server) as answers:
        time.sleep(0.5)
        began = time.monotonic()
        run = Stack(INVENTORY).rollback(to=reference)
        ended = time.monotonic() - began
        time.sleep(0.5)
    # How many seconds it takes is what bench/deploy measures, with nothing else on the machine.
    seconds = answers.first("postgresql", since=began)
    print(f"the first answer of the old version came {seconds:.1f} s after the command")
    assert answers.failed == []
    assert seconds < ended
    assert isinstance(run.verdict, Rollback)
    (host,) = run.verdict.hosts.values()
    assert (host.outcome, host.now, host.slot) == ("ok", reference, server.slot), str(run.verdict)
    assert host.before not in ("", reference)
    assert host.seconds, "the record tells how long it held the lock"
    verdict = ansible("mcp.aws.verify")
    assert verdict.returncode == 0, verdict.stdout[-6000:]
