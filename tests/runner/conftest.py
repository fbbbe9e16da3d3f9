"""A stack of small playbooks in a temporary directory, and a copy of the command line that has them beside it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from runner import Stack  # noqa: E402

INVENTORY = """
[all:vars]
ansible_python_interpreter=/usr/bin/python3
site_changes={changes}
site_fails={fails}
[here]
localhost ansible_connection=local
[gone]
gone ansible_host=127.0.0.1 ansible_port=1 ansible_connection=ssh
"""


BROKEN = """
- name: Name a module that there is not
  hosts: here
  tasks:
    - name: Try it
      ansible.builtin.no_such_module:
"""

SYNTAX = """
- name: Break off in the middle of a list
  hosts: here
  tasks: [
"""
# Files of their own here, as no linter could read them. The password of the vault is nowhere.
VAULT = """\
$ANSIBLE_VAULT;1.1;AES256
39373930333265363032376637663066353262623361303034626332653763636166346461333836
3965303861383732366534356664323961656338313634380a393135393132303633663336376562
36653839646331383033636634343235393161316431376439373534313834376461373936663161
3336353732623833300a623736626162303138636162633062633766356261663932656534323936
3664
"""
VAULTED = f"""
- name: Use what is in a vault
  hosts: here
  gather_facts: false
  vars:
    vaulted: !vault |
{indent(VAULT, " " * 8)}  tasks:
    - name: Use it
      ansible.builtin.assert:
        that: vaulted | length > 0
"""
UNREADABLE = {"broken": BROKEN, "syntax": SYNTAX, "vaulted": VAULTED}


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory laid out like the checkout: runner, playbooks and an inventory."""
    house = tmp_path_factory.mktemp("house")
    shutil.copy(CHECKOUT / "runner.py", house)
    for part in ("mcp_aws", "plugins"):
        shutil.copytree(CHECKOUT / part, house / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(Path(__file__).parent / "playbooks", house / "playbooks")
    (house / "playbooks" / "file").write_text("same\nold\n")
    (house / "vault.yml").write_text(VAULT)
    for name, text in UNREADABLE.items():
        (house / "playbooks" / f"{name}.yml").write_text(text)
    for name, changes, fails in (("lab", True, False), ("calm", False, False), ("failing", True, True)):
        (house / "inventory" / name).mkdir(parents=True)
        (house / "inventory" / name / "hosts").write_text(INVENTORY.format(changes=changes, fails=fails))
    return house


@pytest.fixture(scope="session")
def stack(house: Path) -> Stack:
    """The stack of that directory."""
    return Stack(house / "inventory" / "lab", playbooks=house / "playbooks", cache=house / "cache")


@pytest.fixture
def command(house: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line beside these playbooks."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(house), "XDG_CACHE_HOME": str(house / "user")}
        return subprocess.run(
            [sys.executable, house / "runner.py", *arguments],
            env=environment,
            cwd=house,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run
