"""Command line of the lab: `python -m lab up | status | down`. Every verb can be repeated, and heals what it finds."""

import argparse
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import boto3

from . import account, daemons, engine, hosts, images, network, packages, services, trust
from .settings import API_PORT, API_URL, CREDENTIALS, LOGS, REGION, ROOT, RUN, SOURCE
from .shell import LabError, run, wait_for


@contextmanager
def step(title: str) -> Iterator[None]:
    """Say what is under way and, when it is done, how long it took."""
    print(f"  {title} ...", end="", flush=True)
    began = time.monotonic()
    yield
    print(f" {time.monotonic() - began:.1f} s", flush=True)


def require_root() -> None:
    """Raise LabError with what to do for anybody but root."""
    if os.geteuid() != 0:
        raise LabError("The lab's bridges and hosts belong to root. Run `sudo make lab`, or `sudo python -m lab VERB`.")


@contextmanager
def alone() -> Iterator[None]:
    """Let one `up` or `down` at a time work on the lab; another waits for its end."""
    ROOT.mkdir(parents=True, exist_ok=True)
    with (ROOT / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another `up` or `down` is at work on the lab; waiting for its end.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def up() -> None:
    """Bring the whole lab up; parts that are up and current are left alone."""
    require_root()
    with alone():
        _up()


def _up() -> None:
    print("The lab:")
    LOGS.mkdir(parents=True, exist_ok=True)
    with step("container engine"):
        engine.up()
    with step("network and services"):
        network.up()
        trust.up()
        services.check_ports()
        services.up()
    with step("base images and packages (cached after the first time)"), ThreadPoolExecutor() as pool:
        for part in [pool.submit(work) for work in (images.HOST.up, images.PYTHON.up, packages.up)]:
            part.result()
    with step("python:3.11-slim in the registry"):
        images.publish_python()
    with step("AWS API"):
        _api_up()
    print(f"The lab is up: AWS at {API_URL}, credentials in {CREDENTIALS}.")


def _api_up() -> None:
    command, code = (sys.executable, "-m", "lab.api"), sorted(SOURCE.glob("*.py"))
    if not daemons.is_current("api", code, *command):
        if daemons.is_running("api"):
            print(" its code has changed, so the account begins anew:", end="", flush=True)
        daemons.stop("api")
        # Without the account that knew them, hosts are nobody's.
        _remove_hosts()
        network.withdraw_all()
        CREDENTIALS.unlink(missing_ok=True)
        account.write_amis()
        daemons.start("api", *command, environment=account.ENVIRONMENT, reads=code)
    # Also where an `up` that was cut off has just started it.
    wait_for(
        *("The AWS API", lambda: CREDENTIALS.exists() and services.listening("127.0.0.1", API_PORT)),
        seconds=60,
        evidence=[daemons.log_of("api")],
    )
    states = hosts.states()
    for instance in instances():
        if instance["State"]["Name"] == "running" and states.get(instance["InstanceId"]) == "exited":
            run("docker", "start", instance["InstanceId"])


def instances() -> list[Any]:
    """Every instance that the API knows in the lab's region, without the terminated."""
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(CREDENTIALS)
    ec2 = boto3.client("ec2", endpoint_url=API_URL, region_name=REGION)
    pages = ec2.get_paginator("describe_instances").paginate()
    found = [item for page in pages for reservation in page["Reservations"] for item in reservation["Instances"]]
    return [item for item in found if item["State"]["Name"] != "terminated"]


def _remove_hosts() -> None:
    for container in engine.containers():
        hosts.terminate(container)
    for name in engine.networks():
        run("docker", "network", "rm", name)


def status() -> None:
    """Show the parts of the lab and the instances with their hosts. Raises LabError unless all is up."""
    require_root()
    parts = ["api", *services.NAMES]
    for part in parts:
        running = daemons.is_running(part) or (part == "lxcfs" and services.tells_sizes())
        print(f"  {part:<10} {'running' if running else 'not running'}")
    if not daemons.is_running("api"):
        raise LabError("The lab is down. `make lab` brings it up.")
    states = hosts.states()
    for item in instances():
        names = [tag["Value"] for tag in item.get("Tags", []) if tag["Key"] == "Name"]
        host = states.get(item["InstanceId"], "no host")
        print(
            f"  {item['InstanceId']}  {item['InstanceType']}  {item['State']['Name']} (host {host})  "
            f"{item['PrivateIpAddress']}  {item.get('PublicIpAddress', '-')}  {' '.join(names)}"
        )


def down() -> None:
    """Take everything away but the cache. What cannot be taken away is named when the rest is gone."""
    require_root()
    with alone():
        failures = []
        for part in (_api_down, services.down, network.down, engine.down):
            try:
                part()
            except LabError as error:
                failures.append(str(error))
        shutil.rmtree(RUN, ignore_errors=True)
    if failures:
        raise LabError("The lab is down but for this:\n" + "\n".join(failures))
    print("The lab is down; nothing of it runs.")


def _api_down() -> None:
    daemons.stop("api")
    if engine.answers():
        _remove_hosts()


def main() -> int:
    """Run one verb; exit status 1 and one message when it cannot be done."""
    verbs: dict[str, Callable[[], None]] = {"up": up, "status": status, "down": down}
    parser = argparse.ArgumentParser(prog="python -m lab", description="An AWS region on one machine.")
    parser.add_argument("verb", choices=verbs)
    try:
        verbs[parser.parse_args().verb]()
    except LabError as error:
        print(f"\nlab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
