"""Background processes of the lab: started once, known by pid and start time, stopped by pid."""

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .settings import LOGS, RUN
from .shell import wait_for

# The daemon records itself before it becomes what it is, so that a killed `up` leaves no process that nobody knows.
RECORD_AND_BECOME = """
printf '{"pid": %s, "started": "%s"}' $$ "$(cut -d ' ' -f 22 /proc/$$/stat)" >"$0.new" && mv "$0.new" "$0" && exec "$@"
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


def is_running(name: str) -> bool:
    """Tell whether the daemon we started under this name still lives."""
    try:
        record = json.loads(_record(name).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return False
    return _started_at(record["pid"]) == record["started"]


def start(name: str, *command: str | Path, environment: Mapping[str, str] | None = None) -> None:
    """Start a daemon in a session of its own unless it runs already."""
    if is_running(name):
        return
    LOGS.mkdir(parents=True, exist_ok=True)
    record = _record(name)
    record.unlink(missing_ok=True)
    with log_of(name).open("ab") as log:
        subprocess.Popen(
            ["sh", "-c", RECORD_AND_BECOME, str(record), *(str(part) for part in command)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
    wait_for(f"The process of {name}", record.exists, seconds=10)


def stop(name: str, seconds: float = 20) -> None:
    """End a daemon with SIGTERM and wait for it; a daemon that is gone already is fine."""
    if is_running(name):
        pid = json.loads(_record(name).read_text())["pid"]
        os.kill(pid, signal.SIGTERM)
        wait_for(f"the end of {name} (pid {pid})", lambda: not is_running(name), seconds=seconds)
    _record(name).unlink(missing_ok=True)
