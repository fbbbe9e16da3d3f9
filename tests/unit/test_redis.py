"""Users of Redis as an ACL file, and what Redis refuses."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.module_utils import redis

AWKWARD = 'it\'s "a" %p#ss\\wörd'
DIGEST = hashlib.sha256(AWKWARD.encode()).hexdigest()


def user(name: str = "app", **given: Any) -> dict[str, Any]:
    whole = {"name": name, "password": "secret", "enabled": True, "keys": ["*"], "channels": [], "commands": ["+@all"]}
    return whole | given


@pytest.mark.parametrize(
    ("given", "rules"),
    [
        ({"password": AWKWARD}, f"on #{DIGEST} ~* +@all"),
        ({"password": "", "enabled": False, "keys": [], "commands": []}, "off"),
        (
            {"password": AWKWARD, "keys": ["a:*", "%R~b:*"], "channels": ["news"], "commands": ["+@read", "-keys"]},
            f"on #{DIGEST} ~a:* %R~b:* &news +@read -keys",
        ),
    ],
)
def test_rules(given: dict[str, Any], rules: str) -> None:
    assert " ".join(redis.rules(user(**given))) == rules


@pytest.mark.parametrize(
    ("users", "says"),
    [
        ([user()], ""),
        ([user("default", enabled=False, password="")], ""),
        ([user("admin")], "`admin` is that of the administrator"),
        ([user(), user()], "`app` is listed twice"),
        ([user(password="")], "`app` has no password"),
        ([user("a b")], "`a b` has `a b`, but"),
        ([user(keys=["a b"])], "`app` has `a b`, but"),
        ([user(commands=["+get\nuser evil"])], "one word"),
        ([user(channels=[""])], "`app` has ``"),
    ],
)
def test_problem(users: list[dict[str, Any]], says: str) -> None:
    found = redis.problem(users, "admin")
    assert (says in found) if says else found == ""


def test_text_bears_a_mark_that_follows_every_change() -> None:
    texts = [redis.text(users, "admin", "s") for users in ([user()], [user(keys=["a"])], [user(), user("b")], [])]
    marks = {redis.mark(text) for text in texts}
    assert len(marks) == len(texts)
    assert all(mark.startswith("&file:") for mark in marks)
    assert "secret" not in texts[0]
    assert redis.text([user()], "admin", "s") == texts[0]


BEFORE = "11:M 26 Nov 2026 14:10:49.360 # Aborting Redis startup because of ACL errors: "
AFTER = " WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
UNKNOWN = "Unknown command or category name in ACL"


@pytest.mark.parametrize(
    ("complaint", "says"),
    [
        (
            "\n>>> 'foo bar'\nBad directive or wrong number of arguments\n",
            "Redis refuses the setting `foo bar`: Bad directive or wrong number of arguments",
        ),
        (
            f"users.acl:2: Error in applying operation '+foo': {UNKNOWN}. users.acl:3: Another.",
            f"Redis refuses the user `b`, the rule `+foo`: {UNKNOWN}",
        ),
        (
            "users.acl:1: Adding a pattern after * is not valid. Try 'resetkeys'.",
            "Redis refuses the user `a`, Adding a pattern after * is not valid. Try 'resetkeys'",
        ),
    ],
)
def test_complaint_names_user_and_rule(complaint: str, says: str) -> None:
    said = redis.explain(BEFORE + complaint + AFTER, "user a on\nuser b on +foo\nuser c on +x\n")
    assert said == says


def test_complaint_of_another_kind_is_handed_on() -> None:
    said = (
        "1:M 26 Nov 2026 14:10:49.359 * one\n1:M 26 Nov 2026 14:10:49.360 # two\n1:M 26 Nov 2026 14:10:49.361 # three\n"
    )
    assert redis.explain(said, "") == "Redis refuses the settings: two; three"


def test_difference() -> None:
    before, after = "user a on\nuser b on\nuser c on\n", "user b off\nuser c on\nuser d on\n"
    assert redis.difference(before, after) == {"added": ["d"], "removed": ["a"], "altered": ["b"]}
    assert redis.difference("# not ours\n", "")["removed"] == []
