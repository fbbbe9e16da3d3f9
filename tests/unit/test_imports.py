"""Which Python module may import which: no circles, and no arrows from the package to what is built upon it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
UTILS = "ansible_collections.mcp.aws.plugins.module_utils"
HOST = CHECKOUT / "plugins" / "module_utils" / "host"


def modules(folder: Path, package: str) -> dict[str, Path]:
    """Return the files of a package by the names that one imports them by."""
    found = {}
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder).with_suffix("").parts
        found[".".join((package, *(part for part in parts if part != "__init__")))] = path
    return found


def imports(path: Path, known: set[str]) -> Iterator[str]:
    """Yield what a file imports when it is itself imported; what a type checker alone sees does not count."""
    pending: list[ast.AST] = [ast.parse(path.read_text())]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = {f"{node.module}.{name.name}" for name in node.names}
            yield from names & known
            yield from [node.module] if names - known else []
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            pending += ast.iter_child_nodes(node)


@pytest.mark.parametrize(
    ("folder", "package"),
    [
        ("mcp_aws", "mcp_aws"),
        ("plugins/module_utils", UTILS),
    ],
)
def test_no_import_circle(folder: str, package: str) -> None:
    files = modules(CHECKOUT / folder, package)
    graph = {name: set(imports(path, set(files))) & files.keys() - {name} for name, path in files.items()}
    assert any(graph.values()), "nothing imports anything: the test sees nothing"
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_package_imports_nothing_that_is_built_upon_it() -> None:
    above = {"tests", "lab", "bench", "molecule", "docs", "runner"}
    found = [
        f"{path.relative_to(CHECKOUT)} imports {name}"
        for path in modules(CHECKOUT / "mcp_aws", "mcp_aws").values()
        for name in imports(path, set())
        if name.split(".")[0] in above
    ]
    assert not found


@pytest.mark.parametrize("path", sorted(HOST.glob("*.py")), ids=lambda path: path.stem)
def test_what_runs_on_a_host_imports_the_standard_library_alone(path: Path) -> None:
    """A program on a host has neither Ansible nor the collection."""
    wanted = "import importlib, sys; sys.path.insert(0, sys.argv[1]); importlib.import_module(sys.argv[2])"
    package = "host" if path.stem == "__init__" else f"host.{path.stem}"
    command = [sys.executable, "-S", "-I", "-c", wanted, str(HOST.parent), package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
