"""Every example in the pages runs, on small playbooks, and prints what the page says; every public name is in one."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import re
import shutil
import subprocess
import sys
import textwrap
import typing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

import runner

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("docs/ten_things.md", "docs/api.md")
# A heading; or an example, and what it prints in a block of text right behind it.
PARTS = re.compile(
    r"^##+ (?P<title>[^\n]+)$|^```python\n(?P<code>.+?)^```\n(?:\n```text\n(?P<printed>.+?)^```\n)?", re.M | re.S
)
INVENTORY = """
[all:vars]
ansible_connection=local
ansible_python_interpreter={python}
disk_used={disk}
[mcp_servers]
mcp-acme
"""
# Percent of the disk in use; 80 make `verify` red.
DEPLOYMENTS = {"acme": 41, "lab": 41, "staging": 41, "production": 91}
BY_THE_LIBRARY = {"of", "begin", "judged", "record"}  # public for other files of the library, and no user's

Completed = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Example:
    """One block of Python, where it stands, and what it prints."""

    where: str
    code: str
    printed: str | None = None


def _examples() -> Iterator[Example]:
    """Yield the examples of the pages, and the one at the top of the module."""
    for page in PAGES:
        title = ""
        for part in PARTS.finditer((ROOT / page).read_text()):
            title = part["title"] or title
            if part["code"]:
                yield Example(f"{page}: {title}", part["code"], part["printed"])
    lines = [line for line in (runner.__doc__ or "").splitlines() if line.startswith("    ") or not line]
    code = [line for line in lines if not line.strip().startswith("python ")]
    yield Example("runner.py", textwrap.dedent("\n".join(code)))


EXAMPLES = list(_examples())


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory laid out like the checkout, with playbooks of the right names that do little."""
    house = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "runner.py", house)
    shutil.copytree(ROOT / "mcp_aws", house / "mcp_aws", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(Path(__file__).parent / "pages", house / "playbooks")
    (house / "plugins").symlink_to(ROOT / "plugins")
    return house


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, house: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[int, Future[Completed]]]:
    """What becomes of each example that is to be tried, two at a time; each has deployments of its own."""
    mine = [item for item in request.session.items if item.path == Path(__file__) and isinstance(item, pytest.Function)]
    tried = [int(str(item.callspec.params["number"])) for item in mine if "runs" in item.fixturenames]
    folders = {number: tmp_path_factory.mktemp("example") for number in tried}
    with ThreadPoolExecutor(2) as pool:
        yield {number: pool.submit(_run, house, folder, EXAMPLES[number]) for number, folder in folders.items()}
        pool.shutdown(cancel_futures=True)


def _run(house: Path, folder: Path, example: Example) -> Completed:
    for name, disk in DEPLOYMENTS.items():
        (folder / "inventory" / name).mkdir(parents=True)
        (folder / "inventory" / name / "hosts").write_text(INVENTORY.format(disk=disk, python=sys.executable))
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    return subprocess.run(
        [sys.executable, "-c", example.code],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(house), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def _shape(text: str) -> str:
    """Return a text without what differs from day to day: numbers, and the plurals that follow from them."""
    text = re.sub(r"\d+(?:[.:]\d+)*", "1", text)
    return re.sub(r"\b(change|host|check|thing)s\b", r"\1", text).strip()


@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=[example.where for example in EXAMPLES])
def test_an_example_does_what_its_page_says(runs: Mapping[int, Future[Completed]], number: int) -> None:
    example, done = EXAMPLES[number], runs[number].result()
    assert (done.returncode, done.stderr) == (0, ""), f"{example.code}\n{done.stdout}{done.stderr}"
    assert example.printed is None or _shape(done.stdout) == _shape(example.printed), done.stdout


WITH_EXAMPLES = [path.relative_to(ROOT) for path in (ROOT / "mcp_aws").rglob("*.py") if ">>> " in path.read_text()]
MODULES = sorted(".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in WITH_EXAMPLES)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_docstrings_are_right(module: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(module))
    assert tried
    assert not failed


PUBLIC = [getattr(runner, name) for name in runner.__all__]
CLASSES = [thing for thing in PUBLIC if inspect.isclass(thing) and not typing.is_typeddict(thing)]


def _own(cls: type) -> Iterator[tuple[str, object]]:
    """Yield the public methods and properties of a class by name; a property is told as what reads it."""
    for name, member in vars(cls).items():
        function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if not name.startswith("_") and inspect.isfunction(function):
            yield name, function


METHODS = [(f"{cls.__name__}.{name}", function) for cls in CLASSES for name, function in _own(cls)]


def test_every_public_method_is_in_an_example() -> None:
    nodes = [node for example in EXAMPLES for node in ast.walk(ast.parse(example.code))]
    shown = {node.attr for node in nodes if isinstance(node, ast.Attribute)} | BY_THE_LIBRARY
    assert len(METHODS) > 40
    assert [name for name, _ in METHODS if name.partition(".")[2] not in shown] == []


def test_every_public_name_is_in_the_api_page() -> None:
    words = set(re.findall(r"\w+", (ROOT / "docs" / "api.md").read_text())) | BY_THE_LIBRARY
    names = {*runner.__all__, *(name.partition(".")[2] for name, _ in METHODS)}
    assert sorted(names - words - {"Options", "StartOptions"}) == []


def _types(hint: object) -> Iterator[object]:
    """Yield a type and all that it is made of."""
    yield hint
    inner = typing.get_args(hint)
    for one in inner:
        yield from _types(one) if not isinstance(one, Sequence) else (each for item in one for each in _types(item))


def _signatures() -> Iterator[tuple[str, dict[str, object]]]:
    for name, function in METHODS:
        parameters = [one for one in inspect.signature(function).parameters if one not in ("self", "cls")]  # type: ignore[arg-type]
        hints = typing.get_type_hints(function)
        assert hints.keys() >= {*parameters, "return"}, f"{name} is not wholly annotated"
        yield name, hints
    for thing in PUBLIC:
        if inspect.isclass(thing):
            yield thing.__name__, typing.get_type_hints(thing)


def test_no_type_of_another_library_is_in_a_signature() -> None:
    known = (*sys.stdlib_module_names, "runner", "mcp_aws")
    found = {
        f"{name}: {part}"
        for name, hints in _signatures()
        for hint in hints.values()
        for part in _types(hint)
        if getattr(part, "__module__", "builtins").partition(".")[0] not in known
    }
    assert found == set()


def test_every_public_name_explains_itself() -> None:
    silent = [name for name, function in METHODS if not inspect.getdoc(function)]
    assert [*silent, *(cls.__name__ for cls in CLASSES if not cls.__doc__)] == []
