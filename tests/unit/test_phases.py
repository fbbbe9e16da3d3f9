"""The phases: what the workflow calls them, and every play of the collection in the one it belongs to."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
import yaml
from ansible_collections.mcp.aws.plugins.module_utils.run import phases

ROOT = Path(__file__).parents[2]


def plays() -> dict[str, set[str]]:
    """Each play's name with the playbooks that have one of that name."""
    found: dict[str, set[str]] = defaultdict(set)
    for playbook in (ROOT / "playbooks").glob("*.yml"):
        for play in yaml.safe_load(playbook.read_text()):
            if "hosts" in play:
                found[play["name"]].add(playbook.stem)
    return found


@pytest.mark.parametrize(
    ("role", "where", "expected"),
    [
        ("", "/srv/mcp/aws/playbooks/configure.yml", phases.SYSTEM),
        ("", "playbooks/configure.yml:16", phases.SYSTEM),
        ("", "mcp.aws.verify", phases.VERIFICATION),
        ("", "deploy", phases.APPLICATION),
        ("secrets", "Configure the hosts", phases.SYSTEM),  # the play says more than the role
        ("secrets", "playbooks/provision.yml", phases.INFRASTRUCTURE),
        ("postgresql", "A play of somebody else", phases.SYSTEM),
        ("", "/srv/mcp/aws/roles/postgresql/tasks/configure.yml:3", ""),
        ("", "Look for hosts", ""),
        ("", "playbooks/teardown.yml", ""),
        ("network", "Delete AWS resources", ""),
        ("", "", ""),
    ],
)
def test_a_task_has_the_phase_of_its_playbook_or_play_or_role(role: str, where: str, expected: str) -> None:
    assert phases.phase_of(role, where) == expected


def test_headings_are_those_of_the_workflow() -> None:
    assert [phases.heading(phase) for phase in phases.PHASES] == [
        "Preflight",
        "Phase 1: Infrastructure Setup",
        "Phase 2: System Initialization",
        "Phase 3: Application Deployment",
        "Phase 4: Verification & Monitoring",
    ]
    assert phases.heading("teardown") == "teardown"


def test_every_play_that_one_playbook_alone_has_is_known_by_its_name() -> None:
    expected = {
        name: phases.PLAYBOOKS[stem]
        for name, [stem] in ((name, [*stems]) for name, stems in plays().items() if len(stems) == 1)
        if stem in phases.PLAYBOOKS
    }
    assert expected == phases.PLAYS
    assert plays().keys() >= phases.OTHERS


def test_every_role_has_a_phase_or_a_reason() -> None:
    roles = {path.name for path in (ROOT / "roles").iterdir() if path.is_dir()}
    assert roles - phases.ROLES.keys() - {"secrets", "postgresql_upgrade"} == set()
    assert phases.ROLES.keys() <= roles
