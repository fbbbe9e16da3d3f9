"""The container engine: the machine's own where one answers, otherwise a dockerd of ours."""

import os
from pathlib import Path

from . import daemons
from .settings import LABEL
from .shell import LabError, run, succeeds, wait_for

NAME = "dockerd"
PID_FILE = Path("/run/docker.pid")


def answers() -> bool:
    """Tell whether an engine is there for us."""
    return succeeds("docker", "version", "--format", "{{.Server.Version}}")


def up() -> None:
    """Make sure that an engine answers. Raises LabError when there is none and we may not start one."""
    if answers():
        return
    if os.geteuid() != 0:
        raise LabError(
            "No container engine answers, and only root may start one. Run `sudo make lab`, or start Docker and add "
            "yourself to the group docker."
        )
    _forget_the_killed()
    daemons.start(NAME, "dockerd")
    wait_for("The container engine", answers, seconds=60, evidence=[daemons.log_of(NAME)])


def _forget_the_killed() -> None:
    """Remove pid files that a killed dockerd left: the next takes any process, or a zombie, of that id for it."""
    if PID_FILE.exists() and not daemons.lives(int(PID_FILE.read_text()), NAME):
        PID_FILE.unlink()
        # Its containerd dies with it, a moment later.
        PID_FILE.with_name("docker").joinpath("containerd/containerd.pid").unlink(missing_ok=True)


def down() -> None:
    """Stop the engine if it is ours; its images stay on disk for the next run."""
    daemons.stop(NAME, seconds=60)


def containers() -> list[str]:
    """Every host of the lab, by instance id."""
    return run("docker", "ps", "--all", "--filter", f"label={LABEL}", "--format", "{{.Names}}").split()


def networks() -> list[str]:
    """Every network of the lab."""
    return run("docker", "network", "ls", "--filter", f"label={LABEL}", "--format", "{{.Name}}").split()


def has_image(reference: str) -> bool:
    """Tell whether an image is there."""
    return succeeds("docker", "image", "inspect", reference)
