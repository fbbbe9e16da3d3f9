"""A run of a playbook: its phases, its variables, and the lock that lets one at a time change a stack."""

# SPDX-License-Identifier: GPL-3.0-or-later
