"""What stands behind `runner.py`.

In the program: `run`, with its `events` and `outcome`; `request` describes a run, `follower` starts the
supervisor and reads its files; `verdicts` and `history` are typed answers, `cli` and `display` the command line.
Beside the program: `supervisor`, which runs `ansible-playbook` under `callback`, ends it by `processes` and keeps its
`evidence`; `remote` sends a run to another control node.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
