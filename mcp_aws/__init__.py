"""What stands behind `runner.py`.

In the program: `run`, the one noun, with `events` and `outcome`; `order` tells what is wanted, `follower` starts the
supervisor and reads its files; `verdicts` and `history` are typed answers, `cli` and `display` the command line.
Beside the program: `supervisor`, which runs `ansible-playbook` under `callback`, ends it by `processes` and keeps its
`evidence`; `remote` sends a run to another control node.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
