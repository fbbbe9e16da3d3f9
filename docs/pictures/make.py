"""Makes the pictures of the command line: real runs of `scene` in a real terminal (tmux), captured and drawn as SVG.

python docs/pictures/make.py                                   # all of them; needs tmux, takes two minutes
python docs/pictures/make.py --inventory inventory/lab verify  # another picture: a verb of a deployment that is up
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import io
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
HEIGHT = 40
PATIENCE = 300  # seconds for a screen to show what is waited for
PROMPT = "ready $ "
ESCAPE = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True)
class Picture:
    """One picture: what is typed, and the text that the screen shows when it is taken."""

    name: str
    typed: str
    until: str
    columns: int = 80


SITE = "python runner.py site -i inventory/acme.yml"
END = r"evidence: |site green in "
PICTURES = (
    Picture("live", SITE, r"Start PostgreSQL on mcp-2, [2-9] s"),
    Picture("live_wide", SITE, r"Build the image on .*, [2-9] s", 200),
    Picture("live_narrow", SITE, r"Start Post.*, [2-9] s", 40),
    Picture("live_no_colour", f"NO_COLOR=1 {SITE}", r"Start the instances, [2-9] s"),
    Picture("green", SITE, END),
    Picture("failed", f"{SITE} -e scene_fails=1", END),
    Picture("degraded", f"{SITE} -e scene_red=1", END),
    Picture("pipe", f"{SITE} | cat", END),
    Picture("quiet", f"{SITE} --quiet -e scene_fails=1", END),
    Picture("plan", "python runner.py plan -i inventory/acme.yml", r"plan acme: "),
    Picture("bad_input", "python runner.py sit -i inventory/acme.yml", "usage"),
)


class Terminal:
    """A terminal of its own, in which commands are typed."""

    def __init__(self, columns: int, directory: Path, home: Path) -> None:
        self._socket = f"pictures-{columns}-{directory.name}"
        environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(home),
        }
        start = ["new-session", "-d", "-s", "p", "-x", str(columns), "-y", str(HEIGHT), "-c", str(directory)]
        for name, value in environment.items():
            start += ["-e", f"{name}={value}"]
        self._tmux(*start, "bash --norc --noprofile")
        self.type(f"export PS1={shlex.quote(PROMPT)}")
        self.wait(rf"(?m)^{re.escape(PROMPT.strip())}")

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server")

    def type(self, text: str) -> None:
        """Type a line."""
        self._tmux("send-keys", "-t", "p", "-l", text)
        self._tmux("send-keys", "-t", "p", "Enter")

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._tmux("send-keys", "-t", "p", "C-c")

    def wait(self, pattern: str) -> str:
        """Return the screen, colours and all, as soon as it shows a pattern.

        :raises TimeoutError: it does not come.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if re.search(pattern, self._tmux("capture-pane", "-p", "-J", "-t", "p")):
                return self._tmux("capture-pane", "-p", "-e", "-t", "p")
            time.sleep(0.1)
        raise TimeoutError(f"{pattern} does not come:\n{self._tmux('capture-pane', '-p', '-t', 'p')}")

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-L", self._socket, *words], capture_output=True, text=True, check=False)
        return done.stdout


def svg(screen: str, columns: int, name: str, title: str) -> str:
    """Return a screen as a picture that needs nothing from elsewhere."""
    lines = screen.rstrip("\n").split("\n")
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi("\n".join(line.rstrip() for line in lines)), soft_wrap=True)
    drawn = console.export_svg(title=title, unique_id=name)
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.S).replace("Fira Code, monospace", "monospace") + "\n"


def take(picture: Picture, directory: Path, home: Path) -> None:
    """Take one picture."""
    with Terminal(picture.columns, directory, home) as terminal:
        terminal.type(f"clear; {picture.typed}")
        screen = terminal.wait(picture.until)
        terminal.interrupt()
        terminal.wait(rf"(?m)^{re.escape(PROMPT.strip())} *\Z|{re.escape(PROMPT.strip())}\s*$")
    lines = [line for line in screen.splitlines() if not ESCAPE.sub("", line).startswith(PROMPT.strip())]
    text = svg("\n".join(lines), picture.columns, picture.name, picture.typed if picture.columns >= 80 else "")
    (HERE / f"{picture.name}.svg").write_text(text)
    print(f"{picture.name}.svg", flush=True)


def lay_out(directory: Path) -> None:
    """Make a checkout whose playbooks are those of the scene."""
    shutil.copy(CHECKOUT / "runner.py", directory)
    for part in ("mcp_aws", "plugins"):
        shutil.copytree(CHECKOUT / part, directory / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(HERE / "scene", directory, dirs_exist_ok=True)


def main() -> None:
    """Make the pictures that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="pictures of the scene (default: all), or the verb of a deployment")
    parser.add_argument("--inventory", help="a deployment that is up, to take pictures of one verb")
    said = parser.parse_args()
    if said.inventory:
        for verb in said.names:
            typed = f"python runner.py {verb} -i {said.inventory}"
            for columns in (80, 200):
                take(
                    Picture(f"{verb}_{columns}", typed, rf"(?m)^{verb} .*: |^evidence: ", columns),
                    CHECKOUT,
                    Path.home(),
                )
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        directory = Path(name)
        lay_out(directory)
        learn = [sys.executable, "runner.py", *SITE.split()[2:], "--quiet"]
        subprocess.run(learn, cwd=directory, env={"PATH": "/usr/bin:/bin", "HOME": name}, check=True)
        for picture in PICTURES:
            if not said.names or picture.name in said.names:
                take(picture, directory, directory)


if __name__ == "__main__":
    main()
