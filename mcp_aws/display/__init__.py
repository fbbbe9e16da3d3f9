"""What a person sees of a run on a terminal or in a log."""

# SPDX-License-Identifier: GPL-3.0-or-later
