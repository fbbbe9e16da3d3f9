"""The services behind the edge address: DNS, TLS, package cache and repository, image registry, and lxcfs."""

import shutil
import sys
from functools import partial
from pathlib import Path

from . import daemons, packages, trust
from .settings import (
    ACCOUNT,
    API_PORT,
    APT_PROXY_PORT,
    CACHE,
    EDGE,
    INTERNAL_DOMAIN,
    REGISTRY_PORT,
    RUN,
)
from .shell import LabError, run, succeeds, wait_for

LXCFS = Path("/var/lib/lxcfs")
NAMES = ("dns", "edge", "registry", "apt-cache", "apt", "lxcfs")

# Who listens where, and the setting that moves it.
WANTED = {
    "api": ("127.0.0.1", API_PORT, "API_PORT"),
    "registry": ("127.0.0.1", REGISTRY_PORT, "REGISTRY_PORT"),
    "apt-cache": (EDGE, APT_PROXY_PORT, "APT_PROXY_PORT"),
    "edge": (EDGE, 443, "EDGE"),
    "apt": (EDGE, 80, "EDGE"),
    "dns": (EDGE, 53, "EDGE"),
}

# HAProxy in front of moto: moto's own TLS ends connections in a way that OpenSSL 3 refuses.
EDGE_CONFIGURATION = f"""
global
    maxconn 1000
defaults
    mode http
    timeout connect 5s
    timeout client 10m
    timeout server 10m
userlist ecr
    user AWS insecure-password {ACCOUNT}-auth-token
frontend edge
    bind {EDGE}:443 ssl crt {trust.SERVER}
    acl ecr hdr_reg(host) -i ^[0-9]+\\.dkr\\.ecr\\.
    http-request auth realm ecr if ecr !{{ http_auth(ecr) }}
    use_backend registry if ecr || {{ hdr(host) -i registry-1.docker.io }}
    default_backend api
backend registry
    http-request set-header X-Forwarded-Proto https
    server registry 127.0.0.1:{REGISTRY_PORT}
backend api
    server api 127.0.0.1:{API_PORT}
"""

# A package never changes under its name; an index is asked for again each time.
APT_CACHE_CONFIGURATION = f"""
http_port {EDGE}:{APT_PROXY_PORT}
http_access allow all
cache_dir ufs {CACHE}/packages 8000 16 64
maximum_object_size 512 MB
refresh_pattern \\.deb$ 525600 100% 525600
refresh_pattern . 0 0% 0
pid_filename none
cache_log {RUN}/log/squid.log
access_log none
shutdown_lifetime 1 seconds
dns_nameservers {EDGE}
"""

REGISTRY_CONFIGURATION = f"""version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {CACHE}/registry}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{REGISTRY_PORT}"}}
"""


def listening(address: str, port: int) -> bool:
    """Tell whether somebody listens there."""
    return bool(run("ss", "-Hlnt", "src", address, "and", "sport", "=", f":{port}"))


def check_ports() -> None:
    """Raise LabError naming whoever holds a port that the lab needs, and which setting moves it."""
    for name, (address, port, setting) in WANTED.items():
        for taken in (address, "0.0.0.0", "*"):  # noqa: S104 - looked for, not listened on
            if not daemons.is_running(name) and listening(taken, port):
                holder = run("ss", "-Hlntp", "src", taken, "and", "sport", "=", f":{port}").split()[-1]
                raise LabError(
                    f"Port {port} on {taken} is taken by {holder}, and the lab's {name} needs it. "
                    f"Stop that program, or change {setting} in lab/settings.py."
                )


def up() -> None:
    """Start what is not running yet and wait until each listens."""
    _lxcfs()
    etc = RUN / "etc"
    (RUN / "hosts").mkdir(parents=True, exist_ok=True)
    etc.mkdir(parents=True, exist_ok=True)
    (etc / "squid.conf").write_text(APT_CACHE_CONFIGURATION)
    (etc / "haproxy.cfg").write_text(EDGE_CONFIGURATION)
    (etc / "registry.yml").write_text(REGISTRY_CONFIGURATION)
    (etc / "resolv.conf").write_text(f"nameserver {EDGE}\n")
    daemons.start(
        *("dns", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--bind-interfaces"),
        *(f"--listen-address={EDGE}", "--no-hosts", f"--hostsdir={RUN}/hosts"),
        *(f"--address=/{domain}/{EDGE}" for domain in ("amazonaws.com", "docker.io", INTERNAL_DOMAIN)),
    )
    daemons.start("edge", "haproxy", "-db", "-f", etc / "haproxy.cfg", reads=[etc / "haproxy.cfg", trust.SERVER])
    daemons.start("registry", "docker-registry", "serve", etc / "registry.yml", reads=[etc / "registry.yml"])
    daemons.start("apt", sys.executable, "-m", "http.server", "--bind", EDGE, "--directory", _apt_folder(), "80")
    _apt_cache(etc / "squid.conf")
    for name, (address, port, _) in WANTED.items():
        if name != "api":
            wait_for(
                *(f"The lab's {name}", partial(listening, address, port)),
                seconds=20,
                evidence=[daemons.log_of(name)],
            )


def down() -> None:
    """Stop them all, the tellers of memory last."""
    for name in NAMES:
        daemons.stop(name)


def _apt_folder() -> Path:
    packages.APT.mkdir(parents=True, exist_ok=True)
    return packages.APT


def _apt_cache(configuration: Path) -> None:
    packages_cache = CACHE / "packages"
    whole = CACHE / "packages.whole"  # squid makes its 16 folders one by one, and may be cut off
    if not whole.exists():
        packages_cache.mkdir(parents=True, exist_ok=True)
        shutil.chown(packages_cache, "proxy", "proxy")
        run("squid", "-N", "-z", "-f", configuration)
        whole.touch()
    daemons.start("apt-cache", "squid", "-N", "-f", configuration, reads=[configuration])


def tells_sizes() -> bool:
    """Tell whether lxcfs answers, ours or the machine's own."""
    try:
        return (LXCFS / "proc/meminfo").exists()
    except OSError:  # ENOTCONN: mounted by an lxcfs that was killed
        return False


def _is_mounted() -> bool:
    # os.path.ismount asks the file system, and a dead one does not answer.
    return any(line.split()[4] == str(LXCFS) for line in Path("/proc/self/mountinfo").read_text().splitlines())


def _lxcfs() -> None:
    """lxcfs makes /proc tell a host its own memory and processors instead of the machine's."""
    if tells_sizes():
        return
    if not Path("/dev/fuse").exists():
        succeeds("mknod", "/dev/fuse", "c", "10", "229")
    while _is_mounted():
        run("umount", "--lazy", LXCFS)
    LXCFS.mkdir(parents=True, exist_ok=True)
    daemons.start("lxcfs", "lxcfs", "--foreground", "--pidfile", RUN / "lxcfs.own.pid", LXCFS)
    wait_for("lxcfs", tells_sizes, seconds=10, evidence=[daemons.log_of("lxcfs")])
