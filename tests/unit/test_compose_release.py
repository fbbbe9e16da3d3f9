"""Unit tests of the images and the project of a release: names, builds, volumes, and what two slots cannot share."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.mcp.aws.plugins.filter.compose_release import compose_release

CLONE = "/opt/mcp/source"
COMMIT = "3f786850e387550fdab836ed7e6dc881de23001b"
BUILD: dict[str, Any] = {
    "commit": COMMIT,
    "registry": "",
    "context": ".",
    "dockerfile": "Dockerfile",
    "build_args": {},
}


def released(services: dict[str, Any], build: dict[str, Any] = BUILD, **beside: Any) -> dict[str, Any]:
    """A release of a Compose file with services, the server `app` among them."""
    options = {key: beside.pop(key) for key in ("given", "tracked", "unset", "omit") if key in beside}
    merged = {"name": "mcp", "services": services, **beside}
    return compose_release(merged, build, "deploy/compose.yml", "app", **options)


def project(services: dict[str, Any], **beside: Any) -> dict[str, Any]:
    answer = released(services, **beside)
    assert answer["errors"] == []
    return dict(json.loads(answer["compose"]))


def test_a_tag_is_of_the_commit_and_of_what_an_image_is_built_from() -> None:
    """The same as in earlier versions of this collection, so that no host builds again what it has."""
    assert compose_release({}, BUILD)["image"] == "mcp:3f786850e387-2ae575b9"
    elsewhere = BUILD | {"registry": "r/x", "context": "a", "dockerfile": "b/D", "build_args": {"X": "1"}}
    assert compose_release({}, elsewhere)["image"] == "r/x:3f786850e387-fd438fb9"


def test_an_image_has_another_tag_when_anything_it_is_built_from_changes() -> None:
    changes: list[dict[str, Any]] = [
        {"commit": "b" * 40},
        {"context": "sub"},
        {"dockerfile": "Other"},
        {"build_args": {"X": "2"}},
        {},
    ]
    images = {compose_release({}, BUILD | change)["image"] for change in changes}
    images.add(released({"app": {"build": {"context": CLONE, "target": "run"}}})["image"])
    assert len(images) == 6


def test_the_server_is_built_as_the_role_says_where_the_file_does_not() -> None:
    build = BUILD | {"context": "src", "dockerfile": "Other", "build_args": {"A": 1}}
    expected = {"path": f"{CLONE}/src", "dockerfile": "Other", "target": "", "args": {"A": "1"}}
    for answer in (compose_release({}, build), released({"app": {"image": "example/app:latest"}}, build)):
        assert answer["errors"] == []
        assert [{key: each[key] for key in expected} for each in answer["builds"]] == [expected]


def test_every_service_with_a_build_is_built_the_server_first() -> None:
    build = BUILD | {"registry": "r.example/x", "build_args": {"A": "2"}}
    services = {
        "aside": {"build": {"context": f"{CLONE}/jobs", "dockerfile": "d/D", "args": {"C": "$$5", "D": None}}},
        "app": {"build": {"context": CLONE, "args": {"A": "1", "B": "1"}, "target": "run"}},
        "cache": {"image": "valkey/valkey:8"},
    }
    answer = released(services, build)
    assert [(each["path"], each["dockerfile"], each["target"], each["args"]) for each in answer["builds"]] == [
        (CLONE, "Dockerfile", "run", {"A": "2", "B": "1"}),
        (f"{CLONE}/jobs", "d/D", "", {"C": "$5"}),
    ]
    assert all(each["image"].startswith("r.example/x:3f786850e387-") for each in answer["builds"])
    images = {name: each["image"] for name, each in json.loads(answer["compose"])["services"].items()}
    assert images == {
        "app": answer["builds"][0]["image"],
        "aside": answer["builds"][1]["image"],
        "cache": "valkey/valkey:8",
    }
    assert answer["image"] == images["app"]


def test_the_project_builds_nothing_and_names_its_variables() -> None:
    server = {"build": {"context": CLONE}, "develop": {}, "container_name": "mcp-@@MCP_SLOT@@", "command": ["$$HOME"]}
    whole = project({"app": server})
    assert "name" not in whole
    assert whole["services"]["app"] == {
        "container_name": "mcp-${MCP_SLOT}",
        "command": ["$$HOME"],
        "image": released({"app": server})["image"],
        "pull_policy": "never",
    }


def test_a_folder_beside_the_file_becomes_a_volume_that_outlives_slots() -> None:
    mounts = [
        {"type": "bind", "source": f"{CLONE}/var/log s", "target": "/l", "read_only": True, "bind": {}},
        {"type": "bind", "source": "/srv/x", "target": "/x", "bind": {}},
        {"type": "volume", "target": "/anonymous"},
    ]
    whole = project(
        {"app": {"volumes": mounts}}, volumes={"a": {"name": "mcp_a"}}, tracked=["var/log s/.gitkeep", "var/lo"]
    )
    assert whole["services"]["app"]["volumes"] == [
        {"type": "volume", "source": "var_log_s", "target": "/l", "read_only": True},
        {"type": "bind", "source": "/srv/x", "target": "/x", "bind": {}},
        {"type": "volume", "target": "/anonymous"},
    ]
    assert whole["volumes"] == {"a": {"name": "mcp_a"}, "var_log_s": {"name": "mcp_var_log_s"}}


@pytest.mark.parametrize(
    ("server", "says"),
    [
        ({"volumes": [{"type": "bind", "source": f"{CLONE}/conf"}]}, "services.app.volumes mounts `conf` out of the"),
        ({"volumes": [{"type": "bind", "source": CLONE}]}, "services.app.volumes mounts `.` out of the clone"),
        ({"volumes": [{"type": "bind", "source": f"{CLONE}/~/x"}]}, "services.app.volumes mounts `~/x` out of the"),
        ({"network_mode": "host"}, "the service app uses the host's network"),
        ({"build": {"context": "/opt/mcp"}}, "services.app.build.context is `/opt/mcp`, outside of the repository"),
        ({"build": {"context": "https://x/y.git"}}, "services.app.build.context is `https://x/y.git`, outside"),
        ({"build": {"context": CLONE, "ssh": ["default"]}}, "services.app.build has `ssh`, which is not supported"),
        ({"secrets": [{"source": "key"}]}, "secrets.key is the file `key.txt`, and a release has no files of the"),
        ({"configs": [{"source": "conf"}]}, "configs.conf is the file `conf/a`, and a release has no files of the"),
    ],
)
def test_what_two_slots_cannot_share_is_refused_with_the_remedy(server: dict[str, Any], says: str) -> None:
    beside = {
        "secrets": {"key": {"file": f"{CLONE}/key.txt"}, "unused": {"file": f"{CLONE}/other"}},
        "configs": {"conf": {"file": f"{CLONE}/conf/a"}},
    }
    errors = released({"app": server}, tracked=["conf/a"], **beside)["errors"]
    assert len(errors) == 1
    assert errors[0].startswith(f"In deploy/compose.yml, {says}")
    assert ". Remedy: " in errors[0]


def test_all_errors_are_reported_at_once() -> None:
    given = {"services": {"app": {"networks": {"a": {"ipv4_address": "10.0.0.2"}, "b": None}}}}
    answer = released({"app": {}}, given=given, unset=["KEY"], omit=["pg", "app"])
    assert answer["errors"] == [
        "stack_compose_omit names the service `pg`, which deploy/compose.yml does not have. It has: app.",
        "stack_compose_omit leaves out `app`, which stack_compose_service says to run.",
        "In deploy/compose.yml, the service app has a fixed address, and slots have networks of their own."
        " Remedy: use its name.",
        "In deploy/compose.yml, `${KEY}` has no value. Remedy: give stack_environment or stack_secrets a KEY.",
    ]


def test_a_server_that_the_file_does_not_have() -> None:
    answer = released({"web": {"image": "x"}})
    assert answer["errors"] == [
        "stack_compose_service names the service `app`, which deploy/compose.yml does not have. It has: web."
    ]
    assert answer["image"] == ""
