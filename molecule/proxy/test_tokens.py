"""Bearer tokens that HAProxy asks for: who comes in, what the server and the log see, that rotation cuts nobody."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from proxy_questions import client, converge, fetch, page_of_the_proxy, under_load
from testinfra.host import Host

ALICE, BOB, CAROL = "alice-0123456789-0123456789", "bob.0123456789~0123456789+/==", "carol_0123456789_0123456789"
MAP = "/etc/haproxy/tokens.map"


@pytest.fixture(scope="module", autouse=True)
def tokens(host: Host) -> Iterator[None]:
    """The role with two tokens, and afterwards without."""
    good, said = converge({"proxy_tokens": {"alice": ALICE, "bob": BOB}})
    assert good, said
    yield
    good, said = converge({})
    assert good, said
    assert fetch(host)["status"] == 200
    assert not host.file(MAP).exists


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        f"Bearer {ALICE[:-1]}",
        f"Bearer {ALICE}x",
        f"Bearer {ALICE.upper()}",
        f"Basic {ALICE}",
        ALICE,
        "Bearer alice",
    ],
)
def test_who_names_no_known_token_stays_outside(host: Host, header: str) -> None:
    answer = fetch(host, **({"Authorization": header} if header else {}))
    assert (answer["status"], answer["json"]["error"]) == (401, "unauthorized")
    assert {name.lower(): value for name, value in answer["headers"].items()}["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("header", [f"Bearer {ALICE}", f"bearer {ALICE}", f"Bearer {BOB}"])
def test_a_known_token_leads_to_the_server_which_does_not_see_it(host: Host, header: str) -> None:
    answer = fetch(host, Authorization=header)
    assert answer["status"] == 200
    assert "authorization" not in {name.lower() for name in answer["json"]["headers"]}


def test_a_websocket_wants_one_too(host: Host) -> None:
    assert client(host, "websocket", 0)["status"] == "401"
    assert client(host, "websocket", 0, BOB) == {"status": "101", "echo": "still here"}


def test_load_balancers_are_answered_without(host: Host) -> None:
    assert page_of_the_proxy(host) == 200


def test_the_log_names_whose_it_was_and_no_file_has_it(host: Host) -> None:
    fetch(host, "/by-bob", Authorization=f"Bearer {BOB}")
    fetch(host, "/by-nobody", Authorization=f"Bearer {CAROL}")
    lines = host.check_output("journalctl -u haproxy -o cat -n 50").splitlines()
    entries = {entry["path"]: entry for line in lines if line.startswith("{") for entry in [json.loads(line)]}
    assert (entries["/by-bob"]["token"], entries["/by-bob"]["status"]) == ("bob", 200)
    assert (entries["/by-nobody"]["token"], entries["/by-nobody"]["status"]) == ("-", 401)
    assert (host.file(MAP).mode, host.file(MAP).user) == (0o600, "root")
    kept = host.file(MAP).content_string + host.file("/etc/haproxy/haproxy.cfg").content_string
    kept += host.check_output("journalctl -o cat -u haproxy") + host.check_output("ps -eo args")
    assert not [token for token in (ALICE, BOB, CAROL) if token in kept]


def test_a_second_run_changes_nothing(host: Host) -> None:
    good, said = converge({"proxy_tokens": {"bob": BOB, "alice": ALICE}})
    assert good, said
    assert " changed=0 " in said


def test_a_rotation_cuts_nobody(host: Host) -> None:
    with under_load(host, ALICE) as end:
        good, said = converge({"proxy_tokens": {"alice": ALICE, "carol": CAROL}})
        assert good, said
        assert fetch(host, Authorization=f"Bearer {CAROL}")["status"] == 200
        assert fetch(host, Authorization=f"Bearer {BOB}")["status"] == 401
        met = end()
    print(met)
    assert met["problems"] == {}
    assert met["counts"]["frames"] > 50
    assert {key.split()[0] for key in met["counts"] if key[0].isdigit()} == {"200"}


def test_tokens_that_cannot_be_are_refused_without_being_shown(host: Host) -> None:
    wrong = {
        "a b": "0123456789-0123456789-a",
        "short": "0123456789-hush",
        "spaced": "hush hush hush hush hush",
        "bob": BOB,
    }
    good, said = converge({"proxy_tokens": wrong})
    assert not good
    assert "(a b)" in said
    assert "(short, spaced)" in said
    assert "hush" not in said
    assert BOB not in said
    good, said = converge({"proxy_tokens": {"bob": BOB, "bobs-twin": BOB}})
    assert not good
    assert "no two names have the same" in said
    assert fetch(host, Authorization=f"Bearer {ALICE}")["status"] == 200  # those in force stay so
