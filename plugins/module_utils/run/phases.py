"""The phases of the workflow, and which of them a play belongs to: the one place that the displays of a run ask."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

PREFLIGHT = "Preflight"
INFRASTRUCTURE = "Infrastructure Setup"
SYSTEM = "System Initialization"
APPLICATION = "Application Deployment"
VERIFICATION = "Verification & Monitoring"
PHASES = (PREFLIGHT, INFRASTRUCTURE, SYSTEM, APPLICATION, VERIFICATION)  # in their order; preflight is before the first

PLAYBOOKS = {
    "preflight": PREFLIGHT,
    "provision": INFRASTRUCTURE,
    "configure": SYSTEM,
    "deploy": APPLICATION,
    "rollback": APPLICATION,
    "verify": VERIFICATION,
}
# For those who see no more of a play than its name; names that several playbooks have are not here.
PLAYS = {
    "Run the preflight checks": PREFLIGHT,
    "Provision AWS resources": INFRASTRUCTURE,
    "Configure the hosts": SYSTEM,
    "Deploy the MCP server": APPLICATION,
    "Go back to an earlier release": APPLICATION,
    "Use the server as a client does, look inside, and see it come back after a kill": VERIFICATION,
    "Ask AWS, and give the verdict": VERIFICATION,
}
# In playbooks of others. The role `secrets` is read in every phase.
ROLES = {
    **dict.fromkeys(("network", "identity", "storage", "registry", "logs", "instance"), INFRASTRUCTURE),
    **dict.fromkeys(("load_balancer", "alarms"), INFRASTRUCTURE),
    **dict.fromkeys(("base", "docker", "postgresql", "redis", "proxy", "log_rotation"), SYSTEM),
    "stack": APPLICATION,
    "health": VERIFICATION,
}
# Playbooks that do something else with roles that have a phase.
OTHERS = frozenset({"Delete AWS resources", "Upgrade PostgreSQL, one host after the other"})


def phase_of(role: str, playbook_or_play: str) -> str:
    """Return the phase of a task, or nothing where it is of none: then the phase before it goes on.

    :param role: without `mcp.aws.`; empty for a task of a play.
    :param playbook_or_play: a playbook's file, its name like `mcp.aws.configure`, or a play's name.
    """
    folder, _, name = playbook_or_play.rpartition("/")
    stem = re.sub(r"\.yml(:\d+)?$", "", name).removeprefix("mcp.aws.")
    if stem in PLAYBOOKS and folder.rpartition("/")[2] in ("", "playbooks"):  # roles have files of these names
        return PLAYBOOKS[stem]
    if playbook_or_play in OTHERS:
        return ""
    return PLAYS.get(playbook_or_play) or ROLES.get(role, "")


def heading(phase: str) -> str:
    """Return what stands above a phase: `Phase 1: Infrastructure Setup`; what is no phase stays as it is."""
    number = PHASES.index(phase) if phase in PHASES else 0
    return f"Phase {number}: {phase}" if number else phase
