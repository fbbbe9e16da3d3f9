"""Run commands and wait for conditions; whatever fails says what it tried and what came back."""

import shutil
import subprocess
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path


class LabError(Exception):
    """One message for a person: the cause and, after a blank line, the evidence."""


def run(
    *command: str | Path, check: bool = True, stdin: bytes | None = None, timeout: float = 600, cwd: Path | None = None
) -> str:
    """Run a command and give back its output. Raises LabError with the command's last lines when it fails."""
    arguments = [str(part) for part in command]
    if not shutil.which(arguments[0]):
        raise LabError(f"{arguments[0]} is not installed. Run `make setup`, which installs what the lab needs.")
    shown = textwrap.shorten(" ".join(arguments), 100, placeholder=" ...")
    try:
        done = subprocess.run(arguments, input=stdin, capture_output=True, timeout=timeout, cwd=cwd, check=False)
    except subprocess.TimeoutExpired as late:
        raise LabError(f"`{shown}` did not end within {timeout:.0f} s.") from late
    if check and done.returncode:
        raise LabError(f"`{shown}` failed ({done.returncode}).\n\n{tail(done.stderr or done.stdout)}")
    return done.stdout.decode(errors="replace").strip()


def succeeds(*command: str | Path) -> bool:
    """Tell whether a command exits with 0."""
    try:
        return subprocess.run([str(part) for part in command], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def tail(output: bytes, lines: int = 15) -> str:
    """The last lines of an output, which is where programs say what went wrong."""
    return "\n".join(output.decode(errors="replace").strip().splitlines()[-lines:])


def wait_for(what: str, condition: Callable[[], bool], *, seconds: float, evidence: Sequence[Path] = ()) -> None:
    """Poll until the condition holds. Raises LabError with the tail of the evidence files at the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            shown = "\n".join(f"{path}:\n{tail(path.read_bytes())}" for path in evidence if path.exists())
            raise LabError(f"{what} did not come up within {seconds:.0f} s.\n\n{shown}")
        time.sleep(0.1)
