"""What is done with secrets, decided from names and tags."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.ssm_secrets import (
    Parameter,
    Plan,
    full_name,
    new_value,
    other_key,
    picture,
    plan,
    problems,
    strangers,
)

TAGS = {"mcp:name": "acme"}
KEY = "0f1e2d3c-aaaa-bbbb-cccc-123456789012"
ARN = "arn:aws:kms:eu-central-1:123456789012:"
WHOLE = Parameter("SecureString", "alias/aws/ssm", TAGS)
BARE = Parameter("SecureString", "alias/aws/ssm", {})


@pytest.mark.parametrize(("path", "name"), [("/acme", "/acme/token"), ("/acme/", "/acme/token"), ("/", "/token")])
def test_full_name(path: str, name: str) -> None:
    assert full_name(path, "token") == name


@pytest.mark.parametrize(
    ("found", "rotate", "todo"),
    [
        ({}, [], Plan(["/a", "/b"], [], [])),
        ({"/a": WHOLE, "/b": WHOLE}, [], Plan([], [], [])),
        ({"/a": WHOLE, "/b": BARE}, [], Plan([], [], ["/b"])),
        ({"/a": WHOLE, "/b": WHOLE}, ["/b"], Plan([], ["/b"], [])),
        pytest.param({"/a": WHOLE}, ["/b"], Plan(["/b"], [], []), id="what is not there is made, not rotated"),
        ({"/a": WHOLE, "/b": BARE}, ["/b"], Plan([], ["/b"], ["/b"])),
    ],
)
def test_plan(found: dict[str, Parameter], rotate: list[str], todo: Plan) -> None:
    assert plan(["/a", "/b"], found, TAGS, rotate) == todo


def test_a_plan_of_nothing_is_false() -> None:
    assert not Plan([], [], [])
    assert Plan([], ["/a"], [])


def test_a_plain_parameter_is_named_with_its_remedy() -> None:
    (sentence,) = problems({"/a": WHOLE, "/b": Parameter("String", "", TAGS)})
    assert "`/b` is a String" in sentence
    assert "Delete it" in sentence


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    assert strangers(["a"], ["a", "b"]) == []
    assert strangers(["a", "tokn"], ["a", "b"]) == ["No such secret to rotate: `tokn`. There are a, b."]


@pytest.mark.parametrize(
    ("found", "wanted", "other"),
    [
        ("alias/aws/ssm", "", False),
        ("alias/acme", "", True),
        (KEY, KEY, False),
        (f"{ARN}key/{KEY}", KEY, False),
        (KEY, f"{ARN}key/{KEY}", False),
        (f"{ARN}alias/acme", "alias/acme", False),
        ("alias/aws/ssm", "alias/acme", True),
    ],
)
def test_other_key(found: str, wanted: str, other: bool) -> None:
    assert bool(other_key({"/a": Parameter("SecureString", found, TAGS)}, wanted)) is other


def test_values_are_letters_and_digits_and_no_two_are_the_same() -> None:
    values = {new_value(24) for _ in range(100)}
    assert len(values) == 100
    assert all(len(value) == 24 and value.isascii() and value.isalnum() for value in values)


def test_the_picture_shows_names_and_tags() -> None:
    before, after = picture({"/a": BARE, "/b": WHOLE}, Plan(["/c"], ["/b"], ["/a"]), TAGS)
    assert before == {"/a": {"tags": {}}, "/b": {"tags": TAGS}}
    assert after == {"/a": {"tags": TAGS}, "/b": {"tags": TAGS, "value": "a new one"}, "/c": {"tags": TAGS}}
