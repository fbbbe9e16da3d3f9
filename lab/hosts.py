"""Instances as real hosts: each one that the API runs is a container with systemd, cloud-init and sshd.

The functions take moto's `Instance`; what they start is named after the instance id and labelled as the lab's.
"""

import json
import os
from collections import Counter
from typing import Any

from . import engine, images, network
from .settings import LABEL, RUN
from .shell import LabError, run, succeeds

LXCFS_FILES = ("cpuinfo", "diskstats", "loadavg", "meminfo", "stat", "swaps", "uptime")
# What boots systemd with a nested engine inside; --privileged would ask for more than the machine itself may have.
BOOT_FLAGS = (
    *("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--cgroupns", "private", "--device-cgroup-rule", "a *:* rwm"),
    *("--tmpfs", "/run", "--tmpfs", "/run/lock", "--volume", "/var/lib/docker", "--tty"),
)


def create(instance: Any, *, memory_mib: int, processors: int) -> None:
    """Boot the host of a new instance at its private address, with the memory and processors of its type."""
    vpc = instance.ec2_backend.get_vpc(instance.vpc_id)
    hostname = instance.private_dns_name.partition(".")[0]
    memory = f"{memory_mib}m"
    run(
        *("docker", "run", "--detach", "--name", instance.id, "--hostname", hostname),
        *("--label", LABEL, "--restart", "unless-stopped", "--stop-signal", "SIGRTMIN+3", *BOOT_FLAGS),
        *("--memory", memory, "--memory-swap", memory, "--cpuset-cpus", _processors(processors)),
        *(part for name in LXCFS_FILES for part in ("--volume", f"/var/lib/lxcfs/proc/{name}:/proc/{name}")),
        *("--volume", "/var/lib/lxcfs/sys/devices/system/cpu:/sys/devices/system/cpu"),
        *("--volume", f"{RUN}/etc/resolv.conf:/etc/resolv.conf:ro"),
        *("--network", network.ensure_vpc(vpc.id, vpc.cidr_block), "--ip", instance.private_ip),
        images.HOST.reference(),
    )
    (RUN / "hosts" / instance.id).write_text(f"{instance.private_ip} {instance.private_dns_name} {hostname}\n")
    publish(instance)


def start(instance: Any) -> None:
    """Boot a stopped host."""
    run("docker", "start", instance.id)
    publish(instance)


def stop(instance: Any) -> None:
    """Shut a host down as its power button does."""
    run("docker", "stop", "--time", "30", instance.id)


def reboot(instance: Any) -> None:
    """Shut a host down and boot it again."""
    run("docker", "restart", "--time", "30", instance.id)


def terminate(instance_id: str) -> None:
    """Remove a host with its disks; one that is gone already is fine."""
    (RUN / "hosts" / instance_id).unlink(missing_ok=True)
    if succeeds("docker", "container", "inspect", instance_id):
        run("docker", "rm", "--force", "--volumes", instance_id)


def publish(instance: Any) -> None:
    """Lead the instance's public address to it."""
    if instance.public_ip:
        network.publish(instance.public_ip, instance.private_ip)


def withdraw(instance: Any) -> None:
    """Lead the instance's public address nowhere."""
    if instance.public_ip:
        network.withdraw(instance.public_ip, instance.private_ip)


def console(instance_id: str) -> str:
    """What the host printed on its console since it was created (at most the last 64 KiB, as EC2 keeps)."""
    return run("docker", "logs", instance_id, check=False)[-65536:]


def states() -> dict[str, str]:
    """State of every host by instance id, as the engine sees it."""
    listing = run("docker", "ps", "--all", "--filter", f"label={LABEL}", "--format", "{{json .}}")
    return {host["Names"]: host["State"] for host in map(json.loads, listing.splitlines())}


def _processors(wanted: int) -> str:
    """Processors for a host: those that the fewest hosts have."""
    available = sorted(os.sched_getaffinity(0))
    if wanted > len(available):
        raise LabError(f"The instance type has {wanted} processors, this machine {len(available)}.")
    hosts = engine.containers()
    # One that is removed meanwhile has no share any more.
    shares = run("docker", "inspect", "--format", "{{.HostConfig.CpusetCpus}}", *hosts, check=False) if hosts else ""
    return ",".join(map(str, least_used(available, shares.split())[:wanted]))


def least_used(available: list[int], shares: list[str]) -> list[int]:
    """Return the processors by how many hosts have them, the fewest first; a share is a host's list such as `0,1`."""
    used = Counter(int(number) for share in shares for number in share.split(","))
    return sorted(available, key=lambda number: (used[number], number))
