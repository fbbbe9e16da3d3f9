"""The shape of the collection: what the style guide promises and a linter does not hold."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
PLAYBOOKS = sorted((CHECKOUT / "playbooks").glob("*.yml"))
MODULES = sorted(path.stem for path in (CHECKOUT / "plugins" / "modules").glob("*.py"))
TASK_FILES = sorted((CHECKOUT / "roles").glob("*/tasks/**/*.yml"))
PYTHON = sorted(
    path
    for folder in ("plugins", "mcp_aws", "lab", "tests", "docs", "bench", "roles", "molecule")
    for path in (CHECKOUT / folder).rglob("*.py")
)
ROLE_WORDS = {"role", "ansible.builtin.import_role", "ansible.builtin.include_role"}
PLAYBOOK_LINES, TASK_LINES, PYTHON_LINES = 35, 90, 400


def _short(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def _walk(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield each key and value of nested YAML."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            yield from _walk(value)
    elif isinstance(node, list):
        for item in node:
            yield from _walk(item)


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=_short)
def test_playbook_names_roles_and_playbooks_that_exist(playbook: Path) -> None:
    missing = []
    for key, value in _walk(yaml.safe_load(playbook.read_text())):
        if key in ROLE_WORDS:
            name = value["name"] if isinstance(value, dict) else value
            missing += [name] if not (CHECKOUT / "roles" / name.removeprefix("mcp.aws.")).is_dir() else []
        elif key == "ansible.builtin.import_playbook":
            file = f"{value.removeprefix('mcp.aws.')}.yml" if value.startswith("mcp.aws.") else value
            missing += [value] if not (playbook.parent / file).is_file() else []
    assert not missing


def test_every_module_is_documented() -> None:
    names = [f"mcp.aws.{module}" for module in MODULES]
    told = subprocess.run(
        [Path(sys.executable).parent / "ansible-doc", "--type", "module", "--json", *names],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    documented = json.loads(told.stdout)
    assert sorted(documented) == sorted(names), told.stderr
    for name, blocks in documented.items():
        assert blocks["doc"]["short_description"], name
        assert blocks["examples"], f"{name} has no EXAMPLES"
        assert blocks["return"], f"{name} has no RETURN"


def test_every_action_plugin_has_a_documented_module() -> None:
    actions = {path.stem for path in (CHECKOUT / "plugins" / "action").glob("*.py")} - {"__init__"}
    assert actions <= set(MODULES)


def test_modules_that_call_aws_take_their_connection_from_the_action_group() -> None:
    group = yaml.safe_load((CHECKOUT / "meta" / "runtime.yml").read_text())["action_groups"]["aws"]
    members = {name.removeprefix("mcp.aws.") for name in group if isinstance(name, str)}
    callers = {
        module
        for module in MODULES
        if "AnsibleAWSModule" in (CHECKOUT / "plugins" / "modules" / f"{module}.py").read_text()
    }
    assert callers <= members


def test_task_files_are_short() -> None:
    assert not [f"{_short(path)}: {_lines(path)}" for path in TASK_FILES if _lines(path) > TASK_LINES]


def test_python_files_are_short() -> None:
    files = [*PYTHON, CHECKOUT / "runner.py"]
    assert not [f"{_short(path)}: {_lines(path)}" for path in files if _lines(path) > PYTHON_LINES]


def test_python_files_say_what_they_are() -> None:
    silent = [path for path in PYTHON if path.stat().st_size and not re.match(r'(#!.*\n)?r?"""', path.read_text())]
    assert not [_short(path) for path in silent]


def test_one_spelling_for_yaml() -> None:
    """The two in `changelogs/` are names that antsibull-changelog gives."""
    tracked = subprocess.run(["git", "ls-files", "*.yaml"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert set(tracked.stdout.split()) <= {"changelogs/config.yaml", "changelogs/changelog.yaml"}


@pytest.mark.parametrize("words", [r"\bignore_errors:", r"ansible\.builtin\.pause\b", r"\b(?i:lab|moto|molecule)\b"])
def test_roles_plugins_and_playbooks_do_without(words: str) -> None:
    files = [
        path
        for folder in ("roles", "plugins", "playbooks")
        for path in (CHECKOUT / folder).rglob("*")
        if path.is_file() and path.suffix in {".yml", ".j2", ".py"}
    ]
    assert not [_short(path) for path in files if re.search(words, path.read_text())]


def test_private_variables_stay_in_their_role() -> None:
    """Roles and playbooks read `<role>_state` of a role, never a name that it keeps to itself."""
    roles = sorted((path.parent.name for path in (CHECKOUT / "roles").glob("*/tasks")), key=len, reverse=True)
    private = re.compile(
        rf"\b__({'|'.join(roles)})_\w+"
    )  # the longest name first: postgresql_upgrade's are not postgresql's
    wrong = []
    for path in [*(CHECKOUT / "roles").rglob("*"), *(CHECKOUT / "playbooks").rglob("*")]:
        if path.is_file() and path.suffix in {".yml", ".j2"}:
            owner = path.relative_to(CHECKOUT / "roles").parts[0] if path.is_relative_to(CHECKOUT / "roles") else ""
            found = {match[0] for match in private.finditer(path.read_text()) if match[1] != owner}
            wrong += [f"{_short(path)}: {', '.join(sorted(found))}"] if found else []
    assert not wrong


def test_playbooks_are_short() -> None:
    assert not [f"{_short(path)}: {_lines(path)}" for path in PLAYBOOKS if _lines(path) > PLAYBOOK_LINES]


def test_every_collection_that_is_used_is_a_dependency() -> None:
    """galaxy.yml and requirements.yml name the same, and bin/setup compiles what tasks call on the control node."""
    wanted = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text())["dependencies"]
    named = yaml.safe_load((CHECKOUT / "requirements.yml").read_text())["collections"]
    assert {item["name"]: item["version"] for item in named} == wanted
    files = [path for folder in ("roles", "playbooks") for path in (CHECKOUT / folder).rglob("*.yml")]
    pattern = r"\b((?:amazon|ansible|community|containers|kubernetes)\.[a-z_]+)\.[a-z_0-9]+"
    used = {name for path in files for name in re.findall(pattern, path.read_text())}
    assert used - {"ansible.builtin"} <= set(wanted)
    compiled = (CHECKOUT / "bin" / "setup").read_text().split('used="')[1].split('"')[0].split()
    folders = {name.replace(".", "/") for name in used | set(wanted)} - {"ansible/builtin"}
    missing = [name for name in folders if not any(f"{name}/".startswith(f"{prefix}/") for prefix in compiled)]
    assert not missing, missing
