"""The action plugin at work: what people wrote is judged, what plugins and facts brought is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner import Run, Stack

INVENTORY_PLUGIN = """
from ansible.plugins.inventory import BaseInventoryPlugin
class InventoryModule(BaseInventoryPlugin):
    NAME = "cloud"
    def verify_file(self, path):
        return path.endswith("cloud.yml")
    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        inventory.add_host("here")
        for name, value in {"door_id": "i-1", "door_open": True, "door_interfaces": [1]}.items():
            inventory.set_variable("here", name, value)
"""
SPECS = "argument_specs: {main: {options: {door_port: {type: int}, door_users: {type: list}}}}"
FILES = {
    "playbooks/inventory_plugins/cloud.py": INVENTORY_PLUGIN,
    "playbooks/roles/door/meta/argument_specs.yml": SPECS,
    "playbooks/roles/door/tasks/main.yml": """
- ansible.builtin.set_fact: {door_state: {open: true}}
- mcp.aws.known_variables: {others: {house: [house_name, house_colour]}}
""",
    "playbooks/roles/door_bell/meta/argument_specs.yml": "argument_specs: {main: {options: {door_bell_tone: {}}}}",
    "playbooks/inside.yml": """
- hosts: here
  gather_facts: false
  roles: [door]
""",
    "playbooks/outside.yml": """
- hosts: here
  gather_facts: false
  tasks: [{mcp.aws.known_variables: {roles: [door]}}]
""",
    "inventory/cloud.yml": "plugin: cloud",
    "inventory/group_vars/all/main.yml": """
ansible_connection: local
door_port: 1
door_bell_sound: loud
""",
}


def _run(house: Path, playbook: str = "inside", *, host_vars: str = "", **extra_vars: object) -> Run:
    """Lay the files out and run a playbook."""
    for name, content in (FILES | {"inventory/host_vars/here.yml": host_vars}).items():
        path = house / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    stack = Stack(house / "inventory", playbooks=house / "playbooks", cache=house / "cache")
    return stack.run(playbook, extra_vars=extra_vars, check=True, raise_on_failure=False)


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let Ansible find the inventory plugin before it knows the playbook."""
    monkeypatch.setenv("ANSIBLE_INVENTORY_PLUGINS", str(tmp_path / "playbooks" / "inventory_plugins"))
    monkeypatch.setenv("ANSIBLE_INVENTORY_ENABLED", "cloud")


def test_names_of_plugins_facts_and_other_roles_pass(tmp_path: Path) -> None:
    run = _run(tmp_path, door_users=[])
    assert run.ok, run.output()


def test_misspelt_names_of_a_file_an_extra_variable_and_no_role(tmp_path: Path) -> None:
    run = _run(tmp_path, host_vars="---\ndoor_prot: true\n", door_userz=True, house_nam="x", house_colour="red")
    in_file, extra, of_no_role = run.failures[0].message.splitlines()
    assert "`door_prot` (" in in_file
    assert "inventory/host_vars/here.yml:2) is not a variable of `door`: did you mean `door_port`?" in in_file
    assert "`door_userz` (extra variable) is not a variable of `door`: did you mean `door_users`?" in extra
    assert of_no_role.endswith("did you mean `house_name`? All of them: house_name, house_colour.")


def test_outside_a_role_the_roles_of_the_collection_are_meant(tmp_path: Path) -> None:
    assert "No such role: door" in _run(tmp_path, "outside").failures[0].message
