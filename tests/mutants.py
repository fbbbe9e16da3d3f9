"""Plant faults in pure code and see whether the unit tests notice them.

`python -m tests.mutants 40 some-seed` plants 40. Without a seed the commit chooses, so that each one meets others. Who
survives is printed with its line; the exit status is 1 when more than a tenth does.
"""

import difflib
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parent.parent
PURE = (
    "mcp_aws/masks.py",
    "plugins/module_utils/deploy/*.py",
    "plugins/module_utils/health/*.py",
    "plugins/module_utils/postgresql/*.py",
    "plugins/module_utils/run/*.py",
)
LIMIT = 120  # seconds of tests: a mutant that hangs is one that is noticed
# What no test of behaviour could notice: decorators, annotations. The last two want the name of a variable.
LEFT_OUT = ("RemoveDecorator", "BinaryOperator_BitOr", "ExceptionReplacer", "VariableReplacer", "VariableInserter")


@dataclass(frozen=True)
class Mutant:
    """One fault: which file, by which operator, at which of the places that it could be at."""

    file: Path
    operator: str
    occurrence: int

    def code(self) -> str:
        """Return the file with the fault."""
        text = (ROOT / self.file).read_text()
        return str(mutate_code(text, get_operator(self.operator)(), self.occurrence) or text)

    def __str__(self) -> str:
        """Return where it is, and the lines that are not as they were."""
        before, after = (ROOT / self.file).read_text().splitlines(), self.code().splitlines()
        lines = list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]
        place = lines[0].split()[1].lstrip("-").partition(",")[0]
        return "\n".join([f"{self.file}:{place}", *(f"      {line}" for line in lines[1:])])


def mutants(file: Path) -> Iterator[Mutant]:
    """Yield every fault that can be planted in a file."""
    nodes = list(ast_nodes(get_ast((ROOT / file).read_text())))
    for name in operator_names():
        if any(word in name for word in LEFT_OUT):
            continue
        places = sum(len(list(get_operator(name)().mutation_positions(node))) for node in nodes)
        yield from (Mutant(file, name, number) for number in range(places))


def choose(number: int, seed: str) -> list[Mutant]:
    """Return some of all faults, evenly over the files, always the same ones for a seed."""
    files = sorted(path.relative_to(ROOT) for pattern in PURE for path in ROOT.glob(pattern) if path.stat().st_size)
    chance = random.Random(hashlib.sha256(seed.encode()).digest())  # noqa: S311 (no secret)
    piles = [pile for pile in (list(mutants(file)) for file in files) if pile]
    for pile in piles:
        chance.shuffle(pile)
    chance.shuffle(piles)
    rounds = (pile[turn] for turn in range(max(map(len, piles))) for pile in piles if turn < len(pile))
    return list(islice(filter(is_python, rounds), number))


def is_python(mutant: Mutant) -> bool:
    """Tell whether a mutant differs and compiles: some operators take `**` of keywords for a power."""
    code = mutant.code()
    try:
        compile(code, str(mutant.file), "exec")
    except SyntaxError:
        return False
    return code != (ROOT / mutant.file).read_text()


def tests_of(file: Path) -> list[str]:
    """Return the unit tests that import a module, or all where none does."""
    words = {file.parent.name} | ({file.stem} - {"__init__"})
    found = [path for path in sorted((ROOT / "tests/unit").glob("test_*.py")) if imports(path.read_text(), words)]
    return [str(path.relative_to(ROOT)) for path in found] or ["tests/unit"]


def imports(text: str, words: set[str]) -> bool:
    """Tell whether a line of a program imports something of all these names."""
    lines = (line for line in text.splitlines() if line.startswith(("from ", "import ")))
    return any(words <= set(line.replace(".", " ").replace(",", " ").split()) for line in lines)


def copy(folder: Path) -> tuple[Path, dict[str, str]]:
    """Copy what git knows of this checkout to where faults may be planted; return it with the environment of tests."""
    place = folder / "ansible_collections/mcp/aws"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    return place, {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def failure(place: Path, environment: dict[str, str], tests: list[str], limit: float = LIMIT) -> str:
    """Return the first test that does not pass, nothing when all do."""
    command = [sys.executable, "-m", "pytest", "-qx", "--no-header", "--tb=no", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [*command, *tests],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it hangs for {limit} s"
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return "" if done.returncode == 0 else (lines or [f"pytest ends with {done.returncode}"])[0]


def noticed(mutant: Mutant, place: Path, environment: dict[str, str]) -> str:
    """Return what notices a mutant, nothing when all tests pass."""
    target = place / mutant.file
    before = target.read_text()
    target.write_text(mutant.code())
    try:
        return failure(place, environment, tests_of(mutant.file))
    finally:
        target.write_text(before)


def main(arguments: list[str]) -> int:
    """Plant faults one after the other; 0 when at least nine of ten are noticed."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    number, seed = int((arguments or ["20"])[0]), (arguments[1:] or [commit.strip()])[0]
    chosen, survivors = choose(number, seed), []
    with tempfile.TemporaryDirectory(prefix="mcp-mutants-") as folder:
        place, environment = copy(Path(folder))
        tests = sorted({test for mutant in chosen for test in tests_of(mutant.file)})
        if why := failure(place, environment, tests, 10 * LIMIT):
            sys.exit(f"without any fault: {why}")
        for mutant in chosen:
            by = noticed(mutant, place, environment)
            print(f"  {'noticed ' if by else 'SURVIVES'}  {mutant}\n      {by}".rstrip(), flush=True)
            survivors += [] if by else [mutant]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} faults were noticed; the seed was {seed}")
    return 1 if 10 * len(survivors) > len(chosen) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
