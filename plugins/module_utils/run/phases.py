"""The phases of the workflow, and which of them a playbook belongs to; both displays of a run use it."""

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
    # These use roles that have a phase for something else.
    "teardown": "",
    "upgrade_postgresql": "",
}
# In playbooks of others. The role `secrets` is read in every phase.
ROLES = {
    **dict.fromkeys(("network", "identity", "storage", "registry", "logs", "instance"), INFRASTRUCTURE),
    **dict.fromkeys(("load_balancer", "alarms"), INFRASTRUCTURE),
    **dict.fromkeys(("base", "docker", "postgresql", "redis", "proxy", "log_rotation"), SYSTEM),
    "stack": APPLICATION,
    "health": VERIFICATION,
}


def phase_of(role: str, playbook: str) -> str:
    """Return the phase of a task, or nothing where it is of none: then the phase before it goes on.

    :param role: without `mcp.aws.`; empty for a task of a play.
    :param playbook: the file in which the play is, with or without a line, or its name like `mcp.aws.configure`.
    """
    folder, _, name = playbook.rpartition("/")
    stem = re.sub(r"\.yml(:\d+)?$", "", name).removeprefix("mcp.aws.")
    if stem in PLAYBOOKS and folder.rpartition("/")[2] in ("", "playbooks"):  # roles have files of these names
        return PLAYBOOKS[stem]
    return ROLES.get(role, "")


def heading(phase: str) -> str:
    """Return what stands above a phase: `Phase 1: Infrastructure Setup`; what is no phase stays as it is."""
    number = PHASES.index(phase) if phase in PHASES else 0
    return f"Phase {number}: {phase}" if number else phase
