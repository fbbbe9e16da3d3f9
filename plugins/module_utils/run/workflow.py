"""What came of a playbook, phase by phase: times, slowest tasks, changes, failures, and the lines that show them."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ansible_collections.mcp.aws.plugins.module_utils.run import phases

SLOWEST = 5  # tasks that are named
SLOW = 1.0  # seconds; a faster task is not worth a line
CHANGES = 12  # tasks that are named; of more than these the numbers say enough
FAILURES = 5
HOSTS = 3  # names before it says how many more
NARROW, WIDE = 80, 120

Colour = Callable[[str, str], str]


@dataclass
class Stage:
    """A phase of this run, or what takes the place of one.

    :param seconds: on the clock.
    :param tasks: those that ran on any host; `changed` counts every host.
    """

    seconds: float = 0.0
    reached: bool = False
    red: bool = False
    tasks: int = 0
    changed: int = 0


@dataclass
class Task:
    """A task that ran; seconds are those of its slowest host."""

    name: str
    stage: str
    seconds: float = 0.0
    host: str = ""
    hosts: int = 0
    changed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class Course:
    """Takes down what happens. All times are seconds of one clock that never goes back.

    :param title: what runs where, in some words.
    :param planned: the stages that the playbook has, in their order.
    """

    def __init__(self, title: str, planned: Iterable[str]) -> None:
        self.title = title
        self.stages = {name: Stage() for name in planned}
        self.tasks: dict[str, Task] = {}
        self.here = {"localhost"}  # hosts that are the control node, and need no name
        self.now, self._since = "", 0.0
        self._began: dict[tuple[str, str], float] = {}

    def enter(self, stage: str, now: float) -> bool:
        """Go on to a stage, or to what is of none, and tell whether it was just entered."""
        if stage == self.now:
            return False
        self.leave(now)
        self.now, self._since = stage, now
        if stage:
            self.stages.setdefault(stage, Stage()).reached = True
        return bool(stage)

    def leave(self, now: float) -> None:
        """End the stage that is at work."""
        if self.now:
            self.stages[self.now].seconds += now - self._since
        self.now = ""

    def begin(self, task: str, host: str, now: float) -> None:
        """Take down that a task, which is named by an id of its own, begins on a host."""
        self._began[task, host] = now

    def skip(self, task: str, host: str) -> None:
        """Forget that it began."""
        self._began.pop((task, host), None)

    def end(
        self,
        task: str,
        name: str,
        host: str,
        now: float,
        *,
        changed: bool = False,
        failed: bool = False,
    ) -> None:
        """Take down how it ended."""
        began = self._began.pop((task, host), now)
        if not self.now:
            return
        if task not in self.tasks:
            self.tasks[task] = Task(name, self.now)
            self.stages[self.now].tasks += 1
        done = self.tasks[task]
        done.hosts += 1
        if now - began > done.seconds:
            done.seconds, done.host = now - began, host
        if changed:
            self.stages[self.now].changed += 1
            done.changed.append(host)
        if failed:
            done.failed.append(host)

    def close(self, now: float, red: Iterable[str]) -> None:
        """End, and turn those stages red in which a host failed for good.

        :param red: hosts that are counted as failed or unreachable at the end.
        """
        self.leave(now)
        last = {host: task.stage for task in self.tasks.values() for host in task.failed}
        for host in red:
            if host in last:
                self.stages[last[host]].red = True


def header(stage: str, clock: str, width: int) -> str:
    """Return the line above a stage.

    :param clock: the time of day.
    """
    text = f"━━ {_heading(stage)} "
    return f"{text}{'━' * (_within(width) - len(text) - len(clock) - 1)} {clock}"


def report(course: Course, width: int, *, check: bool = False, colour: Colour | None = None) -> str:
    """Return the stages with their times, and below them what took long, what changed and what failed.

    :param width: columns of the terminal.
    :param colour: paints text in a named colour; none leaves it as it is.
    """
    paint = colour or (lambda text, _name: text)
    lines = _table(course, "would change" if check else "changes", paint)
    slow = sorted((task for task in course.tasks.values() if task.seconds >= SLOW), key=lambda task: -task.seconds)
    lines += _part(
        "slowest tasks",
        [f"{duration(task.seconds):>12}  {task.name}{_slowest(task)}" for task in slow[:SLOWEST]],
        paint,
    )
    changed = [f"  {task.name}{_on(course, task.changed)}" for task in course.tasks.values() if task.changed]
    if len(changed) <= CHANGES:
        lines += _part("would change" if check else "changed", changed, paint)
    # What a playbook rescued is told too: it may have failed on purpose afterwards, to say what it had cleaned up.
    failed = [task for task in course.tasks.values() if task.failed and course.stages[task.stage].red]
    told = [f"  ✘ {task.name}{_on(course, task.failed)}" for task in failed[:FAILURES]]
    told += [f"    and {len(failed) - FAILURES} more"] if len(failed) > FAILURES else []
    lines += _part("failed", told, paint, "red")
    room = _within(width)
    return "\n".join(line if len(line) <= room or "\x1b" in line else f"{line[: room - 1]}…" for line in lines)


def duration(seconds: float) -> str:
    """Return a time in the units that a person wants."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def _table(course: Course, changes: str, paint: Colour) -> list[str]:
    wide = max(map(len, [course.title, *map(phases.heading, phases.PHASES), *map(_heading, course.stages)]))
    lines = [paint(f"  {course.title:{wide}}  {'time':>11}  {'tasks':>6}  {changes:>12}", "bright blue")]
    for name, stage in course.stages.items():
        row = f"{_heading(name):{wide}}  "
        if not stage.reached:
            lines.append(paint(f"- {row}{'not reached':>11}", "yellow"))
            continue
        row += f"{duration(stage.seconds):>11}  {stage.tasks:>6}  {stage.changed or '':>12}"
        lines.append(paint(f"✘ {row.rstrip()}", "red") if stage.red else f"{paint('✔', 'green')} {row.rstrip()}")
    reached = [stage for stage in course.stages.values() if stage.reached]
    if len(reached) > 1:
        seconds, tasks, changed = (
            sum(stage.seconds for stage in reached),
            sum(stage.tasks for stage in reached),
            sum(stage.changed for stage in reached),
        )
        lines.append(f"  {'together':{wide}}  {duration(seconds):>11}  {tasks:>6}  {changed:>12}")
    return lines


def _part(title: str, lines: list[str], paint: Colour, name: str = "") -> list[str]:
    """Return a titled part, or nothing where it has no lines."""
    painted = [paint(line, name) for line in lines] if name else lines
    return ["", paint(title, name or "bright blue"), *painted] if lines else []


def _heading(stage: str) -> str:
    """Return the heading of a phase; a playbook that is none has its own name, in words."""
    return phases.heading(stage) if stage in phases.PHASES else stage.replace("_", " ").capitalize()


def _slowest(task: Task) -> str:
    return f" ({task.host}, slowest of {task.hosts})" if task.hosts > 1 else ""


def _on(course: Course, hosts: list[str]) -> str:
    """Name hosts in brackets."""
    names = [host for host in dict.fromkeys(hosts) if host not in course.here]
    more = f" and {len(names) - HOSTS} more" if len(names) > HOSTS else ""
    return f" ({', '.join(names[:HOSTS])}{more})" if names else ""


def _within(width: int) -> int:
    return min(max(width, NARROW), WIDE)
