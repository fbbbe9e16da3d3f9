"""What is installed works without a checkout: as a wheel with a console script, and as a collection's tarball."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections/mcp/aws"
VERSION = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
# What a wheel holds of the collection: all that git knows of these.
PARTS = (
    "inventory/production",
    "meta",
    "playbooks",
    "plugins",
    "roles",
    "README.md",
    "ansible.cfg",
    "galaxy.yml",
    "requirements.txt",
    "site.yml",
)
PLAYBOOK = """#!{python}
import sys
from ansible.cli.playbook import main
sys.exit(main())
"""
PROGRAM = '''
"""What a program of a user's says about types."""

from runner import Change, Event, History, Plan, Run, RunFailed, Stack

stack = Stack("inventory/acme", colour=True)
run = stack.start("deploy", on_event=lambda event: reveal_type(event), tags=["stack"])
reveal_type(run)
reveal_type(stack.site(check=True, raise_on_failure=False).failures)
reveal_type(stack.deploy(version="v1").verdict)
reveal_type([event for event in run])
reveal_type(stack.plan().changes)
reveal_type(run.hosts["mcp-acme"].changed)
reveal_type(stack.history)


async def wait() -> None:
    async for event in run:
        reveal_type(event.time)
    reveal_type(await run)


def react(error: RunFailed) -> Run:
    return error.run


stack.site(chekc=True)
'''
REVEALED = [
    "mcp_aws.events.Event",
    "mcp_aws.run.Run",
    "tuple[mcp_aws.outcome.Failure, ...]",
    "mcp_aws.verdicts.reading.AnyVerdict | None",
    "list[mcp_aws.events.Event]",
    "tuple[mcp_aws.changes.Change, ...]",
    "int",
    "mcp_aws.history.history.History",
    "datetime.datetime",
    "mcp_aws.run.Run",
]

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory outside the checkout, with an inventory that has no host yet."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "acme").write_text("[all:vars]\nmcp_name=acme\n")
    return elsewhere


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    _done([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT)
    [wheel] = folder.iterdir()
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel, and from the checkout's environment what the wheel depends on."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home)
    python = home / "bin" / "python"
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    _done(
        [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "install",
            "-q",
            "--offline",
            "--no-deps",
            "--python",
            str(python),
            str(wheel),
        ]
    )
    (home / "bin" / "ansible-playbook").write_text(PLAYBOOK.format(python=python))
    (home / "bin" / "ansible-playbook").chmod(0o755)
    return home


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection's directory as its tarball makes it."""
    folder = tmp_path_factory.mktemp("tarball")
    _done(["ansible-galaxy", "collection", "build", "--output-path", str(folder), str(ROOT)])
    (folder / COLLECTION).mkdir(parents=True)
    _done(["tar", "-xzf", str(next(folder.glob("*.tar.gz"))), "-C", str(folder / COLLECTION)])
    return folder / COLLECTION


def _done(command: list[str], cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command that must end well, with its own programs first."""
    path = f"{Path(command[0]).parent}:{Path(sys.executable).parent}:/usr/bin:/bin"
    given = {"PATH": path, "HOME": os.environ["HOME"], **environment}
    done = subprocess.run(command, cwd=cwd, env=given, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done


def test_the_wheel_holds_the_library_and_all_of_the_collection_that_runs_need(wheel: Path) -> None:
    known = _done(
        ["/usr/bin/git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *PARTS, "mcp_aws"], cwd=ROOT
    )
    wanted = {name if name.startswith("mcp_aws/") else f"{COLLECTION}/{name}" for name in known.stdout.split()}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == wanted | {"runner/__init__.py", "runner/py.typed"}


def test_every_place_says_the_same_version(installed: Path, elsewhere: Path) -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
    assert VERSION in _done([str(installed / "bin" / "mcp-aws"), "--version"], cwd=elsewhere).stdout


def _run_outside(command: list[str], elsewhere: Path, cache: Path, collection: Path) -> None:
    """Run a playbook of the installed collection, and look whose playbook and whose module it was."""
    arguments = ["versions", "--check", "-i", str(elsewhere / "acme"), "--json"]
    said = json.loads(_done([*command, *arguments], cwd=elsewhere, XDG_CACHE_HOME=str(cache)).stdout)
    assert said["ok"], said
    assert said["unpredicted"] == ["What serves: only a real run can tell, as the host does not exist yet."]
    lines = (Path(said["artifacts"]) / "events.jsonl").read_text().splitlines()
    paths = {json.loads(line).get("event_data", {}).get("task_path", "").partition(":")[0] for line in lines} - {""}
    assert paths
    assert all(Path(path).is_relative_to(collection) for path in paths), paths


def test_the_console_script_runs_the_installed_collection(installed: Path, elsewhere: Path, tmp_path: Path) -> None:
    [collection] = installed.glob(f"lib/python3.*/site-packages/{COLLECTION}")
    _run_outside([str(installed / "bin" / "mcp-aws")], elsewhere, tmp_path, collection)


def test_the_tarball_runs_where_it_is_unpacked(tarball: Path, elsewhere: Path, tmp_path: Path) -> None:
    _run_outside([sys.executable, str(tarball / "runner.py")], elsewhere, tmp_path, tarball)
    assert json.loads((tarball / "MANIFEST.json").read_text())["collection_info"]["version"] == VERSION


def test_a_program_that_uses_it_is_typed(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    python = str(installed / "bin" / "python")
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    revealed = re.findall(r'Revealed type is "(.*)"$', done.stdout, re.M)
    assert revealed == REVEALED, done.stdout + done.stderr
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert len(errors) == 1, errors
    assert 'Unexpected keyword argument "chekc"' in errors[0]
