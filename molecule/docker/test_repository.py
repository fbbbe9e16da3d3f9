"""What the role reports of bad repositories and versions, and that the host keeps the repository it had."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from questions import eventually, run
from testinfra.host import Host

# A package that takes 400 kB of /usr/share/molecule.
BUILD = """set -e
mkdir -p tree/DEBIAN tree/usr/share/molecule && head -c 400000 /dev/urandom > tree/usr/share/molecule/data
printf 'Package: molecule\\nVersion: 1\\nArchitecture: all\\nMaintainer: m\\nDescription: m\\n' > tree/DEBIAN/control
dpkg-deb --root-owner-group -Znone --build tree molecule.deb >/dev/null && rm -r tree
"""
SOURCE = "/etc/apt/sources.list.d/docker.sources"
KEY = "/etc/apt/keyrings/docker.asc"
HOLD = "import fcntl, time; f = open('/var/lib/apt/lists/lock', 'w'); fcntl.lockf(f, fcntl.LOCK_EX); time.sleep(30)"
EXPIRED = ("--faked-system-time", "20200101T000000!")


class Owner:
    """Somebody who has a key and signs a repository."""

    def __init__(self, home: Path, *when: str) -> None:
        home.mkdir(mode=0o700)
        self.home, self.when = home, when
        self.gpg("--passphrase", "", "--quick-generate-key", "molecule", "ed25519", "sign", "1y" if when else "never")

    def gpg(self, *words: str, feed: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--pinentry-mode", "loopback", *self.when, *words]
        return subprocess.run(command, input=feed, check=True, capture_output=True).stdout

    @property
    def key(self) -> str:
        return self.gpg("--armor", "--export").decode()


def repository(folder: Path, owner: Owner) -> dict[str, bytes]:
    """The files of a flat repository of one package, signed."""
    folder.mkdir()
    subprocess.run(["sh", "-c", BUILD], cwd=folder, check=True)
    package = (folder / "molecule.deb").read_bytes()
    control = subprocess.run(["dpkg-deb", "-f", folder / "molecule.deb"], check=True, capture_output=True).stdout
    digest = hashlib.sha256(package).hexdigest()
    packages = control + f"Filename: ./molecule.deb\nSize: {len(package)}\nSHA256: {digest}\n".encode()
    digest = hashlib.sha256(packages).hexdigest()
    release = f"Origin: molecule\nDate: Wed, 01 Jan 2020 00:00:00 UTC\nSHA256:\n {digest} {len(packages)} Packages\n"
    signed = owner.gpg("--clearsign", feed=release.encode())
    return {"InRelease": signed, "Packages": packages, "molecule.deb": package, "key.asc": owner.key.encode()}


def put(host: Host, files: dict[str, bytes]) -> None:
    """Lay files under /srv/molecule."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(data), 0o644, int(time.time())  # apt goes by the time
            archive.addfile(member, io.BytesIO(data))
    host.check_output("mkdir -p /srv/molecule")
    text = base64.b64encode(content.getvalue()).decode()
    for start in range(0, len(text), 90000):
        redirect = ">" if start == 0 else ">>"
        host.check_output(f"echo %s {redirect} /tmp/molecule.tar", text[start : start + 90000])
    host.check_output("base64 -d /tmp/molecule.tar | tar -xz -C /srv/molecule")


def apply(**settings: Any) -> tuple[int, str]:
    """Exit status and output of the role's installation, applied again with other variables."""
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
    words = [
        "ansible-playbook",
        "-i",
        str(folder / "inventory"),
        "-e",
        json.dumps({"tasks_from": "install", **settings}),
    ]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(folder / "ansible.cfg")}
    command = [*words, "molecule/shared/converge.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Owner:
    return Owner(tmp_path_factory.mktemp("gpg") / "owner")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Owner:
    return Owner(tmp_path_factory.mktemp("gpg") / "stranger")


@pytest.fixture
def place(host: Host, tmp_path: Path, owner: Owner) -> Iterator[dict[str, Any]]:
    """A repository on the host's own disk, whose only package is wanted too; the one of the scenario comes back."""
    put(host, repository(tmp_path / "repository", owner))
    yield {
        "docker_repository_url": "file:/srv/molecule",
        "docker_repository_suite": "./",
        "docker_repository_components": [],
        "docker_repository_key": owner.key,
        "docker_packages": ["docker.io", "molecule"],
    }
    status, said = apply()
    assert status == 0, said
    host.check_output("apt-get -q -y purge molecule; rm -rf /srv/molecule")


def kept(host: Host) -> str:
    """The source of the host; apt has to go on to work with it."""
    assert host.run("apt-get -q update -o APT::Update::Error-Mode=any").rc == 0
    return str(host.file(SOURCE).content_string)


def test_key_that_is_given_as_text(host: Host, place: dict[str, Any]) -> None:
    status, said = apply(**place)
    assert status == 0, said
    assert host.package("molecule").is_installed
    assert "BEGIN PGP PUBLIC KEY BLOCK" in kept(host)


def test_repository_that_cannot_be_used_changes_nothing(
    host: Host, place: dict[str, Any], stranger: Owner, tmp_path: Path
) -> None:
    expired = Owner(tmp_path / "gpg", *EXPIRED)
    before = kept(host)
    for wrong, says in (
        ({"docker_repository_key": stranger.key}, "NO_PUBKEY"),
        ({"docker_repository_key": "<html>Not found</html>"}, "Invalid value set for option Signed-By"),
        ({"docker_repository_url": "http://127.0.0.1:9/debian"}, "Failed to fetch http://127.0.0.1:9/debian"),
        ({"docker_repository_suite": "nosuch", "docker_repository_components": ["main"]}, "nosuch"),
    ):
        status, said = apply(**place | wrong)
        assert status != 0, said
        assert "The repository" in said
        assert "is not added" in said
        assert says in said, said
        assert "Correct docker_repository_url" in said
        assert kept(host) == before
    put(host, repository(tmp_path / "expired", expired))
    status, said = apply(**place | {"docker_repository_key": expired.key})
    assert status != 0, said
    assert "EXPKEYSIG" in said, said
    assert kept(host) == before


def test_key_that_is_downloaded_and_the_url_that_was_wrong(host: Host, place: dict[str, Any]) -> None:
    """What was downloaded from a wrong place is not kept, so that the corrected place counts."""
    before = kept(host)
    host.check_output(f"mv {KEY} /run/key.asc")
    by_url = place | {"docker_repository_key": ""}
    put(host, {"wrong.asc": b"<html>Not found</html>"})
    for place_of_key, says in (
        ("http://127.0.0.1:9/key.asc", "refused"),
        ("file:///srv/molecule/wrong.asc", "NO_PUBKEY"),
    ):
        status, said = apply(**by_url | {"docker_repository_key_url": place_of_key})
        assert status != 0, said
        assert says in said, said
        assert not host.file(KEY).exists
        assert host.file(SOURCE).content_string == before
    status, said = apply(**by_url | {"docker_repository_key_url": "file:///srv/molecule/key.asc"})
    assert status == 0, said
    assert host.package("molecule").is_installed
    host.check_output(f"mv /run/key.asc {KEY}")


def test_version_and_package_that_no_repository_has() -> None:
    for name in ("docker.io=99", "molecule-nothing"):
        status, said = apply(docker_packages=[name])
        assert status != 0, said
        assert name.partition("=")[0] in said


def test_lock_that_another_holds_for_a_while(host: Host, place: dict[str, Any]) -> None:
    host.check_output("systemd-run --quiet --collect --unit lock python3 -c %s", HOLD)
    assert eventually(lambda: run(host, "apt-get", "-q", "update")[0] != 0, 3)
    status, said = apply(**place)
    assert status == 0, said
