"""One deployment, and what can be done with it."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypedDict, Unpack

from mcp_aws import arguments, inventories, sinks
from mcp_aws.errors import BadInput, error_of
from mcp_aws.events import Event
from mcp_aws.history.history import History
from mcp_aws.location import COLLECTION_ROOT, settings
from mcp_aws.lock import locked
from mcp_aws.outcome import now
from mcp_aws.plan import Plan
from mcp_aws.remote.node import Node
from mcp_aws.request import Limits, RunRequest
from mcp_aws.run import Run
from mcp_aws.text import nearest_or_all

CONFIRM = "teardown_confirm"  # what teardown would ask a person, who cannot answer here
UNCONFIRMED = "teardown deletes the deployment, and wants its name (mcp_name) as confirm; nothing was begun."


class StartOptions(TypedDict, total=False):
    """What every run takes; `Stack.start` says what each means."""

    check: bool
    diff: bool
    limit: str | None
    tags: str | Sequence[str]
    skip_tags: str | Sequence[str]
    extra_vars: Mapping[str, Any] | None
    forks: int
    timeout: float
    wait: float
    on_event: Callable[[Event], object] | None


class Options(StartOptions, total=False):
    """What every verb takes: also whether a failed run raises."""

    raise_on_failure: bool


@dataclass(frozen=True)
class Stack:
    """One deployment, named by its inventory: a directory or a file, below the working directory or this checkout.

    :param playbooks: the directory that holds the verbs.
    :param cache: where artifacts and the history go; by default a directory of this inventory's own below
        `$XDG_CACHE_HOME/mcp.aws`.
    :param limits: how many artifacts stay: runs, days, bytes, files.
    :param colour: whether Ansible's output has colours.
    :param node: another control node that does the work; by default this machine does.
    :param sinks: where runs are recorded beside the history: `ara`.
    :raises BadInput: when there is no such inventory, or the directory holds several.
    """

    inventory: str | Path
    playbooks: Path = field(default=COLLECTION_ROOT / "playbooks", kw_only=True)
    cache: Path | None = field(default=None, kw_only=True)
    limits: Limits = field(default=Limits(), kw_only=True)
    colour: bool = field(default=False, kw_only=True)
    node: Node | None = field(default=None, kw_only=True)
    sinks: tuple[str, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        inventories.find(self.inventory)  # a wrong one is told at once, not with the first run

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

    def deploy(self, *, version: str = "", **options: Unpack[Options]) -> Run:
        """Bring a version of the MCP server into service: a branch, tag or commit, by default the inventory's."""
        return self.run("deploy", **_with(options, stack_version=version))

    def rollback(self, *, to: str = "", **options: Unpack[Options]) -> Run:
        """Go back to the release that served before, or to the version, commit or release that `to` names."""
        return self.run("rollback", **_with(options, stack_rollback_to=to))

    def versions(self, **options: Unpack[Options]) -> Run:
        """Show what serves and what a rollback can choose; the run's `verdict` holds it by host."""
        return self.run("versions", **options)

    def verify(self, **options: Unpack[Options]) -> Run:
        """Measure every success criterion; the run's `verdict` holds the table."""
        return self.run("verify", **options)

    def teardown(self, *, confirm: str, **options: Unpack[Options]) -> Run:
        """Delete everything that `provision` made; `confirm` must be the deployment's name (`mcp_name`)."""
        return self.run("teardown", **_with(options, **{CONFIRM: confirm}))

    def plan(self, verb: str = "site", **options: Unpack[StartOptions]) -> Plan:
        """Say what a real run of a verb would change, and what only a real run can tell. Changes nothing.

        :raises RunFailed: when check mode did not get to its end.
        """
        return self._planned(self.run(verb, **_looking(options), raise_on_failure=False))

    async def aplan(self, verb: str = "site", **options: Unpack[StartOptions]) -> Plan:
        """Return what `plan` does without holding up the event loop; cancelled, it ends its run.

        :raises RunFailed: when check mode did not get to its end.
        """
        async with self.start(verb, **_looking(options)) as run:
            await run.ended()
        return self._planned(run)

    def _planned(self, run: Run) -> Plan:
        if plan := Plan.of(run, self.inventory_path.stem):
            return plan
        raise error_of(run)

    def run(self, verb: str, *, raise_on_failure: bool = True, **options: Unpack[StartOptions]) -> Run:
        """Run the playbook of a verb and wait for its end; `start` says what the options mean.

        An interrupt meanwhile ends the run first.

        :param raise_on_failure: False gives a failed run back instead of raising.
        :raises RunFailed: when the run did not end green.
        :raises Unplayable: when Ansible refused the playbook or the inventory; a `RunFailed`, and `BadInput` too.
        """
        with self.start(verb, **options) as run:
            run.join()
        return run.raise_if_failed() if raise_on_failure else run

    def start(
        self,
        verb: str,
        *,
        check: bool = False,
        diff: bool = False,
        limit: str | None = None,
        tags: str | Sequence[str] = (),
        skip_tags: str | Sequence[str] = (),
        extra_vars: Mapping[str, Any] | None = None,
        forks: int = 0,
        timeout: float = 0.0,
        wait: float = 0.0,
        on_event: Callable[[Event], object] | None = None,
    ) -> Run:
        """Start the playbook of a verb and return the run at once.

        :param verb: the name of a file in `playbooks`, without its ending.
        :param check: say what would change, change nothing (Ansible's check mode).
        :param diff: show the differences in files.
        :param limit: an Ansible host pattern.
        :param tags: run only what bears one of these tags; a text may hold several, parted by commas.
        :param skip_tags: leave out what bears one of these.
        :param extra_vars: variables that win over all others; they never show on a command line.
        :param forks: the number of hosts worked on at once; 0 for what ansible.cfg says.
        :param timeout: seconds after which the run is ended; 0 for none.
        :param wait: seconds to wait for another run on the same stack, with this process held up.
        :param on_event: called with every event in a thread of its own; the run does not wait for it, `join` does.
        :raises BadInput: when there is no such playbook, or an option cannot be what it is.
        :raises Locked: when another run is at work on this stack.
        """
        known = self.verbs()  # a verb is a name: a path would run what is no playbook of this stack
        if verb not in known:
            raise BadInput(f"No playbook `{verb}`.{nearest_or_all(str(verb), [*known, 'plan'])}")
        playbook = self.playbooks / f"{verb}.yml"
        variables = arguments.variables(extra_vars)
        if verb == "teardown" and not variables.setdefault(CONFIRM, "") and not check:
            raise BadInput(UNCONFIRMED)
        chosen = {
            "--limit": arguments.text("limit", limit),
            "--tags": arguments.tags("tags", tags),
            "--skip-tags": arguments.tags("skip_tags", skip_tags),
            "--forks": arguments.whole("forks", forks),
        }
        switches = ["--check"] * check + ["--diff"] * diff
        environment = settings() | inventories.environment(self.inventory_path, playbook)
        environment |= sinks.environment(self.sinks, self.cache_path, os.environ | environment)
        request = RunRequest(
            verb=verb,
            playbook=playbook.resolve(),
            inventory=self.inventory_path,
            cache=self.cache_path,
            ident=f"{now():%Y%m%dT%H%M%S}-{verb}-{uuid.uuid4().hex[:6]}",
            arguments=(*switches, *(f"{name}={value}" for name, value in chosen.items() if value)),
            extra_vars=variables,
            check=check,
            colour=self.colour,
            timeout=arguments.number("timeout", timeout),
            limits=self.limits,
            environment=environment,
            program=os.getpid(),
            node=asdict(self.node) if self.node else {},
        )
        with locked(request.inventory, verb, request.ident, check=check, wait=arguments.number("wait", wait)) as lock:
            return Run.begin(request.held_by(lock), on_event)

    def verbs(self) -> list[str]:
        """Return the names of the playbooks that can be run."""
        return sorted(path.stem for path in self.playbooks.glob("*.yml"))

    @property
    def history(self) -> History:
        """What this stack's runs were, changed and took."""
        return History(self.cache_path / "history.sqlite")

    @property
    def inventory_path(self) -> Path:
        """The inventory's absolute path."""
        return inventories.find(self.inventory)

    @property
    def cache_path(self) -> Path:
        """Where artifacts go: outside the checkout, one directory for each inventory."""
        if self.cache:
            return self.cache.absolute()
        path = self.inventory_path
        user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return user / "mcp.aws" / f"{path.stem}-{hashlib.sha256(bytes(path)).hexdigest()[:8]}"


def _with(options: Options, **variables: str) -> Options:
    """Return options with variables added that have a value."""
    known = options.get("extra_vars")
    if known is not None and not isinstance(known, Mapping):
        return options  # which are judged where the run starts
    return {**options, "extra_vars": {**(known or {}), **{name: value for name, value in variables.items() if value}}}


def _looking(options: StartOptions) -> StartOptions:
    """Return options with which nothing is changed."""
    return {**options, "check": True, "diff": True}
