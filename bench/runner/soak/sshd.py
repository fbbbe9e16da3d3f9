"""A real sshd on loopback with keys, port and settings of its own; the machine's is neither used nor touched.

Where the machine has none, Debian's package is unpacked, not installed: nobody wants a service on port 22 for a soak.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

CHECKOUT = Path(__file__).resolve().parents[3]
CACHE = CHECKOUT / ".lab" / "bench" / "sshd"
PACKAGES = ("openssh-server", "libwrap0")
PATIENCE = 10.0
CONFIG = """ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
MaxSessions 100
Subsystem sftp internal-sftp
SetEnv SHLVL=1
"""
# By SHLVL bash takes itself for a shell in a shell and leaves the user's .bashrc alone. What that starts would be
# killed with a run, and might leave a lock of its own: pyenv's holds up every shell of the user for a minute.
# As root sshd separates privileges, for which it wants a user and an empty directory that come with the package. It
# gets both in a mount namespace of its own, so that the machine stays as it is.
PRIVATE = """set -e
mount --make-rprivate /
mount -t tmpfs none /run && mkdir -m 755 /run/sshd
mount --bind "$1/passwd" /etc/passwd
shift && exec "$@"
"""


class NoSshd(Exception):
    """There is no sshd and none can be had."""


def _run(*command: str, cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoSshd(f"`{' '.join(command)}` ended with {done.returncode}: {done.stderr.strip()[-500:]}")


def binary() -> Path:
    """Return the machine's sshd, or that of the unpacked package."""
    if found := shutil.which("sshd", path="/usr/sbin:/usr/local/sbin"):
        return Path(found)
    unpacked = CACHE / "root" / "usr" / "sbin" / "sshd"
    if not unpacked.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0:
            _run("apt-get", "update", "-q")
        _run("apt-get", "download", "-q", *PACKAGES, cwd=CACHE)
        for package in CACHE.glob("*.deb"):
            _run("dpkg-deb", "-x", str(package), str(CACHE / "root"))
            package.unlink()
    return unpacked


@dataclass
class Sshd:
    """The server; a context manager during which it listens on `port`."""

    folder: Path
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def line(self) -> str:
        """Return the inventory's line for a host behind it. ControlPersist is Ansible's default."""
        options = (
            f"-F none -o UserKnownHostsFile={self.folder}/known -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
        )
        return (
            f"behind ansible_host=127.0.0.1 ansible_port={self.port} ansible_user={getpass.getuser()} "
            f"ansible_ssh_private_key_file={self.folder}/user ansible_pipelining=true "
            f"ansible_ssh_common_args='{options}'"
        )

    def __enter__(self) -> Sshd:
        sshd = binary()
        for name in ("host", "user"):
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        (self.folder / "config").write_text(CONFIG.format(port=self.port, folder=self.folder))
        public = (self.folder / "host.pub").read_text()
        (self.folder / "known").write_text(f"[127.0.0.1]:{self.port} {public}")
        command = [str(sshd), "-D", "-e", "-f", str(self.folder / "config")]
        if os.getuid() == 0 and not _has_user():
            (self.folder / "passwd").write_text(Path("/etc/passwd").read_text() + _USER)
            command = ["unshare", "--mount", "sh", "-c", PRIVATE, "sh", str(self.folder), *command]
        libraries = ":".join(str(path.parent) for path in (CACHE / "root").rglob("libwrap.so.0"))
        log = (self.folder / "log").open("wb")
        environment = dict(os.environ) | ({"LD_LIBRARY_PATH": libraries} if libraries else {})
        self._process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        try:
            self._wait()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _wait(self) -> None:
        """Wait for its greeting."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self._process and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                    if connection.recv(4) == b"SSH-":
                        return
            except OSError:
                time.sleep(0.05)
        raise NoSshd(f"sshd does not answer: {(self.folder / 'log').read_text()[-500:]}")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()


_USER = "sshd:x:64999:65534::/run/sshd:/usr/sbin/nologin\n"


def _has_user() -> bool:
    try:
        pwd.getpwnam("sshd")
    except KeyError:
        return False
    return Path("/run/sshd").is_dir()
