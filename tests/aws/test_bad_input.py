"""Bad input: one clear message, an exit status that is not 0, and an account in which nothing was made."""

from __future__ import annotations

import json
import urllib.request
from functools import cache
from typing import Any

import pytest
from deployment import ACCESS_KEY, SECRET_KEY, Account, Run
from neighbour import present
from resources import resources

ARN = "arn:aws:acm:{}:123456789012:certificate/12345678-1234-1234-1234-123456789012"
CONNECTION = {"region": "us-east-1", "endpoint_url": "ENDPOINT", "access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown variables": (
        {"postgresql_prot": 5432, "mcp_regoin": "x"},
        [
            "`postgresql_prot` (extra variable) is not a variable of `postgresql`: did you mean `postgresql_port`?",
            "`mcp_regoin` (extra variable) is not a variable of `mcp`: did you mean `mcp_region`?",
        ],
    ),
    "types": (
        {"network_zones": "us-east-1a", "redis_port": "abc"},
        [
            "Preflight checks failed with 2 errors; nothing was changed. 1.",
            "argument 'redis_port' is of type",
            "network_zones is a text, but takes a list or a dictionary. Written: network_zones (extra variable).",
        ],
    ),
    "a value that cannot be rendered": (
        {"logs_group_name": "{{ no_such_variable }}"},
        ["'no_such_variable' is undefined", "{{ no_such_variable }}"],
    ),
    "network": (
        {
            "network_admin_cidrs": ["198.51.100.0/24", "0.0.0.0/0"],
            "network_subnet_cidrs": ["10.99.1.0/24", "10.20.2.0/24"],
        },
        ["port 22 to the whole internet", "10.99.1.0/24"],
    ),
    "name of the repository": ({"registry_name": "Upper"}, ["registry_name is `Upper`: ECR takes"]),
    "name of the role": ({"identity_name": "a b"}, ["identity_name is `a b`: IAM takes"]),
    "ports": (
        {"load_balancer_target_port": 22, "redis_port": 70000},
        [
            "Preflight checks failed with 3 errors; nothing was changed. 1.",
            "load_balancer_target_port is 22, the port of SSH.",
            "These are one port, but differ: proxy_port 8000, load_balancer_target_port 22",
            "redis_port is 70000: a port is a number from 1 to 65535. Written: redis_port (extra variable).",
        ],
    ),
    "image, type and range": (
        {
            "instance_type": "t9.nano",
            "instance_image_name": "debian-99-*",
            "network_cidr": "172.31.0.0/16",
            "network_subnet_cidrs": ["172.31.1.0/24", "172.31.2.0/24"],
            "load_balancer_certificate_arn": ARN.format("eu-west-1"),
            "network_client_ports": [80, 443],
        },
        [
            "Preflight checks failed with 4 errors; nothing was changed. 1.",
            "There is no image `debian-99-*` of the account 136693071363 in us-east-1. Correct instance_image_owner",
            "No zone of us-east-1 offers the instance type `t9.nano`. Correct instance_type",
            "network_cidr 172.31.0.0/16 overlaps 172.31.0.0/16 of the VPC vpc-",
            "Choose another network_cidr, or set network_overlap_allowed to true.",
            "Correct load_balancer_certificate_arn; a listener takes only certificates of its own region.",
        ],
    ),
    "zone and architecture": (
        {
            "network_zones": ["us-east-1e", "us-east-1a"],
            "instance_type": "t4g.micro",
            "load_balancer_certificate_arn": ARN.format("us-east-1"),
            "network_client_ports": [80, 443],
        },
        [
            "Preflight checks failed with 3 errors; nothing was changed. 1.",
            "The zone us-east-1e, in which the instance stands, does not offer `t4g.micro`. Begin network_zones with",
            "is for x86_64, but `t4g.micro` runs arm64. Choose instance_image_name and instance_type that fit",
            "ACM has no certificate `arn:aws:acm:us-east-1:",
        ],
    ),
    "one zone with the instance type": (
        {"mcp_region": "ap-northeast-3", "mcp_aws_connection": CONNECTION | {"region": "ap-northeast-3"}},
        [
            "Preflight checks failed with 1 error; nothing was changed. 1.",
            "Only the zone ap-northeast-3a of ap-northeast-3 offers `t2.micro`, and a load balancer wants two.",
            "Set network_zones to [ap-northeast-3a, ap-northeast-3b]",
        ],
    ),
    "region without the instance type": (
        {
            "mcp_region": "eu-north-1",
            "mcp_aws_connection": CONNECTION | {"region": "eu-north-1"},
            "instance_image_id": "ami-00000000000000000",
        },
        [
            "Preflight checks failed with 2 errors; nothing was changed. 1.",
            "No zone of eu-north-1 offers the instance type `t2.micro`. Correct instance_type",
            "There is no image `ami-00000000000000000` in eu-north-1.",
        ],
    ),
    "unreachable endpoint": (
        {"mcp_aws_connection": CONNECTION | {"endpoint_url": "http://127.0.0.1:9"}},
        ["AWS is not reached", "Is the service at endpoint_url in mcp_aws_connection running?"],
    ),
    "unknown region": (
        {"mcp_aws_connection": CONNECTION | {"region": "us-est-1"}},
        [
            "AWS has no region `us-est-1`: did you mean",
            "Correct mcp_region",
            "mcp_aws_connection goes to the region us-est-1, but mcp_region is us-east-1.",
        ],
    ),
    "missing credentials": (
        {"mcp_aws_connection": {"region": "us-east-1", "endpoint_url": "ENDPOINT"}},
        ["There are no AWS credentials (Unable to locate credentials). Give an access key and a secret key in"],
    ),
    "bad name": (
        {"mcp_name": "My_Server"},
        ["mcp_name is `My_Server`: the name of a bucket has 3 to 63 small letters", "Choose storage_bucket_name."],
    ),
    "nothing to begin with": (
        {"mcp_name": "", "mcp_tags": {}, "mcp_aws_connection": {}},
        [
            "Preflight checks failed with 3 errors; nothing was changed. 1.",
            "mcp_name is not set. Set it in the inventory",
            "mcp_tags is not set. Set it in the inventory",
            "mcp_aws_connection is not set. Set it in the inventory",
        ],
    ),
}


@pytest.fixture(scope="module")
def runs(account: Account, monkeypatch_module: pytest.MonkeyPatch) -> dict[str, Run]:
    """Return the runs of all cases, two at a time."""
    found: dict[str, Run] = {}
    names = list(CASES)
    for pair in (names[i : i + 2] for i in range(0, len(names), 2)):
        started = {name: account.begin("preflight", **filled(account, CASES[name][0])) for name in pair}
        found |= {name: Account.end(process) for name, process in started.items()}
    return found


@pytest.fixture(scope="module")
def monkeypatch_module(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Hide every credential that the machine itself has."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path_factory.mktemp("empty") / "credentials"))
        yield patch


def filled(account: Account, variables: dict[str, Any]) -> dict[str, Any]:
    """Put the account's endpoint in."""
    connection = variables.get("mcp_aws_connection", {})
    if connection.get("endpoint_url") == "ENDPOINT":
        return variables | {"mcp_aws_connection": connection | {"endpoint_url": account.endpoint}}
    return variables


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_named_with_its_remedy(runs: dict[str, Run], case: str) -> None:
    assert runs[case].status != 0
    for sentence in CASES[case][1]:
        assert sentence in runs[case].said
    assert runs[case].output.count("fatal:") == 1


@pytest.fixture(scope="module")
def taken(own_account: Account) -> Run:
    """Return a run in an account in which every name is somebody else's, and the last VPC overlaps ours."""
    client = cache(own_account.client)
    ec2 = client("ec2")
    vpcs = [ec2.create_vpc(CidrBlock=f"10.2{number}.128.0/20")["Vpc"]["VpcId"] for number in (0, 1, 2, 3)]
    names = {
        "mcp_name": "acme",
        "storage_bucket_name": "acme-bucket",
        "network_overlap_allowed": False,
    }
    with present(client, {"mcp:name": "rival"}):
        before = resources(client)
        run = own_account.run("provision", **names)
        assert resources(client) == before
    for vpc in vpcs:
        ec2.delete_vpc(VpcId=vpc)
    return run


@pytest.mark.parametrize(
    "sentence",
    [
        "The bucket `acme-bucket` belongs to `rival` by its tag mcp:name. Choose another storage_bucket_name",
        "or tag it mcp:name=mcp-aws if it is really yours.",
        "The EC2 key pair `acme` belongs to `rival` by its tag mcp:name. Choose another identity_key_name",
        "The IAM role `acme` belongs to `rival` by its tag mcp:name. Choose another identity_name",
        "The IAM instance profile `acme` belongs to `rival`",
        "The ECR repository `acme` belongs to `rival` by its tag mcp:name. Choose another registry_name",
        "The log group `/mcp/acme` belongs to `rival` by its tag mcp:name. Choose another logs_group_name",
        "The load balancer `acme` belongs to `rival` by its tag mcp:name. Choose another load_balancer_name",
        "The target group `acme` belongs to `rival`",
        "The SSM parameter `/acme/token` belongs to `rival` by its tag mcp:name. Choose another secrets_path",
        "The SNS topic `acme` belongs to `rival` by its tag mcp:name. Choose another alarms_name",
        "The CloudWatch dashboard `acme` belongs to `rival`",
        "The CloudWatch alarm `acme-errors` belongs to `rival`",
        "network_cidr 10.20.0.0/16 overlaps 10.20.128.0/20 of the VPC vpc-",
        "5 of 5 VPCs are in use, and one more is wanted. Delete a VPC that nobody needs, or have the quota L-F678F1CE",
    ],
)
def test_what_is_somebody_elses_is_named_before_anything_is_made(taken: Run, sentence: str) -> None:
    assert taken.status != 0
    assert sentence in taken.said


def faults(account: Account, **wanted: dict[str, Any]) -> None:
    """Begin these faults and end all others."""
    request = urllib.request.Request(f"{account.endpoint}/faults", json.dumps(wanted).encode(), method="PUT")  # noqa: S310
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310


def test_credentials_that_have_expired_are_named(own_account: Account) -> None:
    faults(own_account, expiry={"access_key": ACCESS_KEY, "after": 0})
    try:
        run = own_account.run("preflight")
    finally:
        faults(own_account)
    assert run.status != 0
    assert "The credentials have expired (ExpiredToken). Replace them in mcp_aws_connection" in run.said


def test_wrong_credentials_are_named(account: Account) -> None:
    account.require_credentials(valid=True)
    try:
        run = account.run("preflight")
    finally:
        account.require_credentials(valid=False)
    assert run.status != 0
    assert "AWS refuses the credentials (InvalidClientTokenId" in run.said
    assert "Correct the access key and the secret key in mcp_aws_connection" in run.said
