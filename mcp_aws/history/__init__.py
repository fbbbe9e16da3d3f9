"""The runs of a stack, recorded and asked."""

# SPDX-License-Identifier: GPL-3.0-or-later
