"""The callback `workflow`: what it takes down, what it shows, and ansible-playbook with it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.mcp.aws.plugins.callback import workflow as callback
from ansible_collections.mcp.aws.plugins.module_utils.run import stack_lock
from ansible_collections.mcp.aws.plugins.module_utils.run.phases import APPLICATION, INFRASTRUCTURE, SYSTEM
from ansible_collections.mcp.aws.plugins.module_utils.run.workflow import Course, duration, header, report

ROOT = Path(__file__).parents[2]


def course() -> Course:
    """A run that failed in its second stage: one task at 0 s for 2 s, one at 2 s for 70 s, one that failed at 80 s."""
    run = Course("site of lab", [INFRASTRUCTURE, SYSTEM, APPLICATION])
    assert run.enter(INFRASTRUCTURE, 0.0)
    assert not run.enter(INFRASTRUCTURE, 1.0), "it goes on"
    run.begin("key", "localhost", 0.0)
    run.end("key", "identity: Make it", "localhost", 0.0)
    run.begin("vpc", "localhost", 0.0)
    run.end("vpc", "network: Make it", "localhost", 2.0, changed=True)
    run.enter(SYSTEM, 2.0)
    for host, seconds in (("a", 3.0), ("b", 70.0), ("c", 0.5), ("d", 0.5)):
        run.begin("install", host, 2.0)
        run.end("install", "base: Install", host, 2.0 + seconds, changed=True)
    run.begin("not here", "a", 72.0)
    run.skip("not here", "a")
    run.begin("start", "a", 80.0)
    run.end("start", "base: Start", "a", 80.0, failed=True)
    run.close(82.0, ["a"])
    return run


def test_the_report_tells_times_slow_tasks_changes_and_failures() -> None:
    assert report(course(), 100).splitlines() == [
        "  site of lab                                time   tasks       changes",
        "✔ Phase 1: Infrastructure Setup             2.0 s       2             1",
        "✘ Phase 2: System Initialization       1 min 20 s       2             4",
        "- Phase 3: Application Deployment     not reached",
        "  together                             1 min 22 s       4             5",
        "",
        "slowest tasks",
        "  1 min 10 s  base: Install (b, slowest of 4)",
        "       2.0 s  network: Make it",
        "",
        "changed",
        "  network: Make it",
        "  base: Install (a, b, c and 1 more)",
        "",
        "failed",
        "  ✘ base: Start (a)",
    ]


def test_what_was_rescued_or_ignored_makes_no_stage_red() -> None:
    run = Course("site", [SYSTEM])
    run.enter(SYSTEM, 0.0)
    run.end("task", "base: Try", "a", 0.1, failed=True)
    run.close(0.2, [])
    assert report(run, 80).splitlines()[1:] == ["✔ Phase 2: System Initialization            0.2 s       1"]


def test_many_changes_are_counted_and_long_names_end_at_the_edge() -> None:
    run = Course("site", [SYSTEM])
    run.enter(SYSTEM, 0.0)
    for number in range(13):
        run.end(str(number), f"base: Change {number}", "a", 0.1, changed=True)
    run.begin("long", "a", 0.0)
    run.end("long", "base: " + "x" * 200, "a", 5.0)
    run.close(5.0, [])
    lines = report(run, 20, check=True).splitlines()
    assert "would change" in lines[0]
    assert "would change" not in lines[1:]
    assert max(map(len, lines)) == 80
    assert lines[-1].endswith("x…")


@pytest.mark.parametrize("width", [20, 80, 100, 500])
def test_a_header_fills_the_line_within_reason(width: int) -> None:
    line = header("upgrade_postgresql", "20:15:00", width)
    assert line.startswith("━━ Upgrade postgresql ━")
    assert line.endswith("━ 20:15:00")
    assert len(line) == min(max(width, 80), 120)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599.6, "1 h 00 min"),
        (7325, "2 h 02 min"),
    ],
)
def test_times_are_in_the_units_that_a_person_wants(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        (f"{callback.PLAYBOOKS}/configure.yml:7", "configure"),
        (f"{ROOT}/playbooks/configure.yml:7", "configure"),
        (f"{ROOT}/playbooks/tasks/require_hosts.yml:1", ""),
        (f"{ROOT}/molecule/base/configure.yml:1", ""),
        ("/srv/playbooks/configure.yml:1", ""),
        ("", ""),
    ],
)
def test_only_playbooks_of_the_collection_count(path: str, stem: str) -> None:
    assert callback.stem_of(path) == stem


def test_the_first_inventory_that_is_a_path_names_the_stack(tmp_path: Path) -> None:
    assert callback.stack_of(["localhost,", str(tmp_path), "/"]) == tmp_path
    assert callback.stack_of(["localhost,"]) is None
    assert callback.stack_of([]) is None


def test_a_task_that_outlives_a_killed_playbook_does_not_hold_the_lock(tmp_path: Path) -> None:
    ready, ended = os.pipe(), os.pipe()
    playbook = os.fork()
    if playbook == 0:
        try:
            callback.Lock().take(tmp_path, "site", 0)
            if os.fork() == 0:  # the task: it lives until this test closes the pipe
                os.close(ended[1])
                os.write(ready[1], b"x")
                os.read(ended[0], 1)
                os._exit(0)
            signal.pause()
        finally:
            os._exit(0)
    os.read(ready[0], 1)
    holder = stack_lock.taken_by(tmp_path)
    os.kill(playbook, signal.SIGKILL)
    os.waitpid(playbook, 0)
    after = stack_lock.taken_by(tmp_path)
    for descriptor in (*ready, *ended):
        os.close(descriptor)
    stack_lock.path_of(tmp_path).unlink()
    assert holder
    assert (holder["pid"], after) == (playbook, None)


COPIED = ("plugins/callback/workflow.py", "plugins/action/verdict.py", "plugins/module_utils", "meta/runtime.yml")
PLAYBOOKS = {
    "site": """
- {name: Turn it into a host, ansible.builtin.import_playbook: configure.yml}
- {name: Verify, ansible.builtin.import_playbook: verify.yml}
""",
    "configure": """
- hosts: all
  gather_facts: false
  tasks: [{name: Change it, ansible.builtin.debug: {msg: "{{ lookup('pipe', 'cat $LOCK') }}"}, changed_when: true}]
""",
    "verify": """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Give the verdict
      mcp.aws.verdict:
        kind: verify
        name: lab
        checks: [{id: a, section: system, title: A, ok: false, measured: "no", limit: "yes", hint: Look there}]
    - {name: Refuse it, ansible.builtin.fail: {msg: red}}
""",
    "versions": """
- {hosts: localhost, gather_facts: false, tasks: [{name: Show, ansible.builtin.debug: {msg: answer}}]}
""",
}


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with this plugin and small playbooks, where Ansible searches; `other.yml` is of somebody else."""
    root = tmp_path_factory.mktemp("collections")
    home = root / "ansible_collections/mcp/aws"
    for name in COPIED:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, home / name)
    (home / "playbooks").mkdir()
    for stem, text in PLAYBOOKS.items():
        (home / "playbooks" / f"{stem}.yml").write_text(f"---{text}")
    (root / "ansible.cfg").write_text("[defaults]\nlocalhost_warning = false\n")
    (root / "lab").write_text("localhost ansible_connection=local\n")
    (root / "other.yml").write_text(PLAYBOOKS["versions"])
    return root


def play(collection: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook on the inventory `lab`; the first task shows the lock's file."""
    ours = {
        "ANSIBLE_CONFIG": "ansible.cfg",
        "ANSIBLE_COLLECTIONS_PATH": str(collection),
        "ANSIBLE_CALLBACKS_ENABLED": "mcp.aws.workflow",
        "LOCK": str(stack_lock.path_of(collection / "lab")),
    }
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MCP_AWS_")}
    return subprocess.run(
        [program, "-i", "localhost,", "-i", "lab", *words],
        cwd=collection,
        env=clean | ours | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_ansible_playbook_shows_the_phases_and_holds_the_lock(collection: Path) -> None:
    done = play(collection, "mcp.aws.site")
    assert done.returncode == 2, done.stdout + done.stderr
    told = re.findall(r"^━━ (.*?) ━|^PLAY (?=\[)|^(PLAY RECAP)|^([✔✘] .*?)  |^(✘ A: .*)", done.stdout, re.MULTILINE)
    assert ["".join(parts) or "play" for parts in told] == [
        "Phase 2: System Initialization",
        "play",
        "Phase 4: Verification & Monitoring",
        "play",
        "✘ A: no",  # the table of the verdict
        "PLAY RECAP",
        "✔ Phase 2: System Initialization",
        "✘ Phase 4: Verification & Monitoring",
        "✘ A: no",
    ], done.stdout
    assert done.stdout.endswith("verify lab: 0 of 1 green\n\n✘ A: no\n  Look there\n")
    assert '\\"verb\\": \\"site\\"' in done.stdout, "it held the lock"
    assert not stack_lock.path_of(collection / "lab").exists()


def test_ansible_playbook_ends_with_4_while_another_run_has_the_stack(collection: Path) -> None:
    held = stack_lock.take(collection / "lab", verb="deploy", ident="x")
    try:
        refused = play(collection, "mcp.aws.site")
        assert (refused.returncode, refused.stdout) == (4, ""), refused
        assert "deploy of lab has been running since" in refused.stderr
        assert f"(pid {os.getpid()}, " in refused.stderr
        for words, environment in ((["mcp.aws.site", "--check"], {}), (["mcp.aws.configure"], {"MCP_AWS_RUN": "x"})):
            done = play(collection, *words, **environment)
            assert "Change it" in done.stdout, (words, done.stdout, done.stderr)
            assert ("━━" in done.stdout) is not bool(environment), done.stdout
    finally:
        stack_lock.release(held)


def test_playbooks_that_answer_and_those_of_others_are_left_alone(collection: Path) -> None:
    done = play(collection, "mcp.aws.versions", "other.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("answer") == 2
    assert not re.search("━|✔|together", done.stdout), done.stdout
