"""What makes a slot ready: what the release in it says, while HAProxy runs, and after its next start."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest
from proxy_questions import page_of_the_proxy, pid, slot
from questions import eventually
from testinfra.host import Host


def ready(host: Host, name: str) -> bool:
    return bool(slot(host, "show")[1]["slots"][name]["ready"])


def test_each_slot_is_checked_as_its_release_says_without_a_reload_and_after_a_restart(host: Host) -> None:
    before = pid(host)
    host.check_output("touch /run/blue-is-not-ready")
    assert ready(host, "blue"), "before a release says more, any answer is enough"
    host.check_output("proxy-slot check blue /ready; proxy-slot check green '/ready?deep=1'")
    assert eventually(lambda: not ready(host, "blue"))
    host.check_output(
        "proxy-slot check blue /ready --any"
    )  # what the server itself answers is an answer, and be it 503
    assert eventually(lambda: ready(host, "blue"))
    assert pid(host) == before
    host.check_output("systemctl restart haproxy")
    time.sleep(5)  # in which a check that was wrong would have failed three times
    assert ready(host, "blue")
    assert ready(host, "green")

    host.check_output("systemctl kill -s KILL slot-blue")  # what HAProxy says in its place is none
    assert eventually(lambda: not ready(host, "blue"))
    host.check_output("systemctl reset-failed slot-blue; systemd-run --unit slot-blue /usr/local/bin/slot blue 8101")
    assert eventually(lambda: ready(host, "blue"))
    host.check_output("proxy-slot check blue /ready; systemctl reload haproxy")
    assert eventually(lambda: not ready(host, "blue"))
    assert host.check_output("grep -c '^blue' /etc/haproxy/checks.map") == "2"
    host.check_output("rm /run/blue-is-not-ready")
    assert eventually(lambda: ready(host, "blue"))


@pytest.mark.parametrize("path", ["ready", ""])
def test_what_is_no_path_is_refused(host: Host, path: str) -> None:
    before = host.check_output("cat /etc/haproxy/checks.map")
    status, _, said = slot(host, "check", "blue", path)
    assert (status, "is no path" in said) == (1, True)
    assert host.check_output("cat /etc/haproxy/checks.map") == before


def test_a_path_may_hold_what_a_map_and_a_command_would_trip_over(host: Host) -> None:
    host.check_output("proxy-slot check blue '/zwei wörter; show info?a=b'")
    assert (
        host.check_output("grep blue.path /etc/haproxy/checks.map")
        == "blue.path /zwei%20w%C3%B6rter%3B%20show%20info?a=b"
    )
    assert host.check_output("grep -c . /etc/haproxy/checks.map") == "5"
    host.check_output("proxy-slot check blue /ready")


def test_load_balancer_is_answered_by_the_check_of_the_serving_slot_and_not_logged(host: Host) -> None:
    assert page_of_the_proxy(host) == 200
    assert "/haproxy/ready" not in host.check_output("journalctl -u haproxy -o cat -n 200")
