"""Base images: the Debian 12 that instances run, and the `python:3.11-slim` that a Dockerfile asks Docker Hub for.

An image's tag is the digest of its recipe, so that a changed recipe builds anew and an unchanged one never does.
"""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import engine, trust
from .settings import APT_PROXY_PORT, DEBIAN_MIRROR, EDGE, HOST_IMAGE, PYTHON_IMAGE, REGISTRY_PORT, SOURCE
from .shell import run

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
HOST_PACKAGES = (
    "ca-certificates,cloud-init,cron,dbus,iproute2,iptables,less,libpam-systemd,netbase,openssh-server,"
    "procps,python3,python3-apt,sudo,systemd,systemd-sysv,udev"
)


@dataclass(frozen=True)
class Image:
    """A Debian tree made by mmdebstrap and imported into the engine."""

    name: str
    packages: str
    hooks: tuple[str, ...]
    changes: tuple[str, ...]

    def reference(self) -> str:
        """Name and tag; the tag covers packages, hooks, uploaded files and certificates."""
        recipe = [self.packages, *self.hooks, *self.changes, *self._authorities()]
        recipe += [path.read_text() for path in sorted((SOURCE / "host").iterdir())]
        return f"{self.name}:{hashlib.sha256(''.join(recipe).encode()).hexdigest()[:12]}"

    def up(self) -> None:
        """Build the image unless the engine has it."""
        if engine.has_image(self.reference()):
            return
        sources = [f"deb {DEBIAN_MIRROR} {suite} main" for suite in ("bookworm", "bookworm-updates")]
        sources.append(f"deb {DEBIAN_MIRROR}-security bookworm-security main")
        with tempfile.TemporaryDirectory() as folder:
            tree = Path(folder) / "tree.tar"
            hooks = [f"--customize-hook={hook}" for hook in (*self._trust(Path(folder)), *self.hooks, *TIDY)]
            proxy = f'--aptopt=Acquire::http::Proxy "http://{EDGE}:{APT_PROXY_PORT}"'
            packages = f"--include={self.packages}"
            run("mmdebstrap", "--quiet", "--variant=minbase", packages, proxy, *hooks, "bookworm", tree, *sources)
            changes = [part for change in self.changes for part in ("--change", change)]
            run("docker", "import", *changes, tree, self.reference())

    @staticmethod
    def _authorities() -> list[str]:
        return [trust.authority_certificate(), *trust.machine_authorities()]

    def _trust(self, folder: Path) -> tuple[str, ...]:
        for number, certificate in enumerate(self._authorities()):
            (folder / f"machine-{number}.crt").write_text(certificate + "\n")
        return (
            f'cp {folder}/machine-*.crt "$1"/usr/local/share/ca-certificates/',
            'chroot "$1" update-ca-certificates',
        )


TIDY = ('rm -rf "$1"/var/lib/apt/lists/* "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/hostname',)

HOST = Image(
    name=HOST_IMAGE,
    packages=HOST_PACKAGES,
    hooks=(
        f'install -m 755 {SOURCE}/host/init "$1"/sbin/lab-init',
        f"upload {SOURCE}/host/cloud.cfg /etc/cloud/cloud.cfg.d/90_ec2.cfg",
        f"upload {SOURCE}/host/apt.conf /etc/apt/apt.conf.d/02cache",
        # A host of the lab lives for minutes: no syncing of each file.
        f"upload {SOURCE}/host/dpkg.cfg /etc/dpkg/dpkg.cfg.d/90-lab",
        # cloud-init knows a Xen guest of EC2 by a file that only Xen's kernel has.
        'echo ec2-lab > "$1"/etc/cloud/hypervisor-uuid',
        # The stage before the network would wait a minute for a DHCP client that a container does not need.
        "sed -i -e s:/sys/hypervisor/uuid:/etc/cloud/hypervisor-uuid: -e '/(DataSourceEc2Local, /d' "
        '"$1"/usr/lib/python3/dist-packages/cloudinit/sources/DataSourceEc2.py',
        """printf 'datasource: Ec2\\npolicy: enabled\\n' > "$1"/etc/cloud/ds-identify.cfg""",
        # A host's keys and identity are its own.
        'rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/machine-id; touch "$1"/etc/machine-id',
    ),
    changes=('ENTRYPOINT ["/sbin/lab-init"]', "ENV container=docker", "LABEL mcp.aws.lab=image"),
)

PYTHON = Image(
    name="mcp-lab/python",
    packages="ca-certificates,python3,python3-pip",
    hooks=(
        'rm -f "$1"/usr/lib/python3.11/EXTERNALLY-MANAGED',
        'ln -s /usr/bin/python3 "$1"/usr/local/bin/python; ln -s /usr/bin/python3 "$1"/usr/local/bin/python3',
    ),
    changes=('CMD ["python3"]', f"ENV PIP_CERT={BUNDLE}", f"ENV SSL_CERT_FILE={BUNDLE}", "LABEL mcp.aws.lab=image"),
)


def publish_python() -> None:
    """Put the Python image where hosts look for Docker Hub's."""
    target = f"127.0.0.1:{REGISTRY_PORT}/{PYTHON_IMAGE}"
    run("docker", "tag", PYTHON.reference(), target)
    run("docker", "push", "--quiet", target)
