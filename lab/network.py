"""What a VPC is on this machine: a bridge per VPC, one edge address, and public addresses that lead to hosts."""

import ipaddress
import itertools
import threading
from collections.abc import Callable

from . import engine
from .settings import BRIDGE_PREFIX, EDGE, LABEL, METADATA, METADATA_PORT, PUBLIC_RANGE
from .shell import LabError, run, succeeds

CHAIN = "MCP-LAB"
HOOKS = ("PREROUTING", "OUTPUT")
NAT = ("iptables", "-w", "-t", "nat")  # hosts come and go side by side: wait for the table


def up() -> None:
    """Put the edge address on lo and lead metadata requests of the hosts to it."""
    run("ip", "address", "replace", f"{EDGE}/32", "dev", "lo")
    # A public address without a host ends here, never on the wire.
    run("ip", "route", "replace", PUBLIC_RANGE, "dev", "lo", "src", EDGE)
    succeeds(*NAT, "-N", CHAIN)
    for hook in HOOKS:
        if not succeeds(*NAT, "-C", hook, "-j", CHAIN):
            run(*NAT, "-I", hook, "-j", CHAIN)
    metadata = ("-d", METADATA, "-p", "tcp", "--dport", "80", "-j", "DNAT", "--to-destination")
    _ensure("-i", f"{BRIDGE_PREFIX}+", *metadata, f"{EDGE}:{METADATA_PORT}", hook="PREROUTING")


def down() -> None:
    """Take every rule, route and address away again."""
    succeeds(
        *(*NAT, "-D", "PREROUTING", "-i", f"{BRIDGE_PREFIX}+", "-d", METADATA, "-p", "tcp"),
        *("--dport", "80", "-j", "DNAT", "--to-destination", f"{EDGE}:{METADATA_PORT}"),
    )
    for hook in HOOKS:
        succeeds(*NAT, "-D", hook, "-j", CHAIN)
    succeeds(*NAT, "-F", CHAIN)
    succeeds(*NAT, "-X", CHAIN)
    succeeds("ip", "route", "del", PUBLIC_RANGE, "dev", "lo")
    succeeds("ip", "address", "del", f"{EDGE}/32", "dev", "lo")


def ensure_vpc(vpc_id: str, cidr: str) -> str:
    """Give the name of the VPC's network, made when its first host arrives. The engine refuses overlapping ranges."""
    name = f"{BRIDGE_PREFIX}-{vpc_id}"
    if not succeeds("docker", "network", "inspect", name):
        _make_room(cidr)
        router = ipaddress.ip_network(cidr)[1]
        bridge = f"{BRIDGE_PREFIX}{vpc_id[-8:]}"
        run(
            *("docker", "network", "create", "--label", LABEL, "--subnet", cidr, "--gateway", str(router)),
            *("--opt", f"com.docker.network.bridge.name={bridge}", name),
        )
    return name


def _make_room(cidr: str) -> None:
    """Remove the networks without hosts that overlap with a range: their VPCs are gone, or get them again."""
    for name in engine.networks():
        subnet = run("docker", "network", "inspect", name, "--format", "{{(index .IPAM.Config 0).Subnet}}")
        used = run("docker", "ps", "--all", "--quiet", "--filter", f"network={name}")
        if not used and ipaddress.ip_network(subnet).overlaps(ipaddress.ip_network(cidr)):
            run("docker", "network", "rm", name)


def publish(public: str, private: str) -> None:
    """Lead a public address to a host, as an internet gateway does."""
    _ensure("-d", public, "-j", "DNAT", "--to-destination", private)


def withdraw(public: str, private: str) -> None:
    """Undo `publish`; an address that leads nowhere already is fine."""
    succeeds(*NAT, "-D", CHAIN, "-d", public, "-j", "DNAT", "--to-destination", private)


class PublicAddresses:
    """Addresses of the public range, round and round, without those that lead to a host."""

    def __init__(self, taken: Callable[[], set[str]] | None = None) -> None:
        self._all = [str(address) for address in ipaddress.ip_network(PUBLIC_RANGE).hosts()]
        self._next = itertools.cycle(self._all)
        self._taken = taken or published
        self._lock = threading.Lock()

    def __call__(self) -> str:
        """Return an address that nobody has. Raises LabError when all are taken."""
        with self._lock:
            taken = self._taken()
            for address in itertools.islice(self._next, len(self._all)):
                if address not in taken:
                    return address
        raise LabError(f"All {len(self._all)} public addresses of the lab lead to hosts.")


def published() -> set[str]:
    """Return the public addresses that lead to a host now."""
    rules = run(*NAT, "-S", CHAIN).split()
    return {after.partition("/")[0] for before, after in itertools.pairwise(rules) if before == "-d"}


def withdraw_all() -> None:
    """Lead no public address anywhere: the account that gave them out is gone."""
    run(*NAT, "-F", CHAIN)


def _ensure(*rule: str, hook: str = CHAIN) -> None:
    if not succeeds(*NAT, "-C", hook, *rule):
        run(*NAT, "-A", hook, *rule)
