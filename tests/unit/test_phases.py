"""The phases: what the workflow calls them, and which playbooks and roles belong to them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mcp.aws.plugins.module_utils.run import phases

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("role", "where", "expected"),
    [
        ("", "/srv/mcp/aws/playbooks/configure.yml", phases.SYSTEM),
        ("", "playbooks/configure.yml:16", phases.SYSTEM),
        ("", "mcp.aws.verify", phases.VERIFICATION),
        ("", "deploy", phases.APPLICATION),
        ("secrets", "playbooks/configure.yml:11", phases.SYSTEM),  # the playbook decides before the role
        ("secrets", "playbooks/provision.yml", phases.INFRASTRUCTURE),
        ("postgresql", "/srv/acme/servers.yml:2", phases.SYSTEM),
        ("", "/srv/mcp/aws/roles/postgresql/tasks/configure.yml:3", ""),
        ("", "playbooks/teardown.yml", ""),
        ("network", "playbooks/teardown.yml:3", ""),
        ("postgresql_upgrade", "mcp.aws.upgrade_postgresql", ""),
        ("", "", ""),
    ],
)
def test_a_task_has_the_phase_of_its_playbook_or_its_role(role: str, where: str, expected: str) -> None:
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


def test_every_playbook_that_is_named_exists() -> None:
    assert phases.PLAYBOOKS.keys() <= {path.stem for path in (ROOT / "playbooks").glob("*.yml")}


def test_every_role_has_a_phase_or_a_reason() -> None:
    roles = {path.name for path in (ROOT / "roles").iterdir() if path.is_dir()}
    assert roles - phases.ROLES.keys() - {"secrets", "postgresql_upgrade"} == set()
    assert phases.ROLES.keys() <= roles
