"""Releases, the two slots that they run in, and the log of deploys: what decides which of them serves."""

# SPDX-License-Identifier: GPL-3.0-or-later
