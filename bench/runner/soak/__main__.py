"""Start 200 runs, 8 at a time, cancel a third of them at random points, and look for all that they may leave.

`python -m bench.runner.soak [--runs 200] [--at-once 8] [--mode threads|asyncio|fastapi|all] [--seed N] [--light]`.
Each run works here, in the background, and over SSH on an sshd of the soak's own. It exits with 1 when anything is left
over, a cancel takes more than five seconds, or a run that nobody cancelled is not green with each of its events.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench.runner.soak import report
from bench.runner.soak.soak_run import MODES, WorkerFailed, soak
from bench.runner.soak.sshd import NoSshd, Sshd


def main() -> int:
    """Soak, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="runs of each mode (200)")
    parser.add_argument("--at-once", type=int, default=8, help="runs at a time (8)")
    parser.add_argument("--mode", choices=(*MODES, "all"), default="all", help="who starts them (all)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="of the random points")
    parser.add_argument("--light", action="store_true", help="leave out what works in the background and over SSH")
    said = parser.parse_args()
    modes = MODES if said.mode == "all" else (said.mode,)
    print(f"{said.runs} runs of each mode, {said.at_once} at a time, seed {said.seed}; this machine has", end=" ")
    print(f"{os.cpu_count()} processors and a load of {os.getloadavg()[0]:.1f}", flush=True)
    soaks = []
    with ExitStack() as stack:
        sshd = None
        if not said.light:
            sshd = stack.enter_context(Sshd(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sshd-")))))
        for mode in modes:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
            soaks.append(soak(mode, folder, said.runs, said.at_once, said.seed, sshd))
            print("\n".join(report.table(soaks[-1:])), flush=True)
    print("\n" + "\n".join(report.table(soaks)) if len(soaks) > 1 else "")
    kept = not any(each.wrong for each in soaks)
    print(f"\nnothing left, each cancel within 5 s, each event there: {'kept' if kept else 'MISSED'}")
    return 0 if kept else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit("terminated"))  # on the way out sshd is ended
    try:
        sys.exit(main())
    except (NoSshd, WorkerFailed) as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit("interrupted")
