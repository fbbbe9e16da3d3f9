"""What clients meet at the running HAProxy, and what a deploy, a reload and bad input do to them."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from proxy_questions import (
    BALANCER,
    CLIENT,
    ask,
    client,
    converge,
    fetch,
    make_certificate,
    page_of_the_proxy,
    pid,
    slot,
    under_load,
)
from questions import eventually, journal, listeners, outside_address, variables
from testinfra.host import Host

SILENCE = variables()["proxy_client_timeout"] + 1
EVERYWHERE = "0.0.0.0"  # noqa: S104 (what is listened on, not what listens)
STREAM = shlex.quote(json.dumps(["GET", "/events?count=100&pause=1", {}, "", CLIENT]))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_certificate(tmp_path_factory.mktemp("tls"))


def test_service_runs_and_starts_at_boot(host: Host) -> None:
    assert host.service("haproxy").is_running, journal(host, "haproxy")
    assert host.service("haproxy").is_enabled
    shown = host.check_output("systemctl show haproxy -p Restart,NoNewPrivileges,ProtectSystem,StartLimitIntervalUSec")
    assert set(shown.split()) == {
        "Restart=always",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "StartLimitIntervalUSec=0",
    }


def test_listens_for_clients_everywhere_and_for_metrics_on_loopback(host: Host) -> None:
    assert listeners(host, 8000) == {EVERYWHERE: "haproxy"}
    assert listeners(host, 8404) == {"127.0.0.1": "haproxy"}


def test_workers_are_haproxy_s_in_a_chroot(host: Host) -> None:
    workers = host.check_output("pgrep -u haproxy haproxy").split()
    assert workers
    assert {host.check_output(f"readlink /proc/{pid}/root") for pid in workers} == {"/var/lib/haproxy"}


def test_limits_in_force(host: Host) -> None:
    info = dict(line.split(": ", 1) for line in ask(host, "show info").splitlines() if ": " in line)
    memory = int(host.check_output("awk '/MemTotal/ {print int($2/1024)}' /proc/meminfo"))
    assert int(info["Maxconn"]) == 1000 * memory // 1024 + 20
    assert int(info["Memmax_MB"]) == 0
    assert "clients,FRONTEND" in ask(host, "show stat")


def test_memory_at_rest(host: Host) -> None:
    kib = sum(int(size) for size in host.check_output("ps -C haproxy -o rss=").split())
    print(f"{kib} KiB resident")
    assert kib < 60 * 1024


def test_socket_is_closed_to_others(host: Host) -> None:
    assert host.file("/run/haproxy/admin.sock").mode == 0o660
    assert host.file("/run/haproxy/admin.sock").group == "haproxy"


def test_serving_slot_answers_and_the_idle_one_gets_nothing(host: Host) -> None:
    assert {fetch(host)["json"]["slot"] for _ in range(5)} == {"blue"}
    assert fetch(host, "/ready")["json"] == {"slot": "blue"}
    assert re.search(r"slot_green,green,.*", ask(host, "show stat")).group().split(",")[7] == "0"  # type: ignore[union-attr]


def test_stranger_cannot_say_who_it_is(host: Host) -> None:
    seen = fetch(
        host,
        X_Forwarded_For="9.9.9.9",
        X_Forwarded_Proto="https",
        Forwarded="for=9.9.9.9",
        X_Real_IP="9.9.9.9",
        Proxy="a",
    )["json"]["headers"]
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == (CLIENT, "http")
    assert not {"forwarded", "x-real-ip", "proxy"} & set(seen)


def test_balancer_is_believed_to_its_last_word(host: Host) -> None:
    seen = fetch(host, source=BALANCER, X_Forwarded_For="6.6.6.6, 203.0.113.7", X_Forwarded_Proto="https")["json"][
        "headers"
    ]
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("203.0.113.7", "https")


def test_connection_of_a_balancer_carries_many_clients(host: Host) -> None:
    clients = ["203.0.113.7", "203.0.113.8", "", "2001:db8::1"]
    assert client(host, "relayed", BALANCER, clients)["seen"] == ["203.0.113.7", "203.0.113.8", BALANCER, "2001:db8::1"]
    assert client(host, "relayed", CLIENT, clients)["seen"] == [CLIENT] * 4


def test_hop_headers_stay_behind(host: Host) -> None:
    seen = fetch(host, Connection="keep-alive, X-Forwarded-For", TE="trailers", Proxy_Connection="close")["json"][
        "headers"
    ]
    assert seen["x-forwarded-for"] == CLIENT
    assert seen["connection"] == "close"
    assert not {"te", "proxy-connection"} & set(seen)


def test_upgrade_to_anything_but_websocket_is_not_passed_on(host: Host) -> None:
    seen = fetch(host, Connection="Upgrade, HTTP2-Settings", Upgrade="h2c", HTTP2_Settings="AAMAAABkAAQAAP__")["json"]
    assert not {"upgrade", "http2-settings"} & set(seen["headers"])


def test_answers_hide_the_server(host: Host) -> None:
    names = {name.lower() for name in fetch(host)["headers"]}
    assert "server" not in names
    assert "x-molecule" in names  # a line of proxy_settings


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (413, "content_too_large", {"method": "POST", "body": "x" * 20001}),
        (411, "length_required", {"method": "POST", "body": "x" * 7000, "Transfer_Encoding": "chunked"}),
        (411, "length_required", {"method": "POST", "body": "x" * 90000, "Transfer_Encoding": "chunked"}),
        (431, "headers_too_large", {"X_Long": "x" * 9000}),
        (405, "method_not_allowed", {"method": "TRACE"}),
    ],
)
def test_limit_is_told_as_json(host: Host, status: int, error: str, words: dict[str, str]) -> None:
    answer = fetch(host, **words)
    assert (answer["status"], answer["json"]["error"]) == (status, error), answer


def test_head_beyond_the_buffer_is_refused(host: Host) -> None:
    assert client(host, "fetch", "GET", "/", {"X-Long": "x" * 16000}, "", CLIENT)["status"] == 400


def test_bodies_below_the_limits_arrive(host: Host) -> None:
    assert fetch(host, method="POST", body="x" * 20000)["json"]["body"] == 20000
    assert fetch(host, method="POST", body="x" * 6000, Transfer_Encoding="chunked")["json"]["body"] == 6000


@pytest.mark.parametrize(
    "pieces",
    [
        ["GET / HTTP/1.1\r\n", *[f"X-{number}: a\r\n" for number in range(10)]],
        ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n", *["x"] * 10],
    ],
)
def test_slow_client_is_sent_away(host: Host, pieces: list[str]) -> None:
    met = client(host, "raw", pieces, 0.4, 5)
    assert met["closed"]
    assert " 408 " in met["got"].splitlines()[0]
    assert met["seconds"] < 5


def test_client_that_asks_first_is_told_to_go_on(host: Host) -> None:
    head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    assert client(host, "raw", [head], 0.2, 1)["got"].startswith("HTTP/1.1 100 Continue")


def test_smuggled_request_is_not_one(host: Host) -> None:
    request = (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    met = client(host, "raw", [request + "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"], 0, 3)
    assert met["got"].count("HTTP/1.1 ") <= 1


def test_rate_of_one_client_is_limited_and_no_other_s(host: Host) -> None:
    statuses = client(host, "burst", 130, "127.0.0.3")
    assert statuses["429"] >= 20
    refused = fetch(host, source="127.0.0.3")
    assert (refused["status"], refused["json"]["error"]) == (429, "too_many_requests")
    assert {name.lower(): value for name, value in refused["headers"].items()}["retry-after"] == "5"
    assert fetch(host, source="127.0.0.4")["status"] == 200
    assert client(host, "burst", 130, BALANCER) == {"200": 130}
    assert eventually(lambda: fetch(host, source="127.0.0.3")["status"] == 200, 15)


def test_clients_behind_a_balancer_are_limited_each(host: Host) -> None:
    behind = {"source": BALANCER, "X_Forwarded_For": "203.0.113.9"}
    assert client(host, "burst", 130, BALANCER, "203.0.113.9")["429"] >= 20
    assert fetch(host, **behind)["status"] == 429
    assert fetch(host, source=BALANCER, X_Forwarded_For="203.0.113.10")["status"] == 200


def test_connections_of_one_address_are_limited(host: Host) -> None:
    assert client(host, "connections", 80, "127.0.0.5") == {"served": 60, "refused": 20}


def test_silent_stream_outlives_the_client_s_timeout(host: Host) -> None:
    start = time.monotonic()
    body = client(host, "fetch", "GET", f"/events?count=1&pause={SILENCE}", {}, "", CLIENT)["body"]
    assert body == "data: blue 0\n\n"
    assert time.monotonic() - start > SILENCE


def test_tool_may_work_longer_than_the_client_s_timeout(host: Host) -> None:
    assert fetch(host, f"/?work={SILENCE}")["status"] == 200


def test_silent_websocket_outlives_the_client_s_timeout(host: Host) -> None:
    met = client(host, "websocket", SILENCE)
    assert met == {"status": "101", "echo": "still here"}


def test_metrics_and_health_are_read_on_loopback_alone(host: Host) -> None:
    read = 'python3 -c "import urllib.request as u, sys; print(u.urlopen(sys.argv[1], timeout=5).read().decode())" http://{}:8404{}'
    assert "haproxy_backend_http_responses_total{" in host.check_output(read.format(CLIENT, "/metrics"))
    assert json.loads(host.check_output(read.format(CLIENT, "/healthz"))) == {"status": "ok"}
    assert "refused" in host.run(read.format(outside_address(host), "/metrics")).stderr


def test_log_has_no_query_and_no_token(host: Host) -> None:
    fetch(host, "/logged?token=s3cret", Authorization="Bearer s3cret")
    lines = host.check_output("journalctl -u haproxy -o cat -n 50")
    entry = next(json.loads(line) for line in reversed(lines.splitlines()) if '"/logged"' in line)
    assert (entry["method"], entry["status"], entry["slot"], entry["client"]) == ("GET", 200, "blue", CLIENT)
    assert "s3cret" not in host.check_output("journalctl -o cat -u haproxy")


@pytest.fixture
def load(host: Host) -> Iterator[Callable[[], dict[str, Any]]]:
    """Constant load, and the function that ends it and says what the clients met."""
    with under_load(host) as end:
        yield end


def test_reloads_and_switches_lose_nothing(host: Host, load: Callable[[], dict[str, Any]]) -> None:
    pids = {pid(host)}
    for number in range(1, 6):
        host.check_output("systemctl reload haproxy")
        assert eventually(lambda wanted=number + 1: len(pids | {pid(host)}) == wanted), pids
        pids.add(pid(host))
        time.sleep(0.5)
    assert slot(host, "show")[1]["processes"] == 2  # the first has the streams; the four between them had nothing left
    assert slot(host, "serve", "green")[1]["serving"] == "green"
    time.sleep(1)
    status, _, said = slot(host, "drain", "blue", "--seconds", "1")
    assert status == 1
    assert "2 requests are still open to slot blue" in said
    met = load()
    print(met)
    assert met["problems"] == {}
    counts = met["counts"]
    assert set(counts) == {"200 blue kept", "200 blue new", "200 green kept", "200 green new", "events", "frames"}
    assert counts["events"] > 30
    assert counts["frames"] > 50
    assert slot(host, "drain", "blue")[0] == 0
    assert eventually(lambda: slot(host, "show")[1]["processes"] == 1)


def test_choice_outlives_reload_restart_and_the_role(host: Host) -> None:
    assert fetch(host)["json"]["slot"] == "green"
    host.check_output("systemctl reload haproxy")
    assert fetch(host)["json"]["slot"] == "green"
    host.check_output("systemctl kill -s KILL haproxy")
    assert eventually(lambda: slot(host, "show")[0] == 0), journal(host, "haproxy")
    assert fetch(host)["json"]["slot"] == "green"
    good, said = converge({"proxy_drain_timeout": 2})
    assert good, said
    assert slot(host, "show")[1]["serving"] == "green"
    assert fetch(host)["json"]["slot"] == "green"


def test_old_process_ends_after_its_time(host: Host) -> None:
    host.check_output("systemd-run --collect --unit client-stream /usr/local/bin/client fetch " + STREAM)
    assert eventually(lambda: slot(host, "show")[1]["slots"]["green"]["requests"] == 1)
    host.check_output("systemctl reload haproxy")
    assert slot(host, "show")[1]["processes"] == 2
    assert eventually(lambda: slot(host, "show")[1]["processes"] == 1, 6)


def test_slot_that_is_not_ready_gets_nothing(host: Host) -> None:
    host.check_output("proxy-slot check blue /ready; proxy-slot check green /ready")
    host.check_output("touch /run/blue-is-not-ready")
    assert eventually(lambda: not slot(host, "show")[1]["slots"]["blue"]["ready"])
    status, _, said = slot(host, "serve", "blue")
    assert (status, "slot blue is not ready (its check says L7STS); green goes on serving" in said) == (1, True)
    assert fetch(host)["json"]["slot"] == "green"
    assert "no slot red, only blue, green" in slot(host, "serve", "red")[2]

    host.check_output("touch /run/green-is-not-ready")
    assert eventually(lambda: fetch(host, source=BALANCER)["status"] == 503)
    assert page_of_the_proxy(host) == 503
    for path in ("/", "/ready"):
        answer = fetch(host, path)
        assert (answer["status"], answer["json"]["error"]) == (503, "unavailable")
        assert {name.lower(): value for name, value in answer["headers"].items()}["retry-after"] == "5"

    host.check_output("rm /run/blue-is-not-ready /run/green-is-not-ready")
    assert eventually(lambda: fetch(host, source=BALANCER)["status"] == 200)
    assert page_of_the_proxy(host) == 200
    assert eventually(lambda: slot(host, "serve", "blue")[0] == 0)
    assert fetch(host)["json"]["slot"] == "blue"


def test_crashed_slot_is_answered_for_and_comes_back(host: Host) -> None:
    host.check_output("systemctl kill -s KILL slot-blue")
    assert {fetch(host, source=BALANCER)["status"] for _ in range(5)} == {503}
    host.check_output("systemctl reset-failed slot-blue; systemd-run --unit slot-blue /usr/local/bin/slot blue 8101")
    assert eventually(lambda: fetch(host, source=BALANCER)["status"] == 200)


def test_option_that_haproxy_rejects_changes_nothing(host: Host) -> None:
    before = slot(host, "show")[1]
    good, said = converge({"proxy_settings": {"global": ["tune.nonsense 1"]}})
    assert not good
    assert "unknown keyword 'tune.nonsense' in 'global' section" in said
    assert slot(host, "show")[1] == before
    assert before["configuration"] == "in force"


def test_key_of_another_certificate_is_refused(host: Host, certificate: str, tmp_path: Path) -> None:
    other = make_certificate(tmp_path)
    mixed = other[: other.index("-----BEGIN CERT")] + certificate[certificate.index("-----BEGIN CERT") :]
    good, said = converge({"proxy_tls_certificate": mixed})
    assert not good
    assert "the key is not that of the first certificate" in said
    assert "PRIVATE KEY" not in said
    assert not host.file("/etc/haproxy/tls.pem").exists


def test_port_in_use_is_told_with_its_holder_and_heals(host: Host, certificate: str) -> None:
    settings = {"proxy_port": 8005, "proxy_tls_certificate": certificate, "proxy_tls_redirect": True}
    host.check_output("systemd-run --collect --unit port-thief python3 -m http.server 8005")
    assert eventually(lambda: bool(listeners(host, 8005)))
    good, said = converge(settings | {"proxy_timeout": 3})
    assert not good
    assert re.search(r"port 8005 is held by python3 \(pid \d+\)\. Stop that, or choose another port", said), said
    assert "PRIVATE KEY" not in said
    assert fetch(host)["status"] == 200  # the old process goes on, on the old port
    host.check_output("systemctl stop port-thief")
    good, said = converge(settings)
    assert good, said
    assert listeners(host, 8005) == {EVERYWHERE: "haproxy"}


def test_tls_of_today_alone(host: Host) -> None:
    assert host.file("/etc/haproxy/tls.pem").mode == 0o600
    for version, status in {"-tls1_1": 1, "-tls1_2": 0, "-tls1_3": 0}.items():
        command = f"timeout 5 openssl s_client {version} -cipher ALL:@SECLEVEL=0 -connect 127.0.0.1:8443 </dev/null"
        result = host.run(command)
        assert result.rc == status, version + result.stdout + result.stderr
    secure = client(host, "secure", "/")
    assert json.loads(secure["body"])["headers"]["x-forwarded-proto"] == "https"
    assert "strict-transport-security" in secure["headers"]


def test_plain_port_redirects_all_but_the_ready_path(host: Host) -> None:
    redirect = client(host, "fetch", "GET", "/mcp?a=b", {"Host": "mcp.example:8000"}, "", CLIENT, 8005)
    assert redirect["status"] == 308
    assert redirect["headers"]["location"] == "https://mcp.example:8443/mcp?a=b"
    assert client(host, "fetch", "GET", "/haproxy/ready", {}, "", CLIENT, 8005)["status"] == 200
