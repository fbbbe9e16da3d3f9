"""How an account is asked: what is refused, what is only noted, and what waits for nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.preflight.questions import ALARMS, Examination, Refused, perform
from ansible_collections.mcp.aws.plugins.module_utils.preflight.rules import Note
from botocore.exceptions import ClientError, NoCredentialsError

SETTINGS = {"mcp_name": "acme", "mcp_tags": {"mcp:name": "acme"}}


def error(code: str) -> ClientError:
    """Return what boto3 raises for an error code."""
    return ClientError({"Error": {"Code": code, "Message": "text"}}, "Operation")


class Api:
    """A client of any service: its answers by operation, errors among them."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, service: str, elsewhere: str | None = None) -> Api:
        return self

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def answer(**_: Any) -> Any:
            self.asked.append(operation)
            found = self.answers[operation]
            if isinstance(found, Exception):
                raise found
            return found

        return answer


def examination(api: Api, **settings: Any) -> Examination:
    """Return an examination of that account."""
    return Examination(api, SETTINGS | settings, "af-south-1", None)


@pytest.mark.parametrize(
    ("caller", "regions", "sentence"),
    [
        (
            error("InvalidClientTokenId"),
            [{"OptInStatus": "not-opted-in"}],
            "af-south-1 is not enabled for this account",
        ),
        (error("InvalidClientTokenId"), [{"OptInStatus": "opted-in"}], "AWS refuses the credentials"),
        (error("InvalidClientTokenId"), error("AuthFailure"), "AWS refuses the credentials"),
        (error("ExpiredToken"), [], "The credentials have expired"),
        (NoCredentialsError(), [], "There are no AWS credentials"),
    ],
)
def test_why_nothing_can_be_asked(caller: Exception, regions: Any, sentence: str) -> None:
    answer = regions if isinstance(regions, Exception) else {"Regions": regions}
    with pytest.raises(Refused, match=sentence):
        examination(Api(get_caller_identity=caller, describe_regions=answer)).caller()


@pytest.mark.parametrize(
    ("own", "default", "stops", "sentence"),
    [
        ({"Quota": {"Value": 5.0}}, None, False, None),
        ({"Quota": {"Value": 4.0}}, None, True, "4 of 4 X are in use"),
        (error("NoSuchResourceException"), {"Quota": {"Value": 4.0}}, True, "4 of 4 X are in use"),
        (
            error("AccessDeniedException"),
            None,
            False,
            "The quota of X (L-1) was not looked at. The credentials may not",
        ),
        (error("NoSuchResourceException"), error("500"), False, "The quota of X (L-1) was not looked at. AWS did not"),
    ],
)
def test_a_quota_that_cannot_be_asked_is_noted(own: Any, default: Any, stops: bool, sentence: str | None) -> None:
    api = Api(get_service_quota=own, get_aws_default_service_quota=default)
    found = list(examination(api).quota("X", "ec2", "L-1", 4, 1, "Delete one"))
    assert len(found) == (sentence is not None)
    assert (sentence or "") in "".join(found)
    assert any(not isinstance(one, Note) for one in found) == stops


def test_a_refusal_ends_its_own_check_alone() -> None:
    def refused() -> Iterator[str]:
        yield "before"
        raise Refused("refused", "AccessDenied")

    def noted() -> Iterator[str]:
        yield Note("noted")
        yield "after"

    assert perform([refused, noted]) == (["before", "refused", "after"], ["noted"])


def test_without_settings_nothing_is_looked_at() -> None:
    assert examination(Api()).checks() == {}
    assert examination(Api()).name_checks() == []


def test_the_alarms_are_those_of_the_role() -> None:
    template = Path(__file__).parents[2] / "roles" / "alarms" / "templates" / "alarms.yml.j2"
    assert sorted(re.findall(r"AlarmName: {{ __alarms_prefix }}(\S+)", template.read_text())) == sorted(ALARMS)


def test_every_name_is_looked_at_that_there_is_a_setting_for() -> None:
    given = {"identity_name": "a", "secrets_path": "/a", "storage_bucket_name": ""}
    one = examination(Api(), **given)
    one.account_id = "123456789012"
    assert one.names() == {
        "bucket": "acme-123456789012",
        "role": "a",
        "instance_profile": "a",
        "parameters": "/a",
    }


@pytest.mark.parametrize(
    ("arn", "answer", "sentence"),
    [
        ("nonsense", None, "ACM has no certificate `nonsense` in af-south-1"),
        ("arn:aws:acm:us-east-1:1:certificate/x", None, "a listener takes only certificates of its own region"),
        ("arn:aws:acm:af-south-1:1:certificate/x", error("ResourceNotFoundException"), "ACM has no certificate"),
    ],
)
def test_a_certificate_that_is_not_there(arn: str, answer: Any, sentence: str) -> None:
    one = examination(Api(describe_certificate=answer), load_balancer_certificate_arn=arn)
    assert sentence in "".join(one.certificate())


class Account(Api):
    """A client of EC2 that also reads pages."""

    def get_paginator(self, operation: str) -> Account:
        self.asked.append(operation)
        self.page = self.answers[operation]
        return self

    def paginate(self, **_: Any) -> Account:
        return self

    def build_full_result(self) -> Any:
        return self.page


MINE = [{"Key": "mcp:name", "Value": "acme"}]
MACHINE = {"InstanceType": "t2.micro", "Tags": MINE, "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 1}}
WANTED = {"instance_type": "t2.micro", "instance_image_owner": "1", "instance_image_name": "debian"}


@pytest.mark.parametrize(
    ("instances", "settings", "sentence"),
    [
        ([MACHINE], {}, None),
        ([], {}, "There is no image"),
        ([MACHINE], {"instance_count": 2}, "There is no image"),
        ([MACHINE], {"instance_type": "t3.large"}, "1 of 1 vCPUs of standard instances are in use, and one more is"),
    ],
)
def test_what_runs_as_wanted_needs_no_image_and_no_vcpu(
    instances: list[dict[str, Any]], settings: dict[str, Any], sentence: str | None
) -> None:
    kind = {"InstanceType": "t3.large", "VCpuInfo": {"DefaultVCpus": 2}}
    api = Account(
        describe_instance_type_offerings={"InstanceTypeOfferings": [{"Location": "a"}, {"Location": "b"}]},
        describe_instances={"Reservations": [{"Instances": instances}]},
        describe_availability_zones={"AvailabilityZones": [{"ZoneName": "a"}, {"ZoneName": "b"}]},
        describe_instance_types={"InstanceTypes": [kind]},
        describe_images={"Images": []},
        get_service_quota={"Quota": {"Value": 1.0}},
    )
    found = list(examination(api, **(WANTED | settings)).machine())
    assert (sentence or "") in "".join(found)
    assert bool(found) == bool(sentence)
    assert len(api.asked) == 2 or sentence


@pytest.mark.parametrize(("tags", "asked"), [(MINE, 1), ([], 2)])
def test_a_vpc_that_is_there_needs_no_room(tags: list[dict[str, str]], asked: int) -> None:
    vpc = {"VpcId": "vpc-1", "CidrBlock": "10.20.0.0/16", "Tags": tags}
    api = Account(describe_vpcs={"Vpcs": [vpc]}, get_service_quota={"Quota": {"Value": 5.0}})
    found = list(examination(api, network_cidr="10.20.0.0/16").network())
    assert (len(found), len(api.asked)) == (asked - 1, asked)
