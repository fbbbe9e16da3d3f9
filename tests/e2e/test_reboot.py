"""EC2's own verbs act on the host, and everything comes back with nobody's help."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import httpx

from tests.e2e.conftest import Server, ansible, aws, judged

CLIENTS = 50
READY_WITHIN = 30  # seconds after SSH answers again


def first_process_began(server: Server) -> str:
    """When the host's first process began, or nothing while the host is away."""
    return server.shell("awk '{ print $22 }' /proc/1/stat", check=False)


def wait_for_another_boot(server: Server, before: str, seconds: float) -> None:
    """Wait until SSH answers on a host that booted anew."""
    deadline = time.monotonic() + seconds
    while first_process_began(server) in ("", before):
        assert time.monotonic() < deadline, "the host did not boot anew"
        time.sleep(1)


@contextmanager
def busy(server: Server) -> Iterator[Counter[str]]:
    """Clients that call a tool over and over, whatever comes back; gives the count of each kind of answer."""
    answers: Counter[str] = Counter()
    over = Event()
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_memories", "arguments": {}}}
    headers = {"Authorization": f"Bearer {server.token}", "Accept": "application/json, text/event-stream"}

    def visit() -> None:
        with httpx.Client(base_url=server.url, headers=headers, timeout=5) as client:
            while not over.is_set():
                try:
                    answers[str(client.post("/mcp", json=call).status_code)] += 1
                except httpx.HTTPError as error:
                    answers[type(error).__name__] += 1
                over.wait(0.5)

    with ThreadPoolExecutor(CLIENTS) as pool:
        visits = [pool.submit(visit) for _ in range(CLIENTS)]
        try:
            yield answers
        finally:
            over.set()
    for each in visits:
        each.result()


def wait_until_served(answers: Counter[str], count: int, seconds: float = 60) -> None:
    """Wait until that many requests were answered well."""
    deadline = time.monotonic() + seconds
    while answers["200"] < count:
        assert time.monotonic() < deadline, f"{count} good answers expected within {seconds} s: {dict(answers)}"
        time.sleep(0.1)


def moment(server: Server, unit: str, what: str) -> float:
    """Seconds since the host's start of an event in a unit's life, such as ActiveEnter."""
    found = server.shell(f"systemctl show {unit} --property {what}TimestampMonotonic --value")
    return int(found) / 1e6


def test_everything_is_back_after_a_reboot_under_load(server: Server) -> None:
    before = first_process_began(server)
    with busy(server) as answers:
        wait_until_served(answers, 2 * CLIENTS)
        aws("ec2").reboot_instances(InstanceIds=[server.instance["InstanceId"]])
        wait_for_another_boot(server, before, 120)
        seconds = server.wait_until_ready(120)
        # Those of before the host went away do not count.
        wait_until_served(answers, answers["200"] + CLIENTS)
    print(f"ready {seconds:.1f} s after SSH answered again; the clients got {dict(answers)}")
    assert seconds <= READY_WITHIN
    assert server.shell("timeout 120 systemctl is-system-running --wait", check=False) == "running"
    verdict = ansible("mcp.aws.verify")
    assert verdict.returncode == 0, verdict.stdout[-6000:]
    met, criteria = judged(verdict.stdout)
    assert met == criteria >= 30


def test_the_boot_went_in_the_order_of_the_workflow(server: Server) -> None:
    """Each unit started after those that it needs had said that they are ready, not after a fixed time."""
    wants = {
        "postgresql@12-main": ["docker"],
        "redis-server": ["docker"],
        f"mcp@{server.slot}": ["docker", "postgresql@12-main", "redis-server"],
    }
    for unit, needed in wants.items():
        for earlier in needed:
            ready, began = moment(server, earlier, "ActiveEnter"), moment(server, unit, "InactiveExit")
            assert 0 < ready <= began, f"{unit} began at {began:.2f} s, {earlier} was ready at {ready:.2f} s"


def test_stopped_instance_is_away_and_a_started_one_is_back(server: Server) -> None:
    ids = [server.instance["InstanceId"]]
    aws("ec2").stop_instances(InstanceIds=ids)
    assert first_process_began(server) == ""
    aws("ec2").start_instances(InstanceIds=ids)
    server.wait_until_ready(120)
