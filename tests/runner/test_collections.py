"""The tarball beside bare ansible-core, with just the collections of requirements.yml: every playbook is read."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = Path(sysconfig.get_path("purelib"))
OF_CORE = "ansible._protomatter"  # lies within ansible-core itself
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
# ansible-core alone: its package and what that imports, but not the folder ansible_collections beside it.
PROGRAM = """
import sys
sys.path.insert(0, sys.argv.pop(1))
sys.argv[0] = "ansible-{module}"
from ansible.cli.{module} import main
sys.exit(main())
"""


class Core:
    """ansible-core whose only collections are those of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        packages = folder / "packages"
        packages.mkdir(parents=True)
        for path in PACKAGES.iterdir():
            if path.name != "ansible_collections" and path.suffix != ".pth":
                (packages / path.name).symlink_to(path)
        self.path = str(packages)
        self.collections = folder / "collections" / "ansible_collections"
        self.collections.mkdir(parents=True)

    def run(self, module: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of its programs; `-S` leaves out the site-packages of this checkout."""
        command = [sys.executable, "-S", "-c", PROGRAM.format(module=module), self.path, *words]
        environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections.parent),
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "tmp"),
            "ANSIBLE_HOME": str(self.folder / "home"),
            "LC_ALL": os.environ.get("LC_ALL", "C.UTF-8"),
        }
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def add(self, name: str) -> None:
        """Add a collection of this machine, and those that it depends on."""
        target = self.collections / name.replace(".", "/")
        if target.exists():
            return
        source = PACKAGES / "ansible_collections" / name.replace(".", "/")
        target.parent.mkdir(exist_ok=True)
        target.symlink_to(source)
        manifest = yaml.safe_load((source / "MANIFEST.json").read_text())["collection_info"]
        for dependency in manifest["dependencies"]:
            self.add(dependency)


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tarball")
    command = [
        str(Path(sys.executable).with_name("ansible-galaxy")),
        "collection",
        "build",
        "--output-path",
        str(folder),
    ]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    return next(folder.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def core(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Core:
    """ansible-core with the tarball and the collections of the tarball's own requirements.yml."""
    core = Core(tmp_path_factory.mktemp("core"))
    install = ["collection", "install", "--offline", "--no-deps", "-p", str(core.collections.parent), str(tarball)]
    done = core.run("galaxy", *install)
    assert done.returncode == 0, done.stdout + done.stderr
    for item in yaml.safe_load((core.collections / "mcp/aws/requirements.yml").read_text())["collections"]:
        core.add(item["name"])
    return core


def test_nothing_but_what_is_required_is_there(core: Core) -> None:
    wanted = yaml.safe_load((ROOT / "requirements.yml").read_text())["collections"]
    required = {"mcp.aws", *(item["name"] for item in wanted)}
    for name in sorted(required - {"mcp.aws"}):
        manifest = yaml.safe_load((core.collections / name.replace(".", "/") / "MANIFEST.json").read_text())
        required |= set(manifest["collection_info"]["dependencies"])
    done = core.run("galaxy", "collection", "list", "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    listed = json.loads(done.stdout)
    assert {name for names in listed.values() for name in names} == required | {OF_CORE}
    assert {path.parent.name + "." + path.name for path in (PACKAGES / "ansible_collections").glob("*/*")} > required


def test_a_playbook_that_needs_more_than_is_there_is_noticed(core: Core, tmp_path: Path) -> None:
    playbook = tmp_path / "more.yml"
    playbook.write_text("- {hosts: localhost, tasks: [{netbox.netbox.netbox_device: {}}]}")
    done = core.run("playbook", "--syntax-check", "-i", "localhost,", str(playbook))
    assert done.returncode != 0
    assert "couldn't resolve module/action 'netbox.netbox.netbox_device'" in done.stderr


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_playbook_is_read(core: Core, playbook: str) -> None:
    done = core.run("playbook", "--syntax-check", "-i", "localhost,", f"mcp.aws.{playbook}")
    assert done.returncode == 0, done.stdout + done.stderr
