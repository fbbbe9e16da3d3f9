"""How the tests of the proxy ask: clients on the host, the run-time socket, proxy-slot, and the role again."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from questions import eventually, journal, run
from testinfra.host import Host

BALANCER = "127.0.0.2"
CLIENT = "127.0.0.1"


def client(host: Host, verb: str, *words: Any) -> dict[str, Any]:
    """What one of the clients of client.py met."""
    status, said = run(host, "/usr/local/bin/client", verb, json.dumps(words))
    assert status == 0, said + journal(host, "haproxy")
    return dict(json.loads(said))


def fetch(
    host: Host, path: str = "/", method: str = "GET", body: str = "", source: str = CLIENT, **headers: str
) -> dict[str, Any]:
    """One request; the answer of a slot or of the proxy is read as JSON."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client(host, "fetch", method, path, names, body, source)
    return answer | {"json": json.loads(answer["body"])}


def page_of_the_proxy(host: Host) -> int:
    """The status of the page where load balancers ask."""
    return int(client(host, "fetch", "GET", "/haproxy/ready", {}, "", BALANCER)["status"])


def slot(host: Host, *words: str) -> tuple[int, dict[str, Any], str]:
    """Exit status, state and words of proxy-slot."""
    status, said = run(host, "proxy-slot", *words)
    return status, json.loads(said) if status == 0 else {}, said


def ask(host: Host, command: str) -> str:
    """What the run-time socket says, asked as a member of its group would."""
    script = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect('/run/haproxy/admin.sock');"
        "s.sendall(sys.argv[1].encode() + b'\\n'); print(b''.join(iter(lambda: s.recv(65536), b'')).decode())"
    )
    return host.check_output(f"runuser -u nobody -g haproxy -- python3 -c {shlex.quote(script)} {shlex.quote(command)}")


def pid(host: Host) -> str:
    """The process that takes new connections."""
    return next(line for line in ask(host, "show info").splitlines() if line.startswith("Pid: "))


def converge(settings: dict[str, Any]) -> tuple[bool, str]:
    """Run the role again, with other variables; whether it went well, and what it said."""
    project = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
    inventory = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent
    playbook = project / "molecule/shared/converge.yml"
    command = ["ansible-playbook", "-i", str(inventory), "-e", json.dumps(settings), str(playbook)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    return done.returncode == 0, " ".join((done.stdout + done.stderr).split())


@contextmanager
def under_load(host: Host, token: str = "") -> Iterator[Callable[[], dict[str, Any]]]:
    """Constant load, and the function that ends it and says what the clients met."""
    result = "/run/client-load.json"
    host.check_output(f"rm -f {result} /run/client-stop")
    words = shlex.quote(json.dumps([token] if token else []))
    unit = f"systemd-run --collect --unit client-load -p StandardOutput=file:{result}"
    host.check_output(f"{unit} /usr/local/bin/client load {words}")
    assert eventually(lambda: sum(one["requests"] for one in slot(host, "show")[1]["slots"].values()) >= 2)

    def end() -> dict[str, Any]:
        host.check_output("touch /run/client-stop")
        assert eventually(lambda: host.run("systemctl is-active client-load").stdout.strip() != "active")
        return dict(json.loads(host.file(result).content_string))

    try:
        yield end
    finally:
        host.run("touch /run/client-stop")


def make_certificate(folder: Path) -> str:
    """A key and its certificate as PEM."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", "/CN=mcp.example", "-keyout", str(folder / "key"), "-out", str(folder / "crt")]
    subprocess.run(command, check=True, capture_output=True)
    return (folder / "key").read_text() + (folder / "crt").read_text()
