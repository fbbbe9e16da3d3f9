"""What the command line takes. Verbs are the playbooks; a method of `Stack` adds its own parameters to its verb's."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import shtab

from mcp_aws.cli import new
from mcp_aws.cli.values import positive, seconds
from mcp_aws.display.hints import program
from mcp_aws.errors import BadInput
from mcp_aws.history import command as history_command
from mcp_aws.stack import Stack
from mcp_aws.text import nearest

COMMANDS = ("new", "plan", "history", "completion")
SHELLS = ("bash", "zsh", "tcsh")
EPILOG = """\
Exit status: 0 green; 1 failed; 2 drift (a plan with changes), or degraded (all was done, and the verdict is red);
3 bad input; 4 another run is at work on the deployment; 130 interrupted, 143 ended by SIGTERM, 129 by a lost terminal.
"""
# What a verb's own parameters are called in its help, and what they mean.
OWN = {
    "confirm": ("NAME", "the name of the deployment (mcp_name), which is what a person would be asked for"),
    "to": ("RELEASE", "a version, commit or release; by default the one that served before"),
    "version": ("VERSION", "a branch, tag or commit; by default the inventory's"),
}


LAB = "inventory/lab"
NOT_EMPTY = ("limit", "node", *OWN)  # an unset variable of a shell must not mean all hosts, or this machine


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are bad input like all others, and name what is near."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong, with a usage of one line.

        :raises BadInput: always.
        """
        if found := re.search(r"argument (\S+): invalid choice: '(.*)' \(choose from (.*)\)", message, re.S):
            what = "playbook" if found[1].lower() == "verb" else found[1]
            known = [word.strip("'") for word in found[3].split(", ")]  # Python 3.13 writes no quotes
            listed = ", ".join(known)
            message = f"No {what} `{found[2]}`.{nearest(found[2], known) or f' There are: {listed}.'}"
        raise BadInput(f"{message}\nusage: {self.usage_line}; `{self.prog} --help` tells more")

    @property
    def usage_line(self) -> str:
        """The usage in a few words."""
        return f"{self.prog} [options]" if " " in self.prog else f"{self.prog} VERB [options]"


def parse(given: Sequence[str]) -> argparse.Namespace:
    """Return what the command line says.

    :raises BadInput: it says what nobody knows.
    """
    parser = build()
    if given and given[0].startswith("-") and given[0] not in ("-h", "--help", "--version"):
        parser.error(f"The verb comes before `{given[0]}`.")
    args, unknown = parser.parse_known_args(given)
    if not args.action and not args.version:
        parser.error("the following arguments are required: verb")
    if args.action == "teardown" and not unknown and not (args.inventory and args.confirm):
        args.parser.error("teardown deletes a deployment: name it with -i INVENTORY and --confirm NAME (its mcp_name).")
    for name in NOT_EMPTY:
        if getattr(args, name, None) == "":
            args.parser.error(f"--{name} is empty; give a value, or leave it out.")
    if unknown:
        known = [word for action in args.parser._actions for word in action.option_strings]
        args.parser.error(f"unrecognized arguments: {' '.join(unknown)}.{nearest(unknown[0].partition('=')[0], known)}")
    return args


def build() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(
        program(),
        description="Run a playbook of mcp.aws, plan a run, or look at those that were.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="say which version this is")
    verbs = parser.add_subparsers(dest="action", metavar="VERB", required=False, parser_class=Parser)
    playbooks = _playbooks()
    for name, path in playbooks.items():
        method = method_of(name)
        one = _add(verbs, name, _summary(method.__doc__ if method else _first_words(path)))
        _add_deployment(one, "" if name == "teardown" else LAB)
        _add_check(one)
        _add_run(one)
        for parameter in own_parameters(name):
            metavar, what = OWN.get(parameter, (parameter.upper(), ""))
            one.add_argument(f"--{parameter.replace('_', '-')}", metavar=metavar, help=what)
    new.add_arguments(_add(verbs, "new", "Write the inventory of a new deployment"))
    plan = _add(verbs, "plan", _summary(Stack.plan.__doc__))
    plan.add_argument("what", nargs="?", default="site", metavar="verb", choices=list(playbooks), help="default: site")
    _add_deployment(plan)
    _add_run(plan)
    history = _add(verbs, "history", "Tell what earlier runs were, changed and took")
    _add_deployment(history)
    history_command.add_arguments(history)
    completion = _add(verbs, "completion", "Print what makes a shell complete this command")
    completion.add_argument("shell", choices=SHELLS)
    return parser


def _playbooks() -> dict[str, Path]:
    """Return the playbooks by their names: those with a method in its order, then the others."""
    found = {path.stem: path for path in sorted(Stack.playbooks.glob("*.yml")) if path.stem not in COMMANDS}
    order = [name for name in vars(Stack) if name in found]
    return {name: found[name] for name in dict.fromkeys([*order, *found])}


def method_of(verb: str) -> Callable[..., Any] | None:
    """Return the method of `Stack` that runs a verb; a playbook that somebody added has none."""
    method = vars(Stack).get(verb)
    return method if inspect.isfunction(method) and verb not in (*COMMANDS, "aplan", "run", "start", "verbs") else None


def own_parameters(verb: str) -> list[str]:
    """Return the names of the parameters of a verb's method beyond those of all verbs."""
    method = method_of(verb)
    known = inspect.signature(method).parameters.values() if method else ()
    return [parameter.name for parameter in known if parameter.kind is parameter.KEYWORD_ONLY]


def _add(verbs: Any, name: str, what: str) -> Parser:
    parser: Parser = verbs.add_parser(name, help=what, description=f"{what}.", allow_abbrev=False)
    parser.set_defaults(parser=parser)
    return parser


def _add_deployment(parser: Parser, default: str = LAB) -> None:
    what = f"the deployment (default: {default})" if default else "the deployment; there is no default"
    inventory = parser.add_argument("-i", "--inventory", default=default or None, help=what)
    inventory.complete = shtab.FILE  # type: ignore[attr-defined]


def _add_check(parser: Parser) -> None:
    parser.add_argument("-C", "--check", action="store_true", help="say what would change, change nothing")
    parser.add_argument("-D", "--diff", action="store_true", help="show the differences in files, with --verbose")


def _add_run(parser: Parser) -> None:
    parser.add_argument("-l", "--limit", metavar="HOSTS", help="run on these hosts only, an Ansible host pattern")
    parser.add_argument("-t", "--tags", default="", help="run these tags only, parted by commas")
    parser.add_argument("--skip-tags", default="", metavar="TAGS", help="leave these tags out")
    parser.add_argument("-f", "--forks", type=positive, default=0, metavar="NUMBER", help="hosts worked on at once")
    extra = parser.add_argument(
        "-e",
        "--extra-vars",
        action="append",
        default=[],
        metavar="VARIABLES",
        help="name=value, @file of YAML or JSON, or JSON; they win over all others, and show on no command line",
    )
    extra.complete = shtab.FILE  # type: ignore[attr-defined]
    parser.add_argument("--timeout", type=seconds, default=0.0, metavar="TIME", help="end the run after 90s, 10m, 2h")
    parser.add_argument(
        "--wait", type=seconds, default=0.0, metavar="TIME", help="wait so long for another run on the deployment"
    )
    parser.add_argument("--node", metavar="HOST", help="let another control node do it, reached by SSH")
    parser.add_argument("--sink", action="append", default=[], metavar="NAME", help="record the run there too: ara")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="print the result as JSON and nothing else")
    shown.add_argument("-q", "--quiet", action="store_true", help="print how it ended, and what is wrong")
    shown.add_argument("--plain", action="store_true", help="print a line for each phase and change, as on a pipe")
    shown.add_argument("-v", "--verbose", action="store_true", help="print what Ansible prints")


def _summary(text: str | None) -> str:
    """Return the first sentence of a text without its end."""
    first = next(iter((text or "").strip().splitlines()), "")
    return re.split(r"[.:;] ", first.rstrip("."))[0].replace("%", "%%")


def _first_words(path: Path) -> str:
    """Return how a playbook describes itself: its first comment, else the name of its first play."""
    lines = path.read_text().splitlines()
    return next(_described(lines), path.stem)


def _described(lines: list[str]) -> Iterator[str]:
    for sign in ("# ", "- name: "):
        yield from (line.removeprefix(sign) for line in lines if line.startswith(sign))
