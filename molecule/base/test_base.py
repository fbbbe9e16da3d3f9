"""What a host has after the role base, and what the role refuses."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from questions import eventually, journal, outside_address
from testinfra.host import Host

FOLDER = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
SSH = "/etc/ssh/sshd_config.d/10-mcp-base.conf"
# The one folder of a host of the lab that is no overlay, so that the kernel swaps to files in it.
SWAP = "/var/lib/docker/swapfile"


def apply(tasks: str = "main", **variables: Any) -> str:
    """Apply the role, or one of its files of tasks, with other variables; return what is printed."""
    program = Path(sys.executable).with_name("ansible-playbook")
    playbook = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"], "molecule/shared/converge.yml")
    words = [program, "-i", FOLDER / "inventory", "-e", json.dumps({"tasks_from": tasks, **variables}), playbook]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(FOLDER / "ansible.cfg")}
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=120, check=False, env=environment
    )
    return " ".join((done.stdout + done.stderr).split())


@functools.cache
def address(host: Host) -> str:
    """The address of the host, asked once: nobody can ask while a test has locked everybody out."""
    return outside_address(host)


def login(host: Host, *options: str, user: str = "admin") -> tuple[int, str]:
    """Log in on a connection of its own."""
    words = ["ssh", "-F", "none", "-i", str(FOLDER / "id_ed25519"), "-oBatchMode=yes", "-oIdentitiesOnly=yes"]
    words += ["-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oConnectTimeout=5", *options]
    done = subprocess.run([*words, f"{user}@{address(host)}", "id", "-un"], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip() or done.stderr.strip()


def test_first_boot_has_ended(host: Host) -> None:
    result = json.loads(host.file("/run/cloud-init/result.json").content_string)
    assert result["v1"]["errors"] == []


@pytest.mark.parametrize(
    "name", ["ca-certificates", "curl", "git", "iproute2", "systemd-timesyncd", "unattended-upgrades"]
)
def test_packages_are_installed(host: Host, name: str) -> None:
    assert host.package(name).is_installed


def test_no_package_is_left_half_installed(host: Host) -> None:
    assert host.check_output("dpkg --audit") == ""


def test_installation_that_was_killed_half_way_is_finished(host: Host) -> None:
    host.check_output("cd /tmp && apt-get -qq download tree && dpkg --unpack tree_*.deb")
    assert "tree" in host.check_output("dpkg --audit")
    said = apply()
    assert "failed=0" in said, said
    assert host.check_output("dpkg --audit") == ""
    assert host.package("tree").is_installed


def test_clock_shows_universal_time(host: Host) -> None:
    assert host.check_output("date +%Z") == "UTC"
    assert host.service("systemd-timesyncd").is_enabled


def test_own_name_resolves_and_sudo_does_not_complain(host: Host) -> None:
    assert host.check_output('getent hosts "$(hostname)"')
    assert host.check_output("sudo -n true 2>&1") == ""


def test_service_account_cannot_log_in(host: Host) -> None:
    user = host.user("mcp")
    assert user.uid < 1000
    assert user.shell == "/usr/sbin/nologin"
    assert host.check_output("passwd -S mcp").split()[1] == "L"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vm.overcommit_memory", 1),
        ("vm.swappiness", 10),
        ("net.core.somaxconn", 4096),
        ("kernel.kptr_restrict", 2),
        ("net.ipv4.conf.all.rp_filter", 1),
        ("net.ipv4.conf.all.send_redirects", 0),
        ("net.ipv4.ip_forward", 1),
    ],
)
def test_kernel_setting_is_in_force(host: Host, name: str, value: int) -> None:
    assert host.sysctl(name) == value


def test_kernel_settings_come_back_at_boot_whatever_a_kernel_lacks(host: Host) -> None:
    host.check_output("sysctl -q net.ipv4.conf.all.rp_filter=0")
    host.check_output("systemctl restart systemd-sysctl")
    assert host.sysctl("net.ipv4.conf.all.rp_filter") == 1, journal(host, "systemd-sysctl")
    files = host.check_output("/lib/systemd/systemd-sysctl --cat-config | grep '^# /'").splitlines()
    assert files[-1] == "# /etc/sysctl.d/99-zz-mcp-base.conf"


def test_value_that_the_kernel_rejects_changes_nothing(host: Host) -> None:
    path = "/etc/sysctl.d/99-zz-mcp-base.conf"
    before = host.file(path).content_string
    wanted = {"net.ipv4.tcp_rfc1337": 1, "net.core.somaxconn": "many", "vm.no_such": 1, "fs.protected_fifos": ""}
    said = apply("sysctl", base_kernel_settings=wanted)
    assert 'The kernel rejects a value: sysctl: setting key "net.core.somaxconn": Invalid argument' in said.replace(
        "\\", ""
    )
    assert "Correct base_kernel_settings" in said
    assert host.sysctl("net.ipv4.tcp_rfc1337") == 0
    assert host.file(path).content_string == before


def test_setting_that_drifts_is_set_again_and_one_that_the_kernel_lacks_is_reported(host: Host) -> None:
    host.check_output("sysctl -q vm.swappiness=77 vm.overcommit_memory=0")
    said = apply("sysctl", base_kernel_settings={"vm.no_such": 1, "fs.protected_fifos": ""})
    assert "failed=0" in said, said
    assert "vm.no_such: no such setting" in said
    assert (host.sysctl("vm.swappiness"), host.sysctl("vm.overcommit_memory")) == (10, 1)


def test_what_is_set_at_boot_is_set_again(host: Host) -> None:
    lines = host.file("/etc/tmpfiles.d/mcp-base.conf").content_string.splitlines()
    assert "w- /sys/kernel/mm/transparent_hugepage/enabled - - - - madvise" in lines  # a container may not write there
    host.check_output("chmod 0644 /etc/crontab")
    host.check_output("systemd-tmpfiles --create /etc/tmpfiles.d/mcp-base.conf")
    assert host.file("/etc/crontab").mode == 0o600


def test_core_of_a_process_is_not_written(host: Host) -> None:
    assert login(host)[0] == 0
    assert host.check_output("su -s /bin/sh admin -c 'ulimit -Hc'") == "0"


def test_journal_is_kept_within_its_limits(host: Host) -> None:
    assert host.check_output("ls /var/log/journal").strip() == host.check_output("cat /etc/machine-id")
    said = host.check_output("journalctl -u systemd-journald -o cat -g 'System Journal'").splitlines()[-1]
    assert "/var/log/journal/" in said
    assert "max 256.0M" in said


def test_upgrades_are_of_security_alone(host: Host) -> None:
    told = host.run("unattended-upgrade --dry-run --debug 2>&1").stdout
    origins = next(line for line in told.splitlines() if "Allowed origins are" in line)
    assert origins.count("label=Debian-Security") == origins.count("origin=") == 2
    excluded = next(line for line in told.splitlines() if "Initial blacklist" in line)
    assert all(name in excluded for name in ("containerd", "docker", "postgresql")), told[-2000:]


def test_upgrades_run_daily_and_never_reboot(host: Host) -> None:
    told = host.check_output("apt-config dump")
    assert 'APT::Periodic::Unattended-Upgrade "1";' in told
    assert 'Unattended-Upgrade::Automatic-Reboot "false";' in told
    assert host.service("apt-daily-upgrade.timer").is_enabled


@pytest.mark.parametrize(
    "setting",
    [
        "passwordauthentication no",
        "kbdinteractiveauthentication no",
        "permitrootlogin no",
        "maxauthtries 3",
        "allowtcpforwarding no",
        "x11forwarding no",
        "macs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com",
    ],
)
def test_ssh_setting(host: Host, setting: str) -> None:
    assert setting in host.check_output("sshd -T").splitlines()


def test_key_opens_a_new_login(host: Host) -> None:
    assert login(host) == (0, "admin")


@pytest.mark.parametrize(
    ("options", "user", "says"),
    [
        (
            ["-oPubkeyAuthentication=no", "-oPreferredAuthentications=password"],
            "admin",
            "Permission denied (publickey)",
        ),
        ([], "root", "Permission denied (publickey)"),
        ([], "mcp", "Permission denied (publickey)"),
        (["-oCiphers=aes128-cbc"], "admin", "no matching cipher"),
        (["-oMACs=hmac-sha1", "-oCiphers=aes128-ctr"], "admin", "no matching MAC"),
        (["-oKexAlgorithms=diffie-hellman-group14-sha256"], "admin", "no matching key exchange"),
    ],
)
def test_stranger_or_old_client_is_refused(host: Host, options: list[str], user: str, says: str) -> None:
    status, said = login(host, *options, user=user)
    assert status == 255
    assert says in said


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"base_ssh_settings": {"NoSuchSetting": "yes"}}, "Bad configuration option: NoSuchSetting"),
        ({"base_ssh_settings": {"Ciphers": "rot13"}}, "Bad SSH2 cipher spec 'rot13'"),
        ({"base_ssh_allow_users": ["somebody"]}, "would lock admin out: allowusers ( somebody ) does not name admin"),
    ],
    ids=["unknown", "value", "user"],
)
def test_ssh_settings_that_are_wrong_or_lock_the_user_out_change_nothing(
    host: Host, variables: dict[str, Any], says: str
) -> None:
    before = host.file(SSH).content_string
    said = apply("ssh", **variables)
    assert says in said, said
    assert "The old configuration stays in force" in said
    assert host.file(SSH).content_string == before
    assert login(host) == (0, "admin")
    assert host.run("systemctl is-active sshd-settings-rollback.timer").stdout.strip() == "inactive"


@pytest.mark.parametrize(
    "settings", [{"ListenAddress": "127.0.0.1"}, {"AuthorizedKeysFile": "/etc/keys/%u"}], ids=["address", "keys"]
)
def test_change_that_locks_out_is_taken_back(host: Host, settings: dict[str, str]) -> None:
    before = host.file(SSH).content_string
    assert login(host) == (0, "admin")
    said = apply("ssh", base_ssh_settings=settings)
    assert "unreachable=1" in said, said
    assert login(host)[0] == 255
    assert eventually(lambda: login(host) == (0, "admin"), 100)
    assert host.file(SSH).content_string == before, journal(host, "ssh")


def test_changed_ssh_settings_are_kept_after_a_new_login(host: Host) -> None:
    said = apply("ssh", base_ssh_max_auth_tries=5, base_ssh_allow_users=["admin"])
    assert "failed=0" in said, said
    assert {"maxauthtries 5", "allowusers admin"} <= set(host.check_output("sshd -T").splitlines())
    assert host.run("systemctl is-active sshd-settings-rollback.timer").stdout.strip() == "inactive"
    assert login(host) == (0, "admin")


def test_unknown_time_zone_is_refused_by_name(host: Host) -> None:
    said = apply("configure", base_timezone="Mars/Olympus")
    assert "base_timezone is Mars/Olympus, which the host cannot use" in said
    assert host.check_output("date +%Z") == "UTC"


def test_swap_is_sized_and_a_kernel_that_refuses_it_leaves_nothing_behind(host: Host) -> None:
    said = apply("swap", base_swap_mb="")
    assert "The kernel does not swap to /swapfile" in said, said
    assert "or base_swap_mb to 0 for none" in said
    assert host.run("ls -A / /etc/systemd/system | grep swapfile").stdout == ""


@pytest.fixture
def real_swap(host: Host) -> Iterator[None]:
    """Show the kernel's own list of swap, and leave nothing in it."""
    host.run("umount /proc/swaps")
    yield
    host.run(f"swapoff {SWAP}")


@pytest.mark.usefixtures("real_swap")
def test_swap_has_the_size_that_is_given(host: Host) -> None:
    for size in (24, 40):
        said = apply("swap", base_swap_file=SWAP, base_swap_mb=str(size))
        assert "failed=0" in said, said
        active = host.check_output("swapon --show=NAME,SIZE --noheadings --raw --bytes").split()
        assert active == [SWAP, str(size * 2**20 - 4096)]
        assert host.file(SWAP).mode == 0o600
    said = apply("swap", base_swap_file=SWAP, base_swap_mb="40")
    assert "changed=0" in said, said
    unit = "var-lib-docker-swapfile.swap"
    host.check_output(f"systemd-analyze verify /etc/systemd/system/{unit}")
    assert host.check_output(f"systemctl is-enabled {unit}") == "enabled"
    said = apply("swap", base_swap_file=SWAP, base_swap_mb="99000000")
    assert "Cannot make a swap file of 99000000 MiB: /var/lib/docker has" in said, said
    assert host.file(SWAP).size == 40 * 2**20
    assert "failed=0" in apply("swap", base_swap_file=SWAP, base_swap_mb="0")
    assert "changed=0" in apply("swap", base_swap_file=SWAP, base_swap_mb="0")
    assert host.check_output("swapon --show --noheadings") == ""
    assert host.run("ls -A /var/lib/docker /etc/systemd/system | grep swap").stdout == ""


def test_host_takes_a_name_that_resolves_and_lasts(host: Host) -> None:
    host.run("umount /etc/hostname")  # the container engine's own file
    said = apply("configure", base_hostname="renamed")
    assert "failed=0" in said, said
    assert host.check_output("hostname") == host.check_output("cat /etc/hostname") == "renamed"
    assert host.check_output("getent hosts renamed")
    cloud = yaml.safe_load(host.file("/etc/cloud/cloud.cfg.d/99-mcp-hostname.cfg").content_string)
    assert cloud == {"preserve_hostname": True}
