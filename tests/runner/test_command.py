"""The command line: what it prints on a pipe and in a terminal, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_aws.cli.main import main
from mcp_aws.lock import stack_lock

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(house: Path) -> dict[str, str]:
    """The environment that commands run in."""
    return {"PATH": "/usr/bin:/bin", "HOME": str(house), "XDG_CACHE_HOME": str(house / "user")}


def test_a_pipe_gets_a_line_for_each_phase_and_change(command: Command) -> None:
    done = command("green", "-i", "inventory/lab")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "End green, and say what the process was given" in lines
    assert "  changed  Change something" in lines
    assert "verify mcp-lab: 2 of 2 green" in lines
    assert lines[-1].startswith("green green in ")
    assert "\x1b" not in done.stdout


def test_quiet_says_how_it_ended_and_a_red_verdict_is_degraded(command: Command) -> None:
    done = command("red", "--quiet", "--limit", "here")
    assert done.returncode == 2, done.stdout
    red, hint, _rescued, headline, evidence = done.stdout.splitlines()
    assert (red, hint) == ("✘ Disk: 91 %, limit < 80 %", "  Look at df.")
    assert re.fullmatch(r"red degraded in [\d.]+ s: 0 changes on 1 host, 0 of 1 check green", headline)
    assert re.fullmatch(r"evidence: ~/user/mcp\.aws/lab-\w{8}/artifacts/\w+-red-\w{6}", evidence)


def test_json_is_all_that_is_printed(command: Command) -> None:
    done = command("loop", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["failures"][0]["task"] == "Refuse"


def test_a_verbs_own_parameters_and_variables_arrive(command: Command) -> None:
    done = command("rollback", "--to", "v1.4.2", "-e", '{"other": 1}', "--verbose")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "TASK [Look at the variables]" in done.stdout


def test_a_reader_that_has_seen_enough_ends_nothing(house: Path, environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [sys.executable, house / "runner.py", "green", "--verbose"],
        cwd=house,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert (process.wait(30), process.stderr.read()) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verfy"], "No playbook `verfy`. Did you mean `verify`?"),
        (["plan", "sit"], "No playbook `sit`. Did you mean `site`?"),
        (["completion", "zhs"], "No shell `zhs`. Did you mean `zsh`?"),
        (["site", "-i", "inventory/lap"], "No inventory `inventory/lap`. Did you mean `lab`?"),
        (["site", "--chekc"], "unrecognized arguments: --chekc. Did you mean `--check`?"),
        (["site", "--tags", "redis,postgresq"], "No tag `postgresq`. Did you mean `postgresql`?"),
        (["site", "--forks", "0"], "`0` is no whole number above 0"),
        (["site", "--timeout", "soon"], "`soon` is no time; it is written as 90s, 10m or 2h"),
        (["site", "--sink", "arra"], "No sink `arra`. Did you mean `ara`?"),
        (["site", "-e", "one"], "`one` is not written as name=value, @file or JSON"),
        (["site", "-e", "@runner.yp"], "No such file or directory. Did you mean `runner.py`?"),
        (["site", "-e", "{a: [}"], "-e {a: [}: "),
        (["site", "--json", "--quiet"], "argument -q/--quiet: not allowed with argument --json"),
        (["--check", "site"], "The verb comes before `--check`."),
        (["history", "rnus"], "Did you mean `runs`?"),
        ([], "required: verb"),
    ],
)
def test_bad_input_names_what_is_near(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    assert main(arguments) == 3
    said = capsys.readouterr()
    assert message in said.err
    assert len(said.err.splitlines()) <= 2
    assert not said.out or json.loads(said.out)["error"] == "bad_input"


def test_a_host_that_there_is_not_is_bad_input(command: Command) -> None:
    done = command("green", "--limit", "localhots", "--quiet")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "No host or group `localhots` in lab. Did you mean `localhost`?\n"


def test_a_deployment_that_is_worked_on_is_locked(house: Path, command: Command) -> None:
    descriptor = stack_lock.take(house / "inventory" / "lab", verb="deploy", ident="20261126T201500-deploy-abcdef")
    try:
        done = command("green", "--json")
    finally:
        os.close(descriptor)
    assert done.returncode == 4, done.stderr
    assert "deploy" in done.stderr
    said = json.loads(done.stdout)
    assert (said["error"], said["holder"]["pid"]) == ("locked", os.getpid())


def test_nowhere_to_write(house: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, house / "runner.py", "green"],
        cwd=house,
        env=environment | {"XDG_CACHE_HOME": "/dev/null"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "/dev/null" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("number", "status", "times"), [(signal.SIGINT, 130, 2), (signal.SIGTERM, 143, 1)])
def test_an_interrupt_in_a_terminal_ends_the_playbook_too(
    house: Path, environment: dict[str, str], number: signal.Signals, status: int, times: int
) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, house / "runner.py", "wait"],
        cwd=house,
        env=environment | {"TERM": "xterm-256color", "LANG": "C.UTF-8"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        # Where a shell started the tests in the background, children would inherit that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(theirs)
    screen = Screen(ours)
    started: dict[int, str] = {}
    screen.wait(
        lambda: any("AnsiballZ_wait_for" in line for line in started.values()), lambda: started.update(_of(process.pid))
    )
    screen.wait(lambda: "  Wait" in screen.text)
    for _ in range(times):
        process.send_signal(number)
        screen.wait(lambda: "Cancelling: " in screen.text)
    screen.wait(lambda: process.poll() is not None)
    os.close(ours)
    assert process.returncode == status, screen.text
    assert "\x1b[?25l" in screen.text
    assert screen.text.rindex("\x1b[?25h") > screen.text.rindex("\x1b[?25l"), "the cursor stays hidden"
    assert "wait canceled in " in screen.text
    left = [line for pid, line in started.items() if Path(f"/proc/{pid}").exists()]
    assert not left, f"these outlive the runner: {left}"


class Screen:
    """What a terminal was sent."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.text = ""
        os.set_blocking(descriptor, False)

    def wait(self, condition: Callable[[], bool], between: Callable[[], object] = lambda: None) -> None:
        """Read until something is so."""
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, self.text
            between()
            try:
                self.text += os.read(self._descriptor, 65536).decode()
            except BlockingIOError:
                time.sleep(0.02)
            except OSError:  # the other side has closed it
                time.sleep(0.02)


def _of(pid: int) -> dict[int, str]:
    """Return the processes that this one started, directly and through others, with their command lines."""
    found: dict[int, str] = {}
    try:
        for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
            found[child] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
            found |= _of(child)
    except OSError:  # it ended meanwhile
        pass
    return found


@pytest.mark.parametrize("arguments", [[], ["-i", "inventory/lab"], ["--confirm", "lab"], ["--check"]])
def test_teardown_wants_to_be_told_which_deployment(command: Command, house: Path, arguments: list[str]) -> None:
    done = command("teardown", *arguments)
    assert (done.returncode, done.stdout) == (3, "")
    assert "name it with -i INVENTORY and --confirm NAME" in done.stderr


@pytest.mark.parametrize(("name", "status", "words"), [("lab", 0, "green"), ("other", 1, "The answer is `other`.")])
def test_teardown_waits_for_nobody_to_answer(command: Command, name: str, status: int, words: str) -> None:
    done = command("teardown", "-i", "inventory/lab", "--confirm", name)
    assert done.returncode == status, done.stdout
    assert words in done.stdout


def test_a_shell_completes_verbs_and_their_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    ask = 'COMP_WORDS=(runner.py {}); COMP_CWORD={}; COMPREPLY=(); _shtab_runner_py; echo "${{COMPREPLY[@]}}"'
    questions = [ask.format("ro", 1), ask.format("rollback --t", 2), ask.format("plan pro", 2)]
    done = subprocess.run(["bash"], input="\n".join([script, *questions]), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["rollback rotate_secrets", "--tags --timeout --to", "provision"], done.stderr


def test_help_history_and_version(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(Path(__file__).parents[2])
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert re.search(r"verify +Measure every success criterion\n", capsys.readouterr().out)
    assert main(["history", "-i", "inventory/lab"]) == 0
    assert capsys.readouterr().out == "No runs are recorded for inventory/lab.\n"
    assert main(["--version"]) == 0
    assert re.fullmatch(r"mcp\.aws \d+\.\d+\.\d+\n", capsys.readouterr().out)
