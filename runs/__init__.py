"""What stands behind `runner.py`: the result of a run, and the process that makes it."""

# SPDX-License-Identifier: GPL-3.0-or-later
