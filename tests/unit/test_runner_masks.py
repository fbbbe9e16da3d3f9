"""Secrets among the variables of a run: found in every form, and no event is damaged by their masks."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import Any

import pytest
import yaml
from hypothesis import example, given

from mcp_aws.display.state import State
from mcp_aws.events import Event
from mcp_aws.masks import MASK, Masks
from mcp_aws.recorder import Recorder
from tests.unit.odd_values import JSON, KEY_TEXT, NOW, ROOT, SECRETS, event_of

# Secrets


@given(SECRETS, JSON)
@example("604800", {"size": 604800, "more": 1.604800, "stdout": "604800 s", "604800": [604800.0]})
@example("nabcde", {"a": "\nabcde"})
@example("counter", {"counter": 3})
@example("changed", {"changed": True})
def test_a_masked_event_is_an_event(secret: str, result: Any) -> None:
    masks = Masks({"TOKEN": secret})
    masked = json.loads(json.dumps(masks.event(event_of({"told": secret, "other": result}))))
    assert masked["event_data"]["res"]["told"] == MASK or secret.strip() != secret
    assert secret.strip() not in masked["event_data"]["res"]["told"]
    Recorder()(masked)
    State("site", NOW).take(Event.of(masked))


@given(SECRETS)
@example('with "quotes" and \\ back')
@example("it's a 'secret'")
@example("pässwörd€😀x")
@example(KEY_TEXT)
@example("a b c d e f g h")
@example("0000\x1f0")
@example("0000\x850")
@example("0\u2028000\u20290")
def test_every_form_of_a_secret_is_masked(secret: str) -> None:
    masks, whole = Masks({"some_password": secret}), secret.strip()
    forms = {
        "json": json.dumps({"a": whole}),
        "json, characters kept": json.dumps({"a": whole}, ensure_ascii=False),
        "json in json": json.dumps(json.dumps({"a": whole})),
        "yaml": yaml.safe_dump({"a": {"b": whole}}, width=40),
        "yaml, characters kept": yaml.safe_dump({"a": whole}, allow_unicode=True),
        "indented": whole.replace("\n", "\n        "),
    }
    for name, text in forms.items():
        found = masks.text(text)
        assert MASK in found, (name, text)
        assert whole not in found
        for line in whole.splitlines():
            assert len(line.strip()) < 6 or line.strip() not in found, name


def test_lines_of_a_key_are_masked_also_alone_and_the_short_ones_within_it() -> None:
    masks = Masks({"deploy": {"private_key": KEY_TEXT}})
    assert masks.text("it ends in q8Zt+/9aXx==") == f"it ends in {MASK}"
    assert masks.text("key: |\n  " + KEY_TEXT.replace("\n", "\n  ")) == f"key: |\n  {MASK}\n  "
    assert masks.text(json.dumps(KEY_TEXT)) == f'"{MASK}\\n"'


@pytest.mark.parametrize(
    ("number", "same"),
    [(604800, [604800, 604800.0, "604800"]), ("604800", [604800]), (123456.5, [123456.5, "123456.5"])],
)
def test_numbers_and_names_that_are_a_secret_are_masked(number: Any, same: list[Any]) -> None:
    masks = Masks({"TOKEN": number})
    assert masks.value({"a": same, f"x{number}": True}) == {"a": [MASK] * len(same), f"x{MASK}": True}
    assert masks.value([604801, True, None, 1.5]) == [604801, True, None, 1.5]


def test_a_host_whose_name_is_a_secret_is_still_counted() -> None:
    recorder, masks = Recorder(), Masks({"TOKEN": "web-host"})
    recorder(masks.event(event_of({"failed": True}, "runner_on_failed", host="web-host")))
    recorder(masks.event(event_of(None, "playbook_on_stats", processed={"web-host": 1}, failures={"web-host": 1})))
    assert [failure.host for failure in recorder.failures()] == ["web-host"]


def test_the_path_of_a_secret_is_none_but_a_secret_may_begin_with_a_slash() -> None:
    masks = Masks({"AWS_SECRET_ACCESS_KEY": "/wJalrXUtnFEMI", "VAULT_PASSWORD_FILE": "/etc/vault", "a_token": "/etc"})
    assert masks.text("/wJalrXUtnFEMI /etc/vault /etc") == f"{MASK} /etc/vault /etc"


@pytest.mark.parametrize(("size", "shown"), [(8, "YWJjZGVmZ2g="), (9, MASK), (10, f"{MASK}ag=="), (18, MASK)])
def test_base64_of_a_secret_is_masked_where_it_is_long_enough_to_tell(size: int, shown: str) -> None:
    secret = "abcdefghijklmnopqr"[:size]
    said = base64.b64encode(secret.encode()).decode()
    assert Masks({"some_password": secret}).text(f"it says {said}.") == f"it says {shown}."


@pytest.mark.parametrize("value", ["\\" * 40, "a " * 40, "!\\" * 30, "'" * 40])
def test_looking_for_a_secret_takes_no_longer_than_its_text(value: str) -> None:
    program = (
        f"from mcp_aws.masks import Masks; Masks({{'TOKEN': {value!r}}}).text({value!r} * 200 + 'x' + chr(92) * 5000)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=20, check=True)
