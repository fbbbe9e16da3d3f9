"""The soak, small: runs at once, some of them cancelled, in each way that a program may start them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.runner.soak import report
from bench.runner.soak.soak_run import MODES, soak


@pytest.mark.parametrize("mode", MODES)
def test_runs_at_once_leave_nothing_and_lose_nothing(mode: str, tmp_path: Path) -> None:
    done = soak(mode, tmp_path, runs=5, at_once=3, seed=6)
    assert not done.wrong, "\n".join(report.table([done]))
    assert len(done.outcomes) == 5
    assert sum(job.cut for job in done.jobs) == 2
