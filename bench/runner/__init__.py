"""What the runner costs beside bare ansible-playbook, and whether 200 runs leave anything; `python -m bench.runner`."""

# SPDX-License-Identifier: GPL-3.0-or-later
