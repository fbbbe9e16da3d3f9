"""What preflight finds in settings before it asks AWS: types, and what several roles must agree on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.mcp.aws.plugins.action.known_variables import read_options

from tests.unit.role_values import trust

CHECKOUT = Path(__file__).parents[2]
ROLES = CHECKOUT / "roles"
HOST_ROLES = ("health", "proxy", "stack")
DEPLOYMENT: dict[str, Any] = {
    "mcp_name": "mcp",
    "mcp_region": "eu-central-1",
    "mcp_tags": {"mcp:name": "mcp"},
    "mcp_aws_connection": {"region": "eu-central-1"},
}


def playbook_variables(name: str) -> dict[str, Any]:
    """Return the content of a file, with lookups by short names: nothing resolves full ones outside a playbook."""
    return dict(yaml.safe_load((CHECKOUT / "playbooks" / "vars" / name).read_text().replace("'ansible.builtin.", "'")))


def defaults(role: str) -> dict[str, Any]:
    return dict(yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text()))


PREFLIGHT: dict[str, Any] = trust(
    defaults("network")
    | defaults("load_balancer")
    | {f"__preflight_{role}": defaults(role) for role in HOST_ROLES}
    | playbook_variables("preflight.yml")
    | playbook_variables("cross_role_validation.yml")
)
OPTIONS = {name: option for role in ROLES.iterdir() for name, option in read_options(role).items()}


def render(expression: str, given: dict[str, Any]) -> Any:
    """Return the value of an expression in preflight's play, `given` being what somebody wrote."""
    variables: dict[str, Any] = {
        **PREFLIGHT,
        **DEPLOYMENT,
        **given,
        "__preflight_variables": {
            "places": dict.fromkeys(given, "extra variable"),
            "options": {name: OPTIONS[name] for name in given if name in OPTIONS},
        },
    }
    specs = Templar(DataLoader(), variables).template(trust_as_template("{{ __preflight_specs }}"))
    compared = ArgumentSpecValidator(specs).validate({name: variables[name] for name in specs if name in variables})
    variables["__preflight_compared"] = {"argument_errors": compared.error_messages} if compared.error_messages else {}
    return Templar(DataLoader(), variables).template(trust_as_template(expression))


def assert_errors(errors: list[str], sentences: list[str]) -> None:
    assert len(errors) == len(sentences), errors
    for error, sentence in zip(errors, sentences, strict=True):
        assert sentence in error


@pytest.mark.parametrize(
    ("given", "sentences"),
    [
        ({}, []),
        ({"mcp_name": ""}, ["mcp_name is not set. Set it in the inventory, for example mcp_name: mcp"]),
        ({"mcp_tags": "x"}, ["argument 'mcp_tags' is of type"]),
        ({"mcp_name": "", "mcp_region": None}, ["mcp_name is not set.", "mcp_region is not set."]),
        ({"mcp_aws_connection": {"acess_key": "x"}}, ["unknown key acess_key: it takes access_key,"]),
        ({"load_balancer_port": "80"}, []),
        ({"load_balancer_port": "abc"}, ["argument 'load_balancer_port' is of type"]),
        ({"network_admin_cidrs": ["10.0.0.0/8"]}, []),
        ({"network_admin_cidrs": "10.0.0.0/8"}, ["network_admin_cidrs is a text, but takes a list or a dictionary."]),
        (
            {"alarms_subscriptions": [{"protocol": "pigeon", "endpoint": "x"}]},
            ["value of protocol must be one of: email"],
        ),
        ({"redis_settings": "key=AKIA"}, ["redis_settings is a text"]),
    ],
)
def test_types(given: dict[str, Any], sentences: list[str]) -> None:
    errors = render("{{ __preflight_type_errors }}", given)
    assert_errors(errors, sentences)
    assert "AKIA" not in str(errors)


def test_nothing_at_all_is_reported_four_times_at_once() -> None:
    nothing = {"mcp_name": "", "mcp_region": "", "mcp_tags": {}, "mcp_aws_connection": {}}
    assert len(render("{{ __preflight_type_errors }}", nothing)) == 4


def disagreements(**given: Any) -> list[str]:
    return list(render("{{ __preflight_disagreements }}", given))


def test_a_connection_without_a_region_goes_where_the_deployment_is() -> None:
    assert disagreements(mcp_aws_connection={"profile": "x"}) == []
    (error,) = disagreements(mcp_aws_connection={"region": "us-east-1"})
    assert "goes to the region us-east-1, but mcp_region is eu-central-1" in error


LISTING = "plugin: amazon.aws.aws_ec2\n"
OURS = {"regions": ["eu-central-1", "eu-west-1"], "filters": {"tag:mcp:name": "mcp"}}


@pytest.mark.parametrize(
    ("listing", "sentences"),
    [
        (OURS, []),
        ({}, []),
        ({"regions": None, "filters": None}, []),
        ({**OURS, "filters": {"tag:mcp:name": ["other", "mcp"]}}, []),
        ({**OURS, "regions": ["{{ lookup('env', 'REGION') }}"]}, []),
        (
            {**OURS, "regions": ["us-east-1"]},
            ["aws_ec2.yml lists the servers of us-east-1 (regions), but mcp_region is eu-central-1. Give both the"],
        ),
        (
            {"regions": ["us-east-1"], "filters": {"tag:mcp:name": "acme"}},
            ["of us-east-1 (regions)", "of acme (filters), but mcp_name is mcp."],
        ),
    ],
)
@pytest.mark.parametrize("source", ["", "aws_ec2.yml"])
def test_servers_are_listed_of_the_deployment_that_is_provisioned(
    tmp_path: Path, listing: dict[str, Any], sentences: list[str], source: str
) -> None:
    (tmp_path / "aws_ec2.yml").write_text(LISTING + (yaml.safe_dump(listing) if listing else ""))
    assert_errors(disagreements(ansible_inventory_sources=[str(tmp_path / source), "localhost,"]), sentences)


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("logs_tags", {"mcp:name": "acme"}, False),
        ("logs_tags", {"team": "x"}, True),
        ("redis_settings", {"team": "x"}, False),
    ],
)
def test_tags_without_an_owner(name: str, value: Any, wrong: bool) -> None:
    assert bool(disagreements(**{name: value})) == wrong


@pytest.mark.parametrize(
    ("given", "sentences"),
    [
        ({"load_balancer_target_port": 8000, "network_service_port": 8000, "proxy_port": 8000}, []),
        (
            {"load_balancer_target_port": 9000},
            ["differ: proxy_port 8000, load_balancer_target_port 9000, network_service_port 8000, health_service_port"],
        ),
        (
            dict.fromkeys(
                ("load_balancer_target_port", "network_service_port", "proxy_port", "health_service_port"), 22
            ),
            ["health_service_port is 22, the port of SSH."],
        ),
        ({"health_listener_port": 8080}, ["differ: load_balancer_port 80, health_listener_port 8080"]),
        ({"network_client_ports": ["80"]}, []),
        (
            {"load_balancer_port": 8080, "health_listener_port": 8080, "network_client_ports": ["80"]},
            ["Set it to [8080]."],
        ),
        (
            {"health_listener_port": 443, "load_balancer_certificate_arn": "arn:x"},
            ["listens on 80, 443, which clients could not reach. Set it to [80, 443]."],
        ),
        ({"redis_port": 70000, "redis_bind": ["x"]}, ["redis_port is 70000: a port is a number from 1 to 65535."]),
    ],
)
def test_ports(given: dict[str, Any], sentences: list[str]) -> None:
    assert_errors(disagreements(**given), sentences)


def slot(name: str, port: int, subnet: str = "172.30.1.0/25") -> dict[str, Any]:
    return {"name": name, "address": "127.0.0.1", "port": port, "subnet": subnet}


BLUE, GREEN = slot("blue", 8101), slot("green", 8102, "172.30.1.128/25")


@pytest.mark.parametrize(
    ("slots", "others", "sentences"),
    [
        ([BLUE, GREEN], {}, []),
        ([BLUE, GREEN], {"proxy_slots": [GREEN, BLUE], "proxy_port": 8000}, []),
        ([BLUE, GREEN], {"proxy_slots": [BLUE]}, ["blue 127.0.0.1 8101, green 127.0.0.1 8102; blue 127.0.0.1 8101."]),
        (
            [BLUE, GREEN],
            {"proxy_slots": [BLUE, slot("green", 8103)]},
            ["Give both the same names, addresses and ports."],
        ),
        (
            [BLUE, GREEN],
            dict.fromkeys(
                ("load_balancer_target_port", "network_service_port", "proxy_port", "health_service_port"), 8102
            ),
            ["proxy_port and the port of a slot in stack_slots are both 8102"],
        ),
        ([{**BLUE, "address": "0.0.0.0"}, GREEN], {}, []),  # noqa: S104
        ([BLUE], {"proxy_slots": [BLUE]}, ["stack_slots has fewer than two slots"]),
        (
            [BLUE, {**GREEN, "port": 8101}],
            {"proxy_slots": [BLUE, {**GREEN, "port": 8101}]},
            ["stack_slots has the ports 8101, 8101. Each slot needs its own."],
        ),
        ([BLUE, {**GREEN, "subnet": "172.30.1.64/26"}], {}, ["The subnets 172.30.1.0/25 and 172.30.1.64/26"]),
        ([BLUE, {**GREEN, "subnet": "172.30.0.0/16"}], {}, ["The subnets 172.30.1.0/25 and 172.30.0.0/16"]),
        ([BLUE, {**GREEN, "subnet": "172.30.2.1/25"}], {}, ["the subnet `172.30.2.1/25`, which is no IPv4 network"]),
        ([BLUE, {**GREEN, "subnet": "everywhere"}], {}, ["the subnet `everywhere`, which is no IPv4 network"]),
        (
            [BLUE, {**BLUE, "name": "green", "port": 8102}],
            {},
            ["172.30.1.0/25 and 172.30.1.0/25 in stack_slots overlap"],
        ),
    ],
)
def test_slots(slots: list[dict[str, Any]], others: dict[str, Any], sentences: list[str]) -> None:
    assert_errors(disagreements(stack_slots=slots, **others), sentences)


TOKENS = {"proxy_tokens": {"alice": "0123456789-0123456789"}}
IMAGE = {"stack_image": "example/server:1", "network_client_cidrs": ["0.0.0.0/0"]}
ANONYMOUS = "Anybody could use the server: network_client_cidrs has"


@pytest.mark.parametrize(
    ("given", "sentences"),
    [
        ({}, []),  # the reference server has a token of its own
        ({"network_client_cidrs": ["0.0.0.0/0"]}, []),
        (IMAGE, [f"{ANONYMOUS} 0.0.0.0/0, and neither stack_token nor proxy_tokens says who may."]),
        ({**IMAGE, "network_client_cidrs": ["::/0", "10.0.0.0/8"]}, [f"{ANONYMOUS} ::/0"]),
        ({**IMAGE, "network_client_cidrs": ["10.0.0.0/8"]}, []),
        ({**IMAGE, "stack_token": ""}, [ANONYMOUS]),
        ({**IMAGE, "stack_token": "x"}, []),
        ({**IMAGE, "stack_token": "{{ secrets_state.token }}"}, []),  # known when the secrets are
        ({**IMAGE, **TOKENS}, []),
        ({**IMAGE, "proxy_allow_anonymous": True}, []),
        ({"stack_repository": "https://example.org/a.git", **IMAGE, "stack_image": ""}, [ANONYMOUS]),
        ({"stack_package": "pypi:a==1", **IMAGE, "stack_image": ""}, [ANONYMOUS]),
        ({**IMAGE, **TOKENS, "stack_token": "x"}, ["stack_token and proxy_tokens are both set"]),
    ],
)
def test_who_is_let_in(given: dict[str, Any], sentences: list[str]) -> None:
    errors = disagreements(**trust(given))
    assert_errors(errors, sentences)
    assert "0123456789" not in str(errors)


def test_errors_are_numbered_each_with_the_place_of_its_variables() -> None:
    errors = ["redis_port is 0.", "Nothing is right.", "redis_port and proxy_port clash."]
    given = {"redis_port": 0, "proxy_port": 0, "__preflight_errors": errors}
    assert render("{{ __preflight_failure }}", given).splitlines() == [
        "Preflight checks failed with 3 errors; nothing was changed.",
        "1. redis_port is 0.",
        "   Written: redis_port (extra variable).",
        "2. Nothing is right.",
        "3. redis_port and proxy_port clash.",
        "   Written: redis_port (extra variable),",
        "            proxy_port (extra variable).",
    ]
    assert "failed with 1 error;" in render("{{ __preflight_failure }}", {"__preflight_errors": ["No."]})
