"""The lab behaves as a region does: hosts of the right size, services under TLS, verbs that act, and it heals."""

import subprocess
import sys

from lab import daemons, engine, network
from tests.e2e.conftest import NAME, ROOT, Server, aws


def test_host_is_as_large_as_its_type(server: Server) -> None:
    assert server.instance["InstanceType"] == "t2.micro"
    assert server.shell("nproc") == "1"
    assert server.shell("awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo") == "1024"


def test_services_answer_under_tls_that_the_host_trusts(server: Server) -> None:
    script = """
import ssl, urllib.request, urllib.error
for service in ("s3", "logs", "sns", "ssm", "api.ecr"):
    url = f"https://{service}.us-east-1.amazonaws.com/"
    try:
        urllib.request.urlopen(url, timeout=10)
    except urllib.error.HTTPError as answer:
        print(service, "answers")
"""
    output = server.shell(f"python3 - <<'END'\n{script}END")
    assert [line.split()[0] for line in output.splitlines()] == ["s3", "logs", "sns", "ssm", "api.ecr"], output


def test_registry_of_images_wants_the_token_of_ecr(server: Server) -> None:
    token = aws("ecr").get_authorization_token()["authorizationData"][0]
    host = token["proxyEndpoint"].removeprefix("https://")
    image = f"{host}/{NAME}:e2e"
    ours = f"docker inspect -f '{{{{.Image}}}}' {server.container}"
    server.shell(f"docker logout {host} >/dev/null; docker tag $({ours}) {image}")
    assert "no basic auth credentials" in server.shell(f"docker push {image} 2>&1 || true")
    login = (
        f"echo {token['authorizationToken']} | base64 -d | cut -d: -f2 | docker login -u AWS --password-stdin {host}"
    )
    server.shell(f"{login} >/dev/null 2>&1 && docker push -q {image} && docker rmi {image} && docker logout {host}")


def test_up_is_idempotent_and_leaves_hosts_alone(server: Server) -> None:
    up = [sys.executable, "-m", "lab", "up"]
    subprocess.run(up, cwd=ROOT, check=True, capture_output=True)
    assert server.ready()
    status = subprocess.run([*up[:-1], "status"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert server.instance["InstanceId"] in status


def test_range_of_a_vpc_that_is_gone_can_be_had_again(server: Server) -> None:
    first, second = (network.ensure_vpc(f"vpc-{number:017x}", "10.99.0.0/16") for number in (1, 2))
    try:
        assert first not in engine.networks()
        assert second in engine.networks()
        assert server.ready(), "a network with hosts stays"
    finally:
        subprocess.run(["docker", "network", "rm", second], check=True, capture_output=True)


def test_part_that_died_is_healed(server: Server) -> None:
    # The package cache: the one part that no running host waits for.
    daemons.stop("apt-cache")
    healed = subprocess.run([sys.executable, "-m", "lab", "up"], cwd=ROOT, check=False, capture_output=True, text=True)
    assert healed.returncode == 0, healed.stderr
    assert daemons.is_running("apt-cache")
    assert server.ready()
