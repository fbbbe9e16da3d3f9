"""Run the playbooks of mcp.aws from Python or a shell and get back what happened, typed.

    from runner import Stack

    run = Stack("inventory/lab").site()
    print(run)                # site green in 52.3 s: 3 changes on 2 hosts, 31 of 31 checks green
    run.verdict.checks[0]     # Check(id='http_response_time', measured='p95 41 ms', limit='< 2 s', ...)

    python runner.py site --inventory inventory/lab

    plan = Stack("inventory/lab").plan()    # changes nothing
    plan.changes[0]           # Change(host='localhost', role='storage', task='Create the bucket', item='', diff='...')

Exit status: 0 green, 1 failed, 2 a plan with changes, 3 bad input, 130 interrupted.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, TypedDict, Unpack

from runs.changes import Change
from runs.plan import Plan
from runs.process import Order, execute
from runs.result import CHECKOUT, BadInput, Check, Failure, HostStats, Run, RunFailed, Verdict

__all__ = [
    "BadInput",
    "Change",
    "Check",
    "Failure",
    "HostStats",
    "Options",
    "Plan",
    "Run",
    "RunFailed",
    "Stack",
    "Verdict",
]

GREEN, FAILED, DRIFT, BAD_INPUT, INTERRUPTED = 0, 1, 2, 3, 130
# What playbooks would ask a person, who cannot answer here: without an answer of its own they refuse.
UNASKED = {"teardown": {"teardown_confirm": ""}}


class Options(TypedDict, total=False):
    """What every verb takes; `Stack.run` says what each means."""

    check: bool
    diff: bool
    limit: str | None
    tags: str | Sequence[str]
    extra_vars: Mapping[str, Any]
    raise_on_failure: bool


@dataclass(frozen=True)
class Stack:
    """One deployment, named by its inventory: a directory or a file, below the working directory or this checkout.

    :param live: print Ansible's output while it runs.
    :param playbooks: the directory that holds the verbs.
    :param cache: where artifacts go; by default a directory of this inventory's own below `$XDG_CACHE_HOME/mcp.aws`.
    :param keep: the number of runs whose artifacts stay there.
    :raises BadInput: when there is no such inventory.
    """

    inventory: str | Path
    live: bool = field(default=False, kw_only=True)
    playbooks: Path = field(default=CHECKOUT / "playbooks", kw_only=True)
    cache: Path | None = field(default=None, kw_only=True)
    keep: int = field(default=20, kw_only=True)

    def __post_init__(self) -> None:
        _find_inventory(Path(self.inventory))  # a wrong one is told at once, not with the first run

    def site(self, **options: Unpack[Options]) -> Run:
        """Take an account to a verified server: preflight, provision, configure, deploy, verify."""
        return self.run("site", **options)

    def preflight(self, **options: Unpack[Options]) -> Run:
        """Check credentials, tools and variables before anything is touched."""
        return self.run("preflight", **options)

    def provision(self, **options: Unpack[Options]) -> Run:
        """Make the AWS resources and boot the instance."""
        return self.run("provision", **options)

    def configure(self, **options: Unpack[Options]) -> Run:
        """Install and configure what the server needs on its hosts."""
        return self.run("configure", **options)

    def deploy(self, **options: Unpack[Options]) -> Run:
        """Build and start the MCP server."""
        return self.run("deploy", **options)

    def rollback(self, to: str = "", **options: Unpack[Options]) -> Run:
        """Go back to the release that served before, or to the version, commit or release that `to` names."""
        if to:
            options["extra_vars"] = {**options.get("extra_vars", {}), "stack_rollback_to": to}
        return self.run("rollback", **options)

    def versions(self, **options: Unpack[Options]) -> Run:
        """Show what serves and what a rollback can choose; the run's `versions` holds it by host."""
        return self.run("versions", **options)

    def verify(self, **options: Unpack[Options]) -> Run:
        """Measure every success criterion; the run's `verdict` holds the table."""
        return self.run("verify", **options)

    def teardown(self, **options: Unpack[Options]) -> Run:
        """Delete everything that `provision` made; the variable `teardown_confirm` must be the deployment's name."""
        return self.run("teardown", **options)

    def plan(
        self,
        verb: str = "site",
        *,
        limit: str | None = None,
        tags: str | Sequence[str] = (),
        extra_vars: Mapping[str, Any] | None = None,
    ) -> Plan:
        """Say what a real run of a verb would change, and what only a real run can tell. Changes nothing.

        :raises RunFailed: when check mode did not get to its end.
        """
        run = self.run(
            verb, check=True, diff=True, limit=limit, tags=tags, extra_vars=extra_vars, raise_on_failure=False
        )
        if plan := Plan.of(run, self.inventory_path.stem):
            return plan
        raise RunFailed(run)

    def run(
        self,
        verb: str,
        *,
        check: bool = False,
        diff: bool = False,
        limit: str | None = None,
        tags: str | Sequence[str] = (),
        extra_vars: Mapping[str, Any] | None = None,
        raise_on_failure: bool = True,
    ) -> Run:
        """Run the playbook of a verb and wait for its end.

        :param verb: the name of a file in `playbooks`, without its ending.
        :param check: say what would change, change nothing (Ansible's check mode).
        :param diff: show the differences in files.
        :param limit: an Ansible host pattern.
        :param tags: run only what bears one of these tags; a text may hold several, parted by commas.
        :param extra_vars: variables that win over all others; they never show on a command line.
        :param raise_on_failure: False gives a failed run back instead of raising.
        :raises BadInput: when there is no such playbook.
        :raises RunFailed: when the run did not end green.
        """
        playbook = self.playbooks / f"{verb}.yml"
        if not playbook.is_file():
            raise BadInput(f"No playbook `{verb}`.{_nearest(verb, [*self.verbs(), 'plan'])}")
        chosen = {"--limit": limit, "--tags": tags if isinstance(tags, str) else ",".join(tags)}
        arguments = (
            ["--check"] * check + ["--diff"] * diff + [f"{name}={value}" for name, value in chosen.items() if value]
        )
        run = execute(
            Order(
                playbook=playbook.resolve(),
                inventory=self.inventory_path,
                cache=self.cache_path,
                ident=f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{verb}-{uuid.uuid4().hex[:6]}",
                arguments=tuple(arguments),
                extra_vars=UNASKED.get(verb, {}) | dict(extra_vars or {}),
                live=self.live,
            )
        )
        for old in sorted(run.artifacts.parent.iterdir())[: -self.keep]:
            shutil.rmtree(old, ignore_errors=True)
        if raise_on_failure and not run.ok:
            raise RunFailed(run)
        return run

    def verbs(self) -> list[str]:
        """Return the names of the playbooks that can be run."""
        return sorted(path.stem for path in self.playbooks.glob("*.yml"))

    @property
    def inventory_path(self) -> Path:
        """The inventory's absolute path."""
        return _find_inventory(Path(self.inventory))

    @property
    def cache_path(self) -> Path:
        """Where artifacts go: outside the checkout, one directory for each inventory."""
        if self.cache:
            return self.cache.absolute()
        path = self.inventory_path
        user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return user / "mcp.aws" / f"{path.stem}-{hashlib.sha256(bytes(path)).hexdigest()[:8]}"


def _find_inventory(wanted: Path) -> Path:
    """Return the absolute path of an inventory below the working directory or this checkout."""
    for candidate in (wanted, CHECKOUT / wanted):
        if candidate.exists():
            return candidate.resolve()
    siblings = [path.name for path in (CHECKOUT / wanted).parent.glob("*")]
    raise BadInput(f"No inventory `{wanted}`.{_nearest(wanted.name, siblings)}")


def _nearest(wrong: str, right: Sequence[str]) -> str:
    """Return a sentence that names the nearest right word, else all of them."""
    match = get_close_matches(wrong, right, n=1)
    return f" Did you mean `{match[0]}`?" if match else f" There are: {', '.join(sorted(right)) or 'none'}."


class _Arguments(argparse.ArgumentParser):
    """A parser whose complaints are bad input like all others."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}\n{self.format_usage().strip()}")


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """Return what the command line says."""
    parser = _Arguments("runner.py", description="Run a playbook of mcp.aws, or plan a run.", allow_abbrev=False)
    parser.add_argument(
        "verb", help="site, plan, preflight, provision, configure, deploy, rollback, versions, verify, teardown"
    )
    parser.add_argument("-i", "--inventory", default="inventory/lab", help="the deployment (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="say what would change, change nothing")
    parser.add_argument("--diff", action="store_true", help="show the differences in files")
    parser.add_argument("--limit", help="run on these hosts only")
    parser.add_argument("--tags", default="", help="run these tags only, parted by commas")
    parser.add_argument(
        "--confirm", default="", metavar="NAME", help="answer what teardown asks: the deployment's name"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON and nothing else")
    return parser.parse_args(given)


def _plan(stack: Stack, said: argparse.Namespace) -> int:
    """Print what the main job would change, which takes a while to find out."""
    print(f"Looking what a real run of site on {said.inventory} would change ...", file=sys.stderr)
    try:
        plan = stack.plan(limit=said.limit, tags=said.tags)
    except RunFailed as failed:
        _show(failed.run, said)
        return FAILED
    _show(plan, said)
    return DRIFT if plan.drift else GREEN


def _run(stack: Stack, said: argparse.Namespace) -> int:
    """Run a playbook, show Ansible's output meanwhile, and print what came of it."""
    answers = {"teardown_confirm": said.confirm} if said.confirm else {}
    run = replace(stack, live=not said.json).run(
        said.verb,
        check=said.check,
        diff=said.diff,
        limit=said.limit,
        tags=said.tags,
        extra_vars=answers,
        raise_on_failure=False,
    )
    _show(run, said)
    return GREEN if run.ok else FAILED


def _show(what: Run | Plan, said: argparse.Namespace) -> None:
    """Print a result for a person or for a program."""
    print(json.dumps(what.as_dict(), indent=1) if said.json else what)


def main(given: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit status."""
    try:
        said = _arguments(given)
        return (_plan if said.verb == "plan" else _run)(Stack(said.inventory), said)
    except BadInput as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        print(f"The run's artifacts cannot be kept: {error}", file=sys.stderr)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
