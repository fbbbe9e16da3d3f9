"""Run the tests part by part, say how long each took, and exit with 1 when one failed.

`python -m tests.run` runs all, `python -m tests.run unit runner` those, `python -m tests.run molecule redis` one role.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
OUTPUT = ROOT / ".lab" / "tests"
AWS_ROLES = ("alarms", "identity", "instance", "load_balancer", "logs", "network", "registry", "secrets", "storage")
HOST_ROLES = ("base", "docker", "health", "log_rotation", "postgresql", "postgresql_upgrade", "proxy", "redis", "stack")
# Three minutes and more: they go first, so that none of them runs alone at the end.
LONG = ("stack", "postgresql_upgrade", "docker", "network")


@dataclass(frozen=True)
class Result:
    """What one command came to: its seconds, and where its whole output is."""

    name: str
    ok: bool
    seconds: float
    output: Path

    def tell(self) -> None:
        """Print one line; the evidence follows when the command failed."""
        print(f"  {'passed' if self.ok else 'FAILED'}  {self.name:<28} {self.seconds:6.1f} s", flush=True)
        if not self.ok:
            text = self.output.read_text(errors="replace").splitlines()
            print("\n".join(f"    | {line}" for line in text[-120:]), flush=True)


def execute(name: str, *command: str) -> Result:
    """Run a command with its output in a file."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    output = OUTPUT / f"{name.replace(' ', '-')}.log"
    environment = {**os.environ, "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}", "MOLECULE_GLOB": SCENARIOS}
    began = time.monotonic()
    with output.open("wb") as file:
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT, check=False)
    result = Result(name, done.returncode == 0, time.monotonic() - began, output)
    result.tell()
    return result


SCENARIOS = "./molecule/*/molecule.yml"
PYTEST = ("pytest", "--quiet", "--color=no")
BY_FILE = ("--numprocesses", "2", "--dist", "loadfile")  # both processors, each file on one of them


def lint() -> list[Result]:
    """Every linter, and what is generated being current."""
    commands = {
        "ruff check": ("ruff", "check", "."),
        "ruff format": ("ruff", "format", "--check", "."),
        "mypy": ("mypy", "."),
        "yamllint": ("yamllint", "--strict", "."),
        "changelog": ("antsibull-changelog", "lint"),
        "documentation": ("python", "docs/generate.py", "--check"),
        "costs": ("python", "docs/costs.py", "--check"),
        "ansible-lint": ("ansible-lint", "--offline", "--strict", "-q"),
    }
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda item: execute(item[0], *item[1]), commands.items()))


def unit() -> list[Result]:
    """Pure functions, templates and plugins; then the reference server with services of its own, beside the suite."""
    first = execute("unit", *PYTEST, *BY_FILE, "tests/unit")
    with ThreadPoolExecutor(1) as pool:
        conformance = pool.submit(execute, "conformance", *PYTEST, "tests/conformance")
        return [first, execute("server", *PYTEST, "roles/stack/files/server/tests"), conformance.result()]


def aws() -> list[Result]:
    """The playbooks against an empty AWS account, and all that can be wrong with one."""
    return [execute("aws", *PYTEST, "tests/aws")]


def runner() -> list[Result]:
    """runner.py on real playbooks, which wait most of the time."""
    return [execute("runner", *PYTEST, *BY_FILE, "tests/runner")]


def molecule(*roles: str) -> list[Result]:
    """Each role: check, converge, idempotence, verify. Three at a time on two cores, as they often wait."""
    short = [role for role in (*HOST_ROLES, *AWS_ROLES) if role not in LONG]
    chosen = roles or (*LONG, *short)
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(lambda role: execute(f"molecule {role}", "molecule", "test", "-s", role), chosen))


def e2e() -> list[Result]:
    """The main job in the lab, and the deployed server as its users and its bad days see it."""
    return [execute("e2e", *PYTEST, "tests/e2e")]


def lab() -> list[Result]:
    """The lab itself, which molecule and e2e stand on."""
    return [execute("lab", "python", "-m", "lab", "up")]


def ground() -> list[Result]:
    """The lab, which waits for downloads most of the time, and beside it the linters."""
    with ThreadPoolExecutor(1) as pool:
        standing = pool.submit(lab)
        return [*lint(), *standing.result()]


def clouds() -> list[Result]:
    """The accounts of their own and the lab's, beside each other: each waits half of its time."""
    with ThreadPoolExecutor(1) as pool:
        accounts = pool.submit(aws)
        return [*e2e(), *accounts.result()]


def life() -> list[Result]:
    """The lab killed, interrupted, in the way of others, and taken away."""
    return [execute("life", *PYTEST, "tests/lab")]


PARTS: dict[str, Callable[..., list[Result]]] = {
    "ground": ground,
    "lint": lint,
    "unit": unit,
    "runner": runner,
    "aws": aws,
    "lab": lab,
    "molecule": molecule,
    "e2e": e2e,
    "clouds": clouds,
    "life": life,
}
WHOLE = [name for name in PARTS if name not in ("lint", "lab", "aws", "e2e")]  # the ground and the clouds hold these


def main(arguments: list[str]) -> int:
    """Run the parts that are named, or all of them."""
    if arguments[:1] == ["molecule"]:
        chosen = {"molecule": tuple(arguments[1:])}
    else:
        chosen = dict.fromkeys(arguments or WHOLE, ())
    if unknown := set(chosen) - set(PARTS):
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 3
    results: list[Result] = []
    for part, options in chosen.items():
        print(f"{part}:", flush=True)
        began = time.monotonic()
        results += PARTS[part](*options)
        print(f"{part} took {time.monotonic() - began:.0f} s\n", flush=True)
    failed = sum(not result.ok for result in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
