"""The deploy lock of a host: who holds it, whether that run still lives, and the file that says so."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import itertools
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

STATE = Path("/var/lib/mcp")
FILE, GUARD = "lock.json", "lock"
SILENCE = 120  # seconds without renewal after which a closed connection counts as the end of a run
PATIENCE = 10  # seconds for a look at the file, which takes milliseconds
ESTABLISHED = "01"
SSH_NAME = b"SSH_CONNECTION="


@dataclass(frozen=True)
class Lock:
    """Who holds the lock, and for what.

    :param run: one run of ansible-playbook; the same in all of its tasks.
    :param boot: what tells one start of the control node from another.
    :param started: when the process `pid` started, in the words of its kernel.
    :param began: when the lock was taken, UTC ISO 8601, as `renewed`.
    :param connection: the SSH connection that took it, as `SSH_CONNECTION` says it; empty where there is none.
    """

    run: str
    who: str
    node: str
    boot: str
    pid: int
    started: str
    verb: str
    version: str
    began: str = ""
    renewed: str = ""
    connection: str = ""

    @classmethod
    def of(cls, known: Mapping[str, Any]) -> Lock:
        """Return the lock that a file or a task describes.

        :raises ValueError: when something is missing.
        """
        try:
            return cls(**{name: known[name] for name in cls.__dataclass_fields__ if name in known})
        except TypeError as error:
            raise ValueError(str(error).partition("() ")[2] or str(error)) from error

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def same_place(self, other: Lock) -> bool:
        """Whether both runs are of one control node that has not restarted, so that it can see both processes."""
        return bool(self.boot) and (self.node, self.boot) == (other.node, other.boot)

    def silent(self, now: datetime) -> float:
        """Seconds since it was renewed; a clock that was set back makes nobody younger than new."""
        return max(0.0, (now - datetime.fromisoformat(self.renewed)).total_seconds())

    def held_for(self, now: datetime) -> float:
        return max(0.0, (now - datetime.fromisoformat(self.began)).total_seconds())

    def renewed_at(self, now: datetime, connection: str, verb: str = "", version: str = "") -> Lock:
        """Return it renewed, and begun if it was not."""
        text = now.isoformat(timespec="milliseconds")
        return replace(
            self,
            began=self.began or text,
            renewed=text,
            connection=connection,
            verb=verb or self.verb,
            version=version or self.version,
        )


def why_dead(lock: Lock, asking: Lock, now: datetime, lease: float, connected: bool | None, gone: str) -> str:
    """Say why the run that holds the lock is dead; nothing while it may live.

    :param asking: the run that wants the lock.
    :param lease: seconds that a run of another control node may go without renewal.
    :param connected: whether the connection that took it is still there; None where that cannot be seen.
    :param gone: the run whose process the control node has looked for in vain.
    """
    if lock.run == gone:
        return f"its process {lock.pid} on {lock.node} has ended"
    if lock.same_place(asking):
        return ""  # the control node sees the process: it lives, however long it takes
    silent = lock.silent(now)
    if silent > lease:
        return f"it was not heard of for {duration(silent)}, which is longer than its lease of {duration(lease)}"
    if connected is False and silent > SILENCE:
        return f"its connection is closed, and it was not heard of for {duration(silent)}"
    return ""


def describe(lock: Lock, now: datetime) -> str:
    """Say who holds the lock since when, doing what."""
    since = datetime.fromisoformat(lock.began).astimezone(UTC)
    return (
        f"{lock.who} holds the lock since {since:%Y-%m-%d %H:%M:%S} UTC, for {duration(lock.held_for(now))}: "
        f"{lock.verb} of {lock.version} by process {lock.pid} on {lock.node}"
    )


def refusal(lock: Lock, asking: Lock, now: datetime, lease: float, file: Path) -> str:
    """Say why the lock is not to be had, and what to do."""
    until = datetime.fromisoformat(lock.renewed).astimezone(UTC) + timedelta(seconds=lease)
    if lock.same_place(asking):
        hope = (
            "That process lives. Wait for it with stack_lock_wait, or end it: the next deploy then takes the lock over"
        )
    else:
        hope = (
            f"Wait for it with stack_lock_wait. If nothing is heard of it, it is taken over at {until:%H:%M:%S} UTC; "
            f"if you know that it is dead, delete {file} on the host"
        )
    return f"{describe(lock, now)}. {hope}."


def duration(seconds: float) -> str:
    """Return a time in at most two units: `38 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`."""
    whole = round(seconds)
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    for (name, size), (smaller, part) in itertools.pairwise(units):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {name}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def established(connection: str, *tables: str) -> bool:
    """Tell whether a connection is open.

    :param connection: client's address and port, server's address and port, parted by blanks.
    :param tables: contents of `/proc/net/tcp` and `/proc/net/tcp6`.
    """
    client, client_port, server, server_port = connection.split()
    wanted = (_address(server), int(server_port), _address(client), int(client_port))
    for line in "\n".join(tables).splitlines():
        words = line.split()
        if len(words) > 3 and words[3] == ESTABLISHED and (*_end(words[1]), *_end(words[2])) == wanted:
            return True
    return False


def _address(text: str) -> str:
    """Return an address in one spelling: IPv4 that came by IPv6 is IPv4."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return str(getattr(address, "ipv4_mapped", None) or address)


def _end(text: str) -> tuple[str, int]:
    """Return address and port of one end in the kernel's table, whose words are in the processor's order of bytes."""
    address, port = text.split(":")
    words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
    return _address(str(ipaddress.ip_address(b"".join(words)))), int(port, 16)


def connection_of(pid: int, proc: Path = Path("/proc")) -> str:
    """Return the SSH connection that a process came by, or nothing.

    sudo takes the variable away, so that the processes above are asked too.
    """
    found = (_connection(each, proc) for each in _upwards(pid, proc))
    return next(filter(None, found), "")


def at_work(connection: str, pid: int, proc: Path = Path("/proc")) -> list[int]:
    """Return the processes that came by an SSH connection: a task goes on when the run that sent it is killed.

    :param pid: a process that does not count, nor do those above it; runs of one control node share connections.
    """
    own = set(_upwards(pid, proc))
    others = sorted({int(path.name) for path in proc.glob("[0-9]*")} - own)
    return [each for each in others if connection and _connection(each, proc) == connection]


def _connection(pid: int, proc: Path) -> str:
    """Return what a process has as SSH_CONNECTION; nothing where root may not look, as in some containers."""
    try:
        environment = (proc / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    values = (name.partition(b"=")[2].decode(errors="replace") for name in environment if name.startswith(SSH_NAME))
    return next((value for value in values if len(value.split()) == 4), "")


def _upwards(pid: int, proc: Path) -> Iterator[int]:
    """Yield a process and those above it, without the first of all."""
    while pid > 1:
        yield pid
        try:
            pid = int((proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            return


def connected(lock: Lock, net: Path = Path("/proc/net")) -> bool | None:
    """Tell whether the connection that took the lock is open; None where nobody can know."""
    if not lock.connection:
        return None
    try:
        tables = [(net / name).read_text() for name in ("tcp", "tcp6") if (net / name).exists()]
        return established(lock.connection, *tables)
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def guarded(folder: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Keep others from the lock's file and the log for a moment.

    :raises TimeoutError: when another does not let go.
    """
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    deadline = time.monotonic() + patience
    with (folder / GUARD).open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    path = folder / GUARD
                    said = f"{path} was in use for {duration(patience)}. `fuser -v {path}` says by whom."
                    raise TimeoutError(said) from None
                time.sleep(0.05)
        yield


def read(folder: Path) -> Lock | None:
    """Return the lock, or None when nobody holds it.

    :raises ValueError: when the file is damaged.
    """
    try:
        text = (folder / FILE).read_text()
    except FileNotFoundError:
        return None
    try:
        lock = Lock.of(json.loads(text))
        datetime.fromisoformat(lock.began)
        datetime.fromisoformat(lock.renewed)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{folder / FILE} is damaged ({error}). Delete it when no deploy is running.") from error
    return lock


def write(folder: Path, lock: Lock) -> None:
    """Note who holds the lock, for good: a host that loses its power knows it afterwards."""
    replace_file(folder / FILE, json.dumps(lock.as_dict(), indent=1) + "\n")


def remove(folder: Path) -> None:
    """Let go of the lock."""
    (folder / FILE).unlink(missing_ok=True)


def replace_file(path: Path, text: str, mode: int = 0o640) -> None:
    """Write a file in one step."""
    new = path.with_name(f".{path.name}.new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
