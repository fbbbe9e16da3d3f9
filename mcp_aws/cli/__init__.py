"""The command line of `runner.py`."""

# SPDX-License-Identifier: GPL-3.0-or-later
