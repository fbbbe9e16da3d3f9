"""Whose a resource is, and what is said about somebody else's."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.aws.ownership import (
    UNTAGGED_ORPHAN,
    Tags,
    explain,
    foreign,
    judge,
    ownership,
)

OWNER = "acme"
OURS, THEIRS = {"mcp:name": "acme", "Name": "x"}, {"mcp:name": "rival"}


@pytest.mark.parametrize(
    ("tags", "answer"),
    [
        (OURS, "ours"),
        (THEIRS, "foreign"),
        ({}, "foreign"),
        ({"Name": "acme"}, "foreign"),
        (None, "foreign"),
        (UNTAGGED_ORPHAN, "ours"),
    ],
)
def test_judge(tags: Tags, answer: str) -> None:
    assert judge(tags, OWNER) == answer


def test_kinds_of_one_have_a_word_and_kinds_of_many_a_word_for_each() -> None:
    found: dict[str, dict[str, Tags]] = {
        "bucket": {},
        "role": {"acme": OURS},
        "topic": {"acme": THEIRS},
        "alarms": {"a": OURS, "b": {}},
        "parameters": {},
    }
    assert ownership(found, OWNER) == {
        "bucket": "absent",
        "role": "ours",
        "topic": "foreign",
        "alarms": {"a": "ours", "b": "foreign"},
        "parameters": {},
    }
    assert [sentence.split("`")[1] for sentence in foreign(found, OWNER)] == ["acme", "b"]


@pytest.mark.parametrize(
    ("kind", "tags", "whose", "remedy"),
    [
        (
            "role",
            THEIRS,
            "belongs to `rival` by its tag mcp:name",
            "Choose another identity_name, or tag it mcp:name=acme",
        ),
        ("log_group", {}, "bears no tag mcp:name: it is not of mcp.aws", "Choose another logs_group_name"),
        ("bucket", None, "belongs to another account, or", "Choose another storage_bucket_name, or have s3:GetBucket"),
    ],
)
def test_the_sentence_names_owner_and_remedy(kind: str, tags: Tags, whose: str, remedy: str) -> None:
    sentence = explain(kind, "x", tags, OWNER)
    assert "`x`" in sentence
    assert whose in sentence
    assert remedy in sentence
