"""Background processes of the lab: started once, known by pid and start time, stopped by pid."""

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .settings import LOGS, RUN
from .shell import LabError, wait_for

SLOW = 20.0  # seconds after which a daemon is killed that does not end
# The daemon records itself before it becomes what it is, so that a killed `up` leaves no process that nobody knows.
RECORD_AND_BECOME = """
printf '{"pid": %s, "started": "%s", "digest": "%s"}' $$ "$(cut -d ' ' -f 22 /proc/$$/stat)" "$1" >"$0.new" &&
mv "$0.new" "$0" && shift && exec "$@"
"""


def _record(name: str) -> Path:
    return RUN / f"{name}.pid"


def log_of(name: str) -> Path:
    """The file that holds what a daemon printed."""
    return LOGS / f"{name}.log"


def _started_at(pid: int) -> str | None:
    """When a process started (clock ticks since boot), so that a reused pid is not taken for ours."""
    try:
        state, *_, ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:20]
        threads = os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # A first thread that has ended while others still close their ports is not an ended process.
    return None if state == "Z" and len(threads) == 1 else ticks


def lives(pid: int, program: str) -> bool:
    """Tell whether a process of this id runs and is this program."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return name == program and _started_at(pid) is not None


def _recorded(name: str) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(_record(name).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return record


def is_running(name: str) -> bool:
    """Tell whether the daemon we started under this name still lives."""
    record = _recorded(name)
    return bool(record) and _started_at(record["pid"]) == record["started"]


def is_current(name: str, reads: Iterable[Path], *command: str | Path) -> bool:
    """Tell whether a daemon lives that was started by this command with files of this content."""
    return is_running(name) and _recorded(name).get("digest") == _digest(command, reads)


def _digest(command: Iterable[str | Path], reads: Iterable[Path]) -> str:
    content = [*(str(part).encode() for part in command), *(path.read_bytes() for path in reads)]
    return hashlib.sha256(b"\0".join(content)).hexdigest()


def start(
    name: str, *command: str | Path, environment: Mapping[str, str] | None = None, reads: Iterable[Path] = ()
) -> None:
    """Start a daemon in a session of its own, and anew when its command or the files that it reads have changed."""
    if is_current(name, reads, *command):
        return
    stop(name)
    LOGS.mkdir(parents=True, exist_ok=True)
    record = _record(name)
    record.unlink(missing_ok=True)
    with log_of(name).open("ab") as log:
        subprocess.Popen(
            ["sh", "-c", RECORD_AND_BECOME, str(record), _digest(command, reads), *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
    wait_for(f"The process of {name}", record.exists, seconds=10)


def stop(name: str, seconds: float | None = None) -> None:
    """End a daemon with SIGTERM, and with SIGKILL when it is slow; one that is gone already is fine."""
    if is_running(name):
        pid = _recorded(name)["pid"]
        what, seconds = f"the end of {name} (pid {pid})", seconds or SLOW
        os.kill(pid, signal.SIGTERM)
        try:
            wait_for(what, lambda: not is_running(name), seconds=seconds)
        except LabError:
            os.kill(pid, signal.SIGKILL)
            wait_for(what, lambda: not is_running(name), seconds=seconds)
    _record(name).unlink(missing_ok=True)
