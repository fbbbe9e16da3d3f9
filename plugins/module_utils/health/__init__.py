"""The rules that judge what was measured, one file for each place it is measured at, and the verdict."""

# SPDX-License-Identifier: GPL-3.0-or-later
