"""What we read out of Lynis' report."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.mcp.aws.bench.hardening import Report

TEXT = """\
lynis_version=3.0.8
warning[]=FIRE-4512|no rules active|-|-|
suggestion[]=SSH-7408|Consider hardening SSH configuration|MaxSessions (set 10 to 2)|-|
suggestion[]=KRNL-6000|Values differ||Change them|
hardening_index=76
"""


def test_report() -> None:
    report = Report.read(TEXT)
    assert (report.version, report.index) == ("3.0.8", 76)
    assert report.warnings == {"FIRE-4512: no rules active"}
    assert report.suggestions == {
        "SSH-7408: Consider hardening SSH configuration [MaxSessions (set 10 to 2)]",
        "KRNL-6000: Values differ",
    }
