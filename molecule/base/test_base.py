"""What a host has after the role base."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from testinfra.host import Host


def test_first_boot_has_ended(host: Host) -> None:
    result = json.loads(host.file("/run/cloud-init/result.json").content_string)
    assert result["v1"]["errors"] == []


@pytest.mark.parametrize("name", ["ca-certificates", "curl", "git", "iproute2", "systemd-timesyncd"])
def test_packages_are_installed(host: Host, name: str) -> None:
    assert host.package(name).is_installed


def test_no_package_is_left_half_installed(host: Host) -> None:
    assert host.check_output("dpkg --audit") == ""


def test_clock_shows_universal_time(host: Host) -> None:
    assert host.check_output("date +%Z") == "UTC"
    assert host.service("systemd-timesyncd").is_enabled


def test_own_name_resolves_and_sudo_does_not_complain(host: Host) -> None:
    assert host.check_output('getent hosts "$(hostname)"')
    assert host.check_output("sudo -n true 2>&1") == ""


def test_certificates_are_trusted(host: Host) -> None:
    assert host.file("/etc/ssl/certs/ca-certificates.crt").size > 100_000
