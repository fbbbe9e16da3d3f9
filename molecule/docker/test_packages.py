"""What the module packages says of bad repositories, versions and disks, and that it leaves no harm behind."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
import time
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
HOLD = "import fcntl, time; f = open('/var/lib/apt/lists/lock', 'w'); fcntl.lockf(f, fcntl.LOCK_EX); time.sleep(5)"
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

    def renew(self) -> None:
        """Let the key be good for ever, as its owner does when it is about to expire."""
        number = self.gpg("--list-keys", "--with-colons").decode().split("fpr:::::::::")[1].split(":")[0]
        self.when = ()
        self.gpg("--passphrase", "", "--quick-set-expire", number, "never")


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


def packages(*names: str, **options: Any) -> dict[str, Any]:
    """The result of the module."""
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
    words = ["ansible", "mcp_servers", "-i", str(folder / "inventory"), "--become", "-m", "mcp.aws.packages"]
    arguments = json.dumps({"names": names, **options})
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
    }
    done = subprocess.run([*words, "-a", arguments], capture_output=True, text=True, check=False, env=environment)
    found = re.search(r" => (\{.*)", done.stdout, re.DOTALL)
    assert found, done.stdout + done.stderr
    return dict(json.JSONDecoder().raw_decode(found[1])[0])


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Owner:
    return Owner(tmp_path_factory.mktemp("gpg") / "owner")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Owner:
    return Owner(tmp_path_factory.mktemp("gpg") / "stranger")


@pytest.fixture
def place(host: Host, tmp_path: Path, owner: Owner) -> dict[str, Any]:
    """A repository on the host's own disk, known to nobody yet."""
    host.check_output(
        "apt-get -q -y purge molecule; rm -rf /etc/apt/sources.list.d/molecule.sources /etc/apt/keyrings/molecule.asc"
    )
    put(host, repository(tmp_path / "repository", owner))
    return {"name": "molecule", "url": "file:/srv/molecule", "suite": "./", "key_url": "file:///srv/molecule/key.asc"}


def left(host: Host) -> str:
    """What is left of a repository that could not be used; apt has to go on to work for the others."""
    assert host.run("apt-get -q update -o APT::Update::Error-Mode=any").rc == 0
    return host.run("ls /etc/apt/sources.list.d/molecule.sources /etc/apt/keyrings/molecule.asc 2>/dev/null").stdout


def test_version_that_no_repository_has() -> None:
    said = packages("busybox-static=99")["msg"]
    assert said.startswith(
        "Cannot install busybox-static=99: no repository of this host has version 99 of busybox-static"
    )
    assert "`apt-cache policy busybox-static` shows the versions there are" in said


def test_package_that_no_repository_has() -> None:
    assert "no repository of this host has the package molecule-nothing" in packages("molecule-nothing")["msg"]


def test_wrong_key(host: Host, place: dict[str, Any], stranger: Owner) -> None:
    said = packages("molecule", repository=place | {"key": stranger.key})["msg"]
    assert "the repository molecule (file:/srv/molecule) is signed with the key" in said
    assert "correct repository.key_url or repository.key (a role has it as *_repository_*)" in said
    assert left(host) == ""


def test_key_that_is_none(host: Host, place: dict[str, Any]) -> None:
    said = packages("molecule", repository=place | {"key": "<html>Not found</html>"})["msg"]
    assert "Cannot trust the repository molecule by the key in repository.key: it is no armoured public key" in said
    assert left(host) == ""


def test_expired_key_and_its_renewal(host: Host, place: dict[str, Any], tmp_path: Path) -> None:
    owner = Owner(tmp_path / "gpg", *EXPIRED)
    put(host, repository(tmp_path / "expired", owner))
    said = packages("molecule", repository=place)["msg"]
    assert (
        "of the repository molecule (file:/srv/molecule) has expired: give the renewed one in repository.key_url"
        in said
    )
    assert left(host) == ""
    owner.renew()
    put(host, {"key.asc": owner.key.encode()})
    assert packages("molecule", repository=place)["changed"]
    assert host.package("molecule").is_installed


def test_key_that_its_owner_has_changed(host: Host, place: dict[str, Any], tmp_path: Path, stranger: Owner) -> None:
    """The host has the old key; the repository is signed with the new one, which its URL gives."""
    assert packages("molecule", repository=place)["changed"]
    put(host, repository(tmp_path / "changed", stranger))
    result = packages("molecule", repository=place, latest=True)
    assert "/etc/apt/keyrings/molecule.asc" in result.get("files", []), result
    assert host.file("/etc/apt/keyrings/molecule.asc").content_string == stranger.key.strip() + "\n"


def test_key_url_that_was_wrong_and_is_corrected(host: Host, place: dict[str, Any], stranger: Owner) -> None:
    put(host, {"wrong.asc": stranger.key.encode()})
    assert (
        "which is not the one"
        in packages("molecule", repository=place | {"key_url": "file:///srv/molecule/wrong.asc"})["msg"]
    )
    assert packages("molecule", repository=place)["changed"]
    assert host.package("molecule").is_installed


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (
            {"key_url": "http://127.0.0.1:9/key.asc"},
            "Cannot fetch the key of the repository molecule from http://127.0.0.1:9",
        ),
        ({"url": "http://127.0.0.1:9/debian"}, "the repository molecule (http://127.0.0.1:9/debian) cannot be reached"),
        ({"suite": "nosuch", "components": ["main"]}, "the repository molecule (file:/srv/molecule) has no such suite"),
    ],
    ids=["key_url", "url", "suite"],
)
def test_repository_that_does_not_answer(host: Host, place: dict[str, Any], wrong: dict[str, Any], says: str) -> None:
    said = packages("molecule", repository=place | wrong)["msg"]
    assert says in said
    assert "orrect repository." in said
    assert left(host) == ""


@pytest.mark.parametrize("folder", ["/var/cache/apt/archives", "/usr/share/molecule", "/etc/molecule"])
def test_full_disk_and_the_run_after_it(host: Host, place: dict[str, Any], folder: str) -> None:
    """There is no room for the package's file, for its content, or for a file of ours; then there is."""
    wanted: dict[str, Any] = {"repository": place | {"url": "copy:/srv/molecule"}}
    wanted["files"] = {"/etc/molecule/setting": "x" * 90000}
    host.check_output(f"mkdir -p {folder} && mount -t tmpfs -o size=64k molecule {folder}")
    try:
        said = packages("molecule", **wanted)["msg"]
    finally:
        host.check_output(f"umount {folder}")
    assert "the disk is full (" + folder in said or f"Cannot write {folder}/setting: No space left on device" in said
    assert "free some space" in said
    assert packages("molecule", **wanted)["changed"]
    assert host.package("molecule").is_installed
    assert host.check_output("dpkg --audit") == ""
    host.check_output("rm -rf /etc/molecule")


def test_lock_that_another_holds_for_a_while(host: Host, place: dict[str, Any]) -> None:
    host.check_output("systemd-run --quiet --collect --unit lock python3 -c %s", HOLD)
    assert eventually(lambda: run(host, "apt-get", "-q", "update")[0] != 0, 3)
    assert packages("molecule", repository=place)["changed"]


def test_nothing_is_left(host: Host, place: dict[str, Any]) -> None:
    assert left(host) == ""
    host.check_output("rm -r /srv/molecule")
