"""Sizes, differences, Compose projects and verdicts with odd input: stable when repeated, within bounds, or refused."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import json
import math
import re
from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.mcp.aws.plugins.filter.compose_release import compose_release
from ansible_collections.mcp.aws.plugins.filter.sizing import sizing
from ansible_collections.mcp.aws.plugins.module_utils.aws import resource
from ansible_collections.mcp.aws.plugins.module_utils.health import verdict
from ansible_collections.mcp.aws.plugins.module_utils.postgresql import fingerprint
from hypothesis import example, given
from hypothesis import strategies as st

from mcp_aws.changes import differences
from mcp_aws.cli.values import positive, seconds
from mcp_aws.recorder import early_failures
from tests.unit.odd_values import JSON, TEXT

NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True)
CLONE = "/opt/mcp/source"

# Sizes and numbers


@given(st.integers(768, 2_000_000), st.integers(0, 100_000), st.integers(1, 256))
def test_sizes_never_shrink_with_a_larger_host_and_leave_half_of_it(memory: int, more: int, vcpus: int) -> None:
    sizes, larger = sizing(memory, vcpus), sizing(memory + more, vcpus + 1)
    assert all(larger[name] >= value > 0 for name, value in sizes.items())
    assert sizes["postgresql_shared_buffers_mb"] + sizes["redis_maxmemory_mb"] < memory / 2
    assert sizes["proxy_threads"] <= vcpus
    assert sizing(str(memory), str(vcpus)) == sizes


@given(JSON, JSON | st.just(1))
@example(math.inf, 1)
@example(10**400, 1)
@example(1024, math.inf)
def test_any_host_is_sized_or_refused(memory: Any, vcpus: Any) -> None:
    with suppress(AnsibleFilterError):
        assert sizing(memory, vcpus)["memory_mb"] == int(memory)


@given(st.integers(1, 24 * 3650))
def test_numbers_of_the_command_line_are_what_was_written(number: int) -> None:
    assert positive(str(number)) == number
    assert [seconds(f"{number}{unit}") for unit in ("", "s", "m", "h")] == [
        number,
        number,
        number * 60,
        number * 3600,
    ]


# Differences

VALUES = st.dictionaries(NAMES, TEXT, max_size=30)


@given(VALUES, VALUES)
@example({}, {f"n{number}": "" for number in range(30)})
def test_clusters_differ_where_their_values_do(expected: dict[str, str], found: dict[str, str]) -> None:
    lines = fingerprint.differences(expected, found)
    differing = [name for name in {*expected, *found} if expected.get(name) != found.get(name)]
    assert (lines == []) is (expected == found)
    assert len(lines) == min(len(differing), fingerprint.TOLD + 1)
    assert len(lines) == len(fingerprint.differences(found, expected))
    assert all(line.split(":")[0] in differing for line in lines[: fingerprint.TOLD])


@given(st.dictionaries(TEXT, TEXT, max_size=4), TEXT)
@example({"role a\x85b\u2028c": "1"}, "")
def test_a_fingerprint_is_read_as_postgresql_writes_it(values: dict[str, str], place: str) -> None:
    lines = [json.dumps({"name": name, "value": value}, ensure_ascii=False) for name, value in values.items()]
    expected = {f"{place}{name}": value for name, value in values.items()}
    assert fingerprint.read("BEGIN\n" + "\n".join(lines) + "\nCOMMIT\n", place) == expected


@given(TEXT)
def test_a_database_of_any_name_is_named_so_that_nothing_in_it_is_syntax(name: str) -> None:
    quoted = fingerprint.conninfo(name)
    assert re.fullmatch(r"dbname='(?:[^'\\]|\\.)*'", quoted, re.DOTALL)
    assert re.sub(r"\\(.)", r"\1", quoted[8:-1], flags=re.DOTALL) == name
    assert fingerprint.databases(json.dumps([name])) == [name]


@given(st.dictionaries(NAMES, JSON, max_size=4), st.dictionaries(NAMES, JSON, max_size=4))
def test_a_resource_differs_until_it_is_as_wanted(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert set(resource.differing(found, wanted)) == {key for key in wanted if found.get(key) != wanted[key]}
    assert resource.differing(found | wanted, wanted) == []


@given(JSON | st.fixed_dictionaries({"before": JSON, "after": JSON}))
@example([{"before": 3, "after": None}, 7, {"prepared": 7}])
def test_a_difference_of_any_shape_is_shown_line_by_line(diff: Any) -> None:
    parts = diff if isinstance(diff, list) else [diff]
    assert differences(parts) == differences(diff)
    assert differences(parts * 2) == "\n".join([differences(diff)] * 2).strip("\n")
    if isinstance(diff, dict) and "before" in diff and "prepared" not in diff:
        assert all(line.startswith(("-", "+", " ")) for line in differences(diff).split("\n") if line)
        assert differences({"before": diff["before"], "after": diff["before"]}) == ""


@given(st.text())
def test_early_failures_are_the_same_when_asked_again(output: str) -> None:
    assert early_failures(output) == early_failures(output)


# Compose

MOUNTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["bind", "volume"]), "target": TEXT},
    optional={
        "source": TEXT | TEXT.map(lambda path: f"{CLONE}/{path}"),
        "bind": st.just({"create_host_path": True}),
    },
)
SERVICES = st.dictionaries(
    st.sampled_from(["app", "web", "jobs"]),
    st.fixed_dictionaries(
        {},
        optional={
            "image": TEXT,
            "develop": st.just({}),
            "network_mode": st.sampled_from(["host", "bridge"]),
            "volumes": st.lists(MOUNTS, max_size=3),
            "build": st.fixed_dictionaries(
                {"context": TEXT | TEXT.map(lambda path: f"{CLONE}/{path}")},
                optional={"args": st.dictionaries(NAMES, st.none() | TEXT, max_size=2), "target": TEXT},
            ),
        },
    ),
)
BUILD = {"commit": "3f786850e387550fdab836ed7e6dc881de23001b", "context": ".", "dockerfile": "Dockerfile"}


@given(SERVICES, st.lists(TEXT, max_size=3))
@example({"app": {"volumes": [{"type": "bind", "source": f"{CLONE}/data", "target": "/d", "bind": {}}]}}, [])
def test_a_release_of_any_services_builds_nothing_and_is_the_same_when_made_again(
    services: dict[str, Any], tracked: list[str]
) -> None:
    merged = {"name": "mcp", "services": services}
    before = copy.deepcopy(merged)
    answer = compose_release(merged, BUILD, "compose.yml", "app", tracked=tracked)
    assert merged == before
    assert compose_release(merged, BUILD, "compose.yml", "app", tracked=tracked) == answer
    for error in answer["errors"]:
        assert ". Remedy: " in error or error.startswith("stack_compose_service names the service `app`, which")
    project = json.loads(answer["compose"])
    built = {each["image"] for each in answer["builds"]}
    for name, service in project["services"].items():
        assert "build" not in service
        assert "develop" not in service
        if name == "app" or "build" in services.get(name, {}):
            assert service["image"] in built
            assert service["pull_policy"] == "never"
        for mount in service.get("volumes", []):
            assert mount["type"] == "volume" or not mount.get("source", "").startswith(f"{CLONE}/")


# Verdicts

CHECKS = st.fixed_dictionaries(
    {"id": TEXT, "section": st.sampled_from([*verdict.SECTIONS, "other"]), "title": TEXT, "ok": st.booleans()}
    | {"measured": TEXT, "limit": TEXT, "hint": TEXT},
    optional={"host": TEXT},
)


@given(st.lists(CHECKS, max_size=4), st.integers(0, 200))
@example([dict.fromkeys(verdict.FIELDS, "\x1b[2J\u202e\t" * 60) | {"section": "system", "ok": False}], 100)
def test_a_verdict_is_green_when_all_is_and_its_table_fits_the_terminal(
    checks: list[dict[str, Any]], width: int
) -> None:
    made = verdict.make("verify", "lab", checks, "", "", sections=("system",))
    assert made["ok"] is (
        all(check["ok"] for check in checks) and any(check["section"] == "system" for check in checks)
    )
    again = verdict.make("verify", "lab", made["checks"], "", "", sections=("system",))
    assert verdict.make("verify", "lab", again["checks"], "", "", sections=("system",)) == again
    assert again["ok"] is made["ok"]
    table = verdict.table(made, width)
    assert not verdict.CONTROLS.search(table)
    assert max(map(len, table.split("\n"))) <= min(max(width, verdict.NARROW), verdict.WIDE)
    assert table == verdict.table(made, width)
